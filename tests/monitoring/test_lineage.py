"""Generations beside each other: found from any of them, noted with a seal, shown as a table."""

import pytest

from tutorial_lib.data.dataset import DataError
from tutorial_lib.monitoring.lineage import FIRST, KEPT_BACK, SHIPPED, Generation, Line, history

FIGURE = {"before": 0.7, "after": 0.75, "difference": 0.05, "low": 0.01, "high": 0.09, "p": 0.01, "queries": 30}


@pytest.fixture
def line(copied):
    line = Line(copied.root)
    told = {"settings": {"start": "base"}, "gathered": {"old": 12, "new": 28}, "until": "2026-08-11T00:00:00+00:00"}
    for number, decision in ((2, SHIPPED), (3, KEPT_BACK)):
        line.folder(number).mkdir()
        line.save(
            Generation(
                number,
                line.folder(number).name,
                number - 1,
                decision=decision,
                figures={"new": FIGURE},
                cpu_seconds=90.0,
                **told,
            )
        )
    (line.first.parent / "desk-old").mkdir()
    (line.first.parent / "desk-9").mkdir()  # a folder of that name, and no generation
    return line


def test_a_line_is_found_from_any_of_its_folders(line):
    for folder in (line.first, line.folder(2), line.folder(3)):
        found = Line(folder).generations()
        assert [g.number for g in found] == [1, 2, 3]
        assert [g.decision for g in found] == [FIRST, SHIPPED, KEPT_BACK]
        assert [g.shipped for g in found] == [True, True, False]
    assert found[0].base == Line(line.first).generations()[0].base != ""


def test_history_shows_a_row_a_generation(line):
    table = history(line.folder(3))
    assert list(table.index) == [1, 2, 3]
    assert table.loc[1, "decision"] == "first"
    assert dict(table.loc[3]) == {
        "folder": "desk-3",
        "parent": "2",
        "start": "base",
        "log until": "2026-08-11",
        "pairs": "12 + 28",
        "old": "",
        "new": "0.700 -> 0.750",
        "newest": "",
        "decision": "kept back",
        "cpu min": "1.5",
    }


def test_a_changed_manifest_is_refused(line):
    manifest = line.folder(2) / "generation.json"
    manifest.write_text(manifest.read_text().replace("shipped", "kept back"))
    with pytest.raises(DataError, match=r"generation\.json is damaged: it is not what was written: delete .*desk-2"):
        line.generations()


def test_a_folder_without_a_run_or_model_is_refused(tmp_path, copied):
    with pytest.raises(DataError, match=r"there is no run in .*none: make one first"):
        Line(tmp_path / "none")
    (copied.root / "model" / "stage.json").unlink()
    with pytest.raises(DataError, match=r"has no model yet: give its command"):
        Line(copied.root)
