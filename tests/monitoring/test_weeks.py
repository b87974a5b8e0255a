from datetime import UTC, date, datetime, timedelta, timezone

from tests.monitoring.matters import START, search
from tutorial_lib.monitoring.weeks import sessions_of, thinned, week_of, weeks_between


def at(minutes, session="s", query="refund"):
    return search(0, query, when=START + timedelta(minutes=minutes), session=session)


def test_a_week_begins_on_monday_in_utc():
    assert week_of(datetime(2026, 10, 11, 23, 59, tzinfo=UTC)) == date(2026, 10, 5)
    assert week_of(datetime(2026, 10, 12, 1, 0, tzinfo=timezone(timedelta(hours=2)))) == date(2026, 10, 5)


def test_weeks_leave_no_gap():
    assert weeks_between(date(2026, 12, 21), date(2027, 1, 4)) == [date(2026, 12, 21), date(2026, 12, 28), date(2027, 1, 4)]


def test_a_session_ends_after_half_an_hour_without_a_search():
    found = sessions_of([at(0), at(5, "t"), at(20, query="Refund!"), at(51)])
    assert [[s.when.minute for s in session.searches] for session in found] == [[0, 20], [5], [51]]
    assert found[0].wording == "refund"


def test_a_session_is_of_the_week_in_which_it_began():
    assert sessions_of([at(-10), at(10)])[0].week == week_of(START) - timedelta(weeks=1)


def test_the_same_sessions_are_drawn_again_and_small_weeks_stay_whole():
    sessions = sessions_of([at(60 * n, f"s{n}") for n in range(40)] + [at(60 * 24 * 8, "alone")])
    kept = thinned(sessions, 10, seed=3)
    assert len(kept) == 11
    assert kept == thinned(sessions, 10, seed=3)
    assert kept == sorted(kept, key=lambda s: s.first.when)
