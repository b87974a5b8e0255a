import pytest

from tutorial_lib.cleaning.settings import CleaningSettings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"boilerplate_documents": 0}, "boilerplate_documents is 0: pass a whole number, at least 1"),
        ({"near_duplicate_threshold": 0}, "near_duplicate_threshold is 0: pass a share above 0, at most 1"),
        ({"repeat_threshold": 60}, "repeat_threshold is 60: pass a share above 0, at most 1"),
        ({"lost_share": -0.5}, "lost_share is -0.5"),
        ({"pasted_share": float("nan")}, "pasted_share is nan"),
        ({"lost_rank": -1}, "lost_rank is -1"),
        ({"language": ""}, "language is '': pass an ISO 639 code such as 'en', or None"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(given, message):
    with pytest.raises(ValueError, match=message):
        CleaningSettings(**given)


def test_a_share_of_all_is_a_share():
    assert CleaningSettings(near_duplicate_threshold=1, lost_share=1.0).lost_share == 1
