import json
import sys

import pytest

from benchmarks import reranking
from benchmarks.reranking import drawn, shallower
from tests.tiny import tiny_dataset


def test_a_draw_keeps_so_many_held_out_queries_and_all_of_training():
    dataset = tiny_dataset()
    small = drawn(dataset, 3)
    assert [len(small.qrels[s]) for s in ("train", "dev", "test")] == [12, 3, 3]
    assert small.qrels == drawn(dataset, 3).qrels
    assert drawn(dataset, 0) is dataset


def test_a_shallower_shortlist_is_the_first_part_of_a_deeper_one():
    run = {"q": {"a": 0.9, "b": 0.8, "c": 0.1}}
    assert shallower({"q": {"a": 1.0, "b": 2.0}}, run, 1) == {"q": {"a": 1.0}}


@pytest.mark.usefixtures("at_home")
def test_the_table_has_a_row_a_depth_and_goes_on_where_it_stopped(finished, tiny_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reranking, "DEFAULT_MODEL", str(tiny_folder))
    out = tmp_path / "reranking.json"
    data, space = f"desk={finished.need('dataset')}", f"desk={finished.root}"
    arguments = ["reranking", "--data", data, "--workspace", space, "--depths", "2", "5", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", [*arguments, "--only", "base"])
    reranking.main()
    assert [(r["model"], r["depth"]) for r in json.loads(out.read_text())["rows"]] == [("base", 2), ("base", 5)]
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", arguments)
    reranking.main()
    rows = json.loads(out.read_text())["rows"]
    assert [(r["model"], r["depth"]) for r in rows] == [("base", 2), ("base", 5), ("tuned", 2), ("tuned", 5)]
    assert all(r["low"] <= r["difference"] <= r["high"] and r["maxsim_ms"] > 0 for r in rows)
    assert capsys.readouterr().out.count("depth") == 2
