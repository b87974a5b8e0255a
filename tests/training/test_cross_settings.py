"""Settings of a cross-encoder's training refuse what cannot be trained with; the result is read as it was written."""

import pytest

from tutorial_lib.training.cross_settings import CrossResult, CrossSettings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs is 0: pass a number above 0"),
        ({"head_rate": -1.0}, "head_rate is -1.0: pass a number above 0"),
        ({"warmup": 1.5}, "warmup is 1.5: pass at least 0 and at most 1.0"),
        ({"rank": -1}, "rank is -1: pass at least 0"),
        ({"negatives": 0}, "negatives is 0: pass at least 1"),
        ({"max_length": 4}, "max_length is 4: pass at least 5"),
        ({"depth": 2.5}, "depth is 2.5: pass a whole number, at least 1"),
        ({"dev_queries": True}, "dev_queries is True: pass a whole number, at least 1"),
        ({"seed": 2**32}, "seed is 4294967296: pass at least 0 and at most 4294967295"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name_its_value_and_what_to_pass(settings, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        CrossSettings(**settings)


def test_the_result_is_read_as_it_was_written(tmp_path):
    result = CrossResult([(1, 1.4)], [(0, 0.8), (2, 0.9)], [(0.3, 0.9)], 0.3, 2, 2, 12, 10, 1.5, 3, 7)
    result.save(tmp_path / "result.json")
    assert CrossResult.load(tmp_path / "result.json") == result
