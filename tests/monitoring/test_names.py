import numpy as np

from tests.monitoring.matters import known, search
from tutorial_lib.monitoring.names import RareWords
from tutorial_lib.monitoring.statistics import Periods
from tutorial_lib.monitoring.weeks import Session


def rare(*queries):
    sessions = [Session((search(n, query),)) for n, query in enumerate(queries)]
    number = {w: n for n, w in enumerate(dict.fromkeys(s.wording for s in sessions))}
    return RareWords.of(sessions, known(), np.array([number[s.wording] for s in sessions]))


def period(past, sizes):
    present = np.arange(past, past + sum(sizes))[None]
    return Periods(present, np.ones((1, past), dtype=bool), np.cumsum(sizes))


def test_wordings_are_counted_not_sessions():
    words = rare("refund", "lookout price", "lookout price", "lookout slow", "Lookouts, open")
    assert words.stems == ["lookout"]
    assert words.spelt == ["lookout"]
    assert words.most_wordings(period(1, [2, 1, 1]), 3, trained=True).tolist() == [[1, 2, 3]]


def test_a_window_forgets_and_an_empty_week_adds_nothing():
    words = rare("refund", "lookout price", "lookout slow")
    assert words.most_wordings(period(1, [1, 0, 1]), 2, trained=True).tolist() == [[1, 1, 1]]


def test_what_the_past_has_is_no_news():
    words = rare("lookout cancel", "lookout price", "gizmo price", "gizmo slow")
    assert words.most_wordings(period(1, [3]), 4, trained=True).tolist() == [[2]]


def test_what_training_learnt_from_a_search_is_seen_only_where_it_counts():
    words = RareWords.of([Session((search(0, "gizmo price"),))], known(), np.array([0]))
    words.learnt[0] = True
    assert words.most_wordings(period(0, [1]), 4, trained=True).tolist() == [[0]]
    assert words.most_wordings(period(0, [1]), 4, trained=False).tolist() == [[1]]


def test_a_log_without_rare_words_has_none():
    assert rare("refund price", "router").most_wordings(period(1, [1]), 4, trained=True).tolist() == [[0]]
