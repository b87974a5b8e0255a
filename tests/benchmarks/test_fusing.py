"""Ways of fusing, and what dev's choice of a share is worth."""

import json
import sys

import pytest

from benchmarks import fusing
from benchmarks.fusing import by_ranks, by_z_scores, means, rows_of, ways, with_fewer
from tutorial_lib.retrieval.fusion import convex_combination, reciprocal_rank_fusion

KEYWORD = {"q": {"a": 12.0, "b": 6.0, "c": 0.0}, "p": {}}
DENSE = {"q": {"c": 0.9, "b": 0.7, "d": 0.5}, "p": {"b": 0.5, "a": 0.4}}


def test_half_each_by_ranks_is_reciprocal_rank_fusion():
    order = {q: list(found) for q, found in reciprocal_rank_fusion([KEYWORD, DENSE]).items()}
    assert {q: list(found) for q, found in by_ranks(KEYWORD, DENSE, 0.5).items()} == order
    assert list(by_ranks(KEYWORD, DENSE, 0.0)["q"])[:3] == ["a", "b", "c"]


def test_z_scores_by_hand():
    fused = by_z_scores(KEYWORD, DENSE, 0.5)["q"]
    one = 1.5**0.5  # three scores at equal distances: -one, 0, one
    assert fused == pytest.approx({"a": 0.0, "c": 0.0, "b": 0.0, "d": -one}, abs=1e-6)
    assert list(by_z_scores(KEYWORD, DENSE, 0.5)["p"]) == ["b", "a"]


QRELS = {"dev": {"q": {"c": 1}}, "test": {"q": {"b": 1}}}
PARTS = {split: ({"q": KEYWORD["q"]}, {"q": DENSE["q"]}) for split in ("dev", "test")}


def test_dev_chooses_and_test_reports():
    told = ways(QRELS, PARTS)["scores, dev's share"]
    assert told["share"] > 0.5
    assert told["dev"] == 1.0
    test = convex_combination(*PARTS["test"], told["share"])
    assert told["test"] == fusing.scored(QRELS["test"], test) == told["by share"][f"{told['share']:g}"][1]
    assert told["best"] >= told["test"]


def test_a_share_is_chosen_by_fewer_queries(monkeypatch):
    monkeypatch.setattr(fusing, "FEWER", (1, 2, 50))
    qrels = {split: {str(n): {"c": 1} for n in range(6)} for split in ("dev", "test")}
    parts = {s: tuple({q: dict(run["q"]) for q in qrels[s]} for run in (KEYWORD, DENSE)) for s in qrels}
    assert with_fewer(qrels, parts) == {"1": 1.0, "2": 1.0}


def test_rows_are_added_and_averaged(finished, tiny_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fusing, "DEFAULT_MODEL", str(tiny_folder))
    monkeypatch.setattr("benchmarks.fusing.rows_of", lambda name, folder: rows_of(name, folder, str(tiny_folder)))
    out = tmp_path / "fusing.json"
    monkeypatch.setattr(sys, "argv", ["fusing", "--workspace", f"tiny={finished.root}", "--out", str(out)])
    fusing.main()
    first = out.read_text()
    fusing.main()
    assert out.read_text() == first
    record = json.loads(first)
    assert [r["model"] for r in record["rows"]] == ["base", "tuned"]
    assert record["means"] == means(record["rows"])
    tuned = record["rows"][1]
    assert tuned["parts"]["test"]["bm25"] == record["rows"][0]["parts"]["test"]["bm25"]
    over = tuned["over"]["tuned"]["difference"]
    assert tuned["ways"]["scores, dev's share"]["test"] - tuned["parts"]["test"]["tuned"] == pytest.approx(over)
    assert "half each" in capsys.readouterr().out
