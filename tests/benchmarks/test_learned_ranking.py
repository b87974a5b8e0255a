import json
import sys
from types import SimpleNamespace

import pytest

from benchmarks import learned_ranking
from benchmarks.learned_ranking import popularity
from tests.tiny import tiny_dataset


def test_a_training_query_does_not_count_for_its_own_answer():
    dataset = tiny_dataset()
    query, answers = next(iter(dataset.positives("train").items()))
    others = sum(answers[0] in found for q, found in dataset.positives("train").items() if q != query)
    run = {q: {answers[0]: 1.0} for q in dataset.query_texts("train")}
    assert popularity(dataset, "train", run)[query] == {answers[0]: float(others)}


@pytest.mark.usefixtures("at_home")
def test_a_row_a_set_of_features(finished, tmp_path, monkeypatch):
    trees = SimpleNamespace(
        booster=SimpleNamespace(best_iteration=1), rerank=lambda run, features: run, importance=lambda: {"score": 1.0}
    )
    monkeypatch.setattr(learned_ranking, "learn_ranking", lambda *_: trees)
    monkeypatch.setattr(learned_ranking, "Workspace", lambda *_: finished)
    out = tmp_path / "learned.json"
    monkeypatch.setattr(sys, "argv", ["learned_ranking", "--workspace", f"desk={finished.root}", "--out", str(out)])
    learned_ranking.main()
    rows = json.loads(out.read_text())["rows"]
    assert [r["features"] for r in rows] == ["scores", "scores + popularity", "scores + late interaction"]
    assert all(r["difference"] == 0 for r in rows)
