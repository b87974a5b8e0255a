"""What a rule chooses, and what it loses; what dev and test say is the package's."""

import json

import pytest

from benchmarks.after_training import RULES, Kept, regrets, row_of
from benchmarks.quality import row

WINDOWS = {
    64: {"dev": 0.80, "above": -0.02, "error": 0.01, "nDCG@10": 0.7},
    128: {"dev": 0.82, "above": 0.0, "error": 0.0, "nDCG@10": 0.8},
    256: {"dev": 0.83, "above": 0.015, "error": 0.01, "nDCG@10": 0.75},
}


def test_a_rule_leaves_what_training_had_only_when_sure():
    assert {name: rule(WINDOWS, 128) for name, rule in RULES.items()} == {
        "the best on dev": 256,
        "what training had": 128,
        "unless surer than one error": 256,
        "unless surer than two errors": 128,
    }


def test_a_window_that_changed_nothing_on_dev_is_not_taken_for_that_of_training():
    same = {32: {"dev": 0.82, "above": 0.0, "error": 0.0, "nDCG@10": 0.6}, **WINDOWS}
    lost = regrets([{"trained": 128, "windows": {str(w): of for w, of in same.items()}, "shares": {}}])
    assert lost["windows"]["what training had"]["mean"] == 0


def test_what_a_rule_loses_is_counted_from_the_best_candidate():
    lost = regrets([{"trained": 128, "windows": {str(w): of for w, of in WINDOWS.items()}, "shares": {}}])
    assert lost["windows"]["the best on dev"] == {"mean": pytest.approx(0.05), "largest": pytest.approx(0.05)}
    assert lost["windows"]["what training had"]["mean"] == 0
    assert lost["shares"]["the best on dev"] == {}


@pytest.fixture(scope="module")
def folder(finished, tiny_folder, tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    job = {"dataset": "tiny", "system": "lora", "changes": {"learning_rate": 0.02}, "seed": 0, "split": "test"}
    row({**job, "train_queries": 8}, {"tiny": finished.root / "dataset"}, str(tiny_folder), models, models)
    return models / "tiny-0"


def test_a_row_tells_dev_and_test_of_each_candidate(folder, tiny_folder):
    made = row_of("tiny", folder, str(tiny_folder))
    assert made["windows"]
    assert len(made["shares"]) == (3 if made["share"] else 0)
    for of in (*made["windows"].values(), *made["shares"].values()):
        assert 0 <= of["dev"] <= 1
        assert 0 <= of["nDCG@10"] <= 1


def test_the_share_that_was_kept_is_the_model_that_was_kept(folder, tiny_folder, tmp_path):
    kept = Kept("tiny", folder, str(tiny_folder))
    kept.share = kept.share or 0.7  # of a model that dev did not like: the difference is none, whatever its share
    texts = list(kept.home.dataset.document_texts().values())
    again = kept.with_share(kept.share).encode_documents(texts)
    assert again == pytest.approx(kept.tuned.with_window(kept.trained).encode_documents(texts), abs=1e-2)
    assert json.loads((folder / "training.json").read_text())["strengths"]
