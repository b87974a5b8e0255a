import pytest

from tutorial_lib.monitoring.watch_settings import WatchSettings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"alarms": 0}, "alarms is 0: pass a share above 0"),
        ({"alarms": 1.0}, "alarms is 1.0"),
        ({"odds": 1.0}, "odds is 1.0: pass a number above 1"),
        ({"quiet_periods": 100}, "quiet_periods is 100: pass at least 199"),
        ({"period": 3}, "period is 3: pass at least 4"),
        ({"window": 0}, "window is 0"),
        ({"past": 1}, "past is 1"),
        ({"settling": 1}, "settling is 1"),
        ({"least": 0}, "least is 0"),
        ({"topics": 1}, "topics is 1"),
        ({"most": 5}, "most is 5, and least is 8"),
    ],
)
def test_what_no_threshold_can_be_made_of_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        WatchSettings(**given)
