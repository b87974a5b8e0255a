import json
import shutil
from datetime import timedelta

import numpy as np
import pytest

from tests.monitoring.matters import START
from tests.tiny import ACTIONS, THINGS
from tutorial_lib.data.columns import Columns, SearchColumns
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.registry import SUPPORT_DESK
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_FILES
from tutorial_lib.monitoring.run import WatchedRun, _log_of, watch_run
from tutorial_lib.monitoring.watch_settings import WatchSettings
from tutorial_lib.run_marker import Marker

SETTINGS = WatchSettings(quiet_periods=199, settling=8, period=4, least=4, topics=4)


def log_file(file, weeks=12, a_week=10, new=lambda week: ""):
    """Write a log: each search is about one of the things, and its article answers it."""
    rows = []
    for n in range(weeks * a_week):
        thing, week = n % len(THINGS), n // a_week
        query = f"how to {ACTIONS[(n * 5) % 12]} a {THINGS[thing]} {new(week)}".strip()
        click = {"article_id": f"a{thing:02}", "rank": 1, "dwell_seconds": 45}
        when = START + timedelta(weeks=week, hours=(n % a_week) * 8)
        rows.append({"session_id": f"s{n}", "created_at": when.isoformat(), "query": query, "clicks": [click]})
    file.write_text("".join(json.dumps({**row, "ticket_followed": None}) + "\n" for row in rows), encoding="utf-8")
    return file


def test_a_run_that_learned_from_no_log_is_compared_with_the_first_weeks(finished, tmp_path):
    found = watch_run(finished.root, log_file(tmp_path / "log.jsonl"), settings=SETTINGS)
    assert [w.sessions for w in found.weeks] == [10] * 4
    assert found.notes[0].startswith("no log of the time before: the first 8 weeks")
    assert {"unsure", "wrong"} <= set(found.signals)


def test_a_log_of_before_can_be_given(finished, tmp_path):
    log = log_file(tmp_path / "log.jsonl", new=lambda week: f"lookout {'abcd'[week % 4]}" if week >= 8 else "")
    before = log_file(tmp_path / "before.jsonl", weeks=8)
    found = watch_run(finished.root, log, before=before, settings=SETTINGS)
    assert len(found.weeks) == 4
    assert "names" in found.newest.raised


def test_the_columns_of_a_log_can_be_named(finished, tmp_path):
    file = log_file(tmp_path / "log.jsonl")
    file.write_text(file.read_text().replace('"query"', '"asked"'))
    with pytest.raises(DataError, match="no column 'query'"):
        watch_run(finished.root, file, settings=SETTINGS)
    columns = Columns(search=SearchColumns(query="asked"))
    assert len(watch_run(finished.root, file, columns=columns, settings=SETTINGS).weeks) == 4


def test_what_is_no_run_with_a_model_is_refused(copied, tmp_path):
    with pytest.raises(DataError, match="there is no run in"):
        WatchedRun(tmp_path / "none")
    (copied.root / "model" / "config.json").write_text("{}")
    with pytest.raises(DataError, match=r"config\.json .*: give the command that made"):
        WatchedRun(copied.root)


def test_what_train_leaves_is_watched_as_what_run_leaves(copied):
    _, kept = WatchedRun(copied.root).parts()
    shutil.rmtree(copied.root / "tuned_vectors")
    _, made = WatchedRun(copied.root).parts()
    assert made.articles == kept.articles
    np.testing.assert_allclose(made._documents, kept._documents, atol=1e-6)
    assert not (copied.root / "tuned_vectors").exists(), "watching makes nothing"


def test_damaged_vectors_are_named(copied):
    next(copied.root.glob("tuned_vectors/*.npy")).write_bytes(b"")
    with pytest.raises(DataError, match=r"npy has 0 bytes.*: give the command that made"):
        WatchedRun(copied.root).parts()


def test_a_run_knows_the_log_that_it_learned_from(tmp_path):
    assert _log_of(Marker(SUPPORT_DESK, "m", None, {}))[1] == SUPPORT_DESK_FILES / "search_log.jsonl"
    assert _log_of(Marker("aws_docs", "m", None, {}))[1] is None
    desk = {"tickets": "t.csv", "articles": "a.csv", "searches": str(tmp_path / "s.csv"), "columns": Columns().record()}
    assert _log_of(Marker("t.csv", "m", desk, {}))[1] is None  # it is gone
    (tmp_path / "s.csv").write_text("")
    assert _log_of(Marker("t.csv", "m", desk, {}))[1] == tmp_path / "s.csv"
