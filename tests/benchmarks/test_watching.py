from datetime import date, timedelta

import numpy as np

from benchmarks.watching import A_WEEK, AFTER, WEEKS, dealt, log_of, noticed, spread, summary, taken_out, without
from tests.monitoring.matters import known, log
from tutorial_lib.monitoring.watched import Reading, Watched, Week
from tutorial_lib.monitoring.weeks import sessions_of

SESSIONS = sessions_of(log(60).searches)


def test_the_hands_share_no_wording_and_the_present_comes_after():
    past, present = dealt(SESSIONS, np.random.default_rng(0))
    assert len(present) == WEEKS * A_WEEK
    assert not {s.wording for s in past} & {s.wording for s in present}
    assert len({s.week for s in present}) == WEEKS
    assert {s.week for s in present} == {(AFTER + timedelta(weeks=n)).date() for n in range(WEEKS)}
    assert len({s.first.session_id for s in present}) == len(present)


def test_whole_weeks_are_taken_out():
    past, present = taken_out(SESSIONS, np.random.default_rng(0))
    assert len(past) + len(present) == len(SESSIONS)
    assert sorted(s.wording for s in [*past, *present]) == sorted(s.wording for s in SESSIONS)
    assert len({s.week for s in present}) == 20


def test_a_session_keeps_its_pace():
    moved = spread(SESSIONS[:2], AFTER)
    assert [s.first.when for s in moved] == [AFTER, AFTER + timedelta(days=3)]
    assert log_of(reversed(moved)).searches[0].when == AFTER


def test_training_is_thought_of_without_what_the_present_alone_asks():
    learnt = known()
    asks = next(w for held in learnt.asked.values() for w in held)  # one query a matter was learned from
    present = sessions_of(log(1, query=lambda n, _: asks).searches)
    assert without(learnt, present, present).asked == learnt.asked
    assert all(asks not in held for held in without(learnt, [], present).asked.values())


def found(*raised):
    def reading(strength):
        return Reading(0.0, 0.0, 0.0, strength)

    monday, weeks = date(2026, 9, 28), []
    for n, names in enumerate(raised):
        readings = {name: reading(2.0 if name in names else 0.0) for name in ("names", "words")}
        weeks.append(Week(monday + timedelta(weeks=n), 20, 18, ("fine", "look", "retrain")[len(names)], (), readings))
    return Watched(tuple(weeks), {}, {}, {})


def test_days_are_counted_to_the_end_of_the_week():
    said = noticed(found((), (), ("names",), ("names", "words")))
    assert said["days by signal"] == {"names": 14, "words": 21}
    assert (said["first"], said["days"], said["days to retrain"]) == ("names", 14, 21)
    assert said["before any change"] == []


def test_what_was_raised_before_the_rename_did_not_notice_it():
    said = noticed(found(("words",), ("words",), ("words", "names")))
    assert said["between"] == ["words"]
    assert said["days by signal"] == {"names": 14}


def test_a_year_that_notices_nothing_counts_as_never():
    rows = [noticed(found((), ("names",))), noticed(found((), ()))]
    said = summary(rows)
    assert said["days, median and 90 %"] == [None, None]
    assert said["first"] == {"names": 1, "none": 1}
    assert summary(rows[:1])["days, median and 90 %"] == [7, 7]
