import json
import sys

import pytest

from benchmarks import teaching
from benchmarks.teaching import VARIANTS, Lesson


@pytest.fixture
def lesson(finished, tiny_folder):
    return Lesson("tiny", finished.root, str(tiny_folder))


def test_fitted_rankings_are_of_all_training_queries_and_are_made_once(lesson, monkeypatch):
    made = lesson.fitted
    assert set(made) == set(lesson.home.dataset.qrels["train"])
    assert all(len(found) <= 30 for found in made.values())
    monkeypatch.setattr(teaching, "cross_fitted_teacher", None)
    assert Lesson("tiny", lesson.home.folder, lesson.start.model).fitted == made


def test_who_is_taught_the_labels_alone_has_no_teacher(lesson):
    assert lesson.teacher("labels") is None
    assert lesson.teacher("late") == lesson.home.teacher  # of fewer documents than the first thirty


def test_every_variant_becomes_a_row_and_none_is_measured_twice(finished, tmp_path, monkeypatch, tiny_folder):
    out, folder = tmp_path / "teaching.json", finished.root
    command = ["teaching", "--workspace", f"tiny={folder}", "--out", str(out), "--seeds", "1", "--documents", "2"]
    monkeypatch.setattr(sys, "argv", [*command, "--model", str(tiny_folder), "--elsewhere", f"there={folder}"])
    teaching.main()
    rows = json.loads(out.read_text())["rows"]
    assert [row["variant"] for row in rows] == list(VARIANTS)
    for row in rows:
        assert 0 <= row["alone"]["after"] <= 1
        assert row["alone"]["before"] == row["matrix"]["before"] == pytest.approx(row["elsewhere: there"]["tuned"])
    monkeypatch.setattr(Lesson, "train", None)
    teaching.main()
    assert json.loads(out.read_text())["rows"] == rows
