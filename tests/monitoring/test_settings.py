import pytest

from tutorial_lib.monitoring.settings import GateSettings, GatherSettings, RetrainSettings


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        (GatherSettings, {"old_share": -0.1}, "old_share is -0.1"),
        (GatherSettings, {"new_weight": 0}, "new_weight is 0: pass at least 1"),
        (GatherSettings, {"newest_weeks": 0}, "newest_weeks is 0: pass at least 1"),
        (GateSettings, {"max_old_loss": 2.0}, "max_old_loss is 2.0"),
        (GateSettings, {"fewest": 0}, "fewest is 0: pass at least 1"),
        (RetrainSettings, {"start": "scratch"}, "start is 'scratch': pass one of base, live"),
        (RetrainSettings, {"train_seed": -1}, "train_seed is -1"),
    ],
)
def test_what_cannot_be_is_refused_in_words(kind, wrong, said):
    with pytest.raises(ValueError, match=said):
        kind(**wrong)
