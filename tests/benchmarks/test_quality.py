"""What is run, and what LoRA leaves for a matrix; the training itself is the package's."""

import pytest

from benchmarks.quality import MATRICES, Collection, jobs_of, row
from tutorial_lib.data.beir import read_beir
from tutorial_lib.models.encoder import Encoder

JOB = {"dataset": "tiny", "changes": {}, "seed": 0, "split": "test", "train_queries": 8}


def test_a_matrix_is_run_where_models_are_kept():
    systems = [j["system"] for j in jobs_of("systems", ["tiny"], 1, [], 0)]
    kept = [j["system"] for j in jobs_of("systems", ["tiny"], 1, [], 0, models=True)]
    assert kept == [*systems, *MATRICES]


def test_a_matrix_without_a_model_is_refused(finished, tiny_folder):
    with pytest.raises(ValueError, match="--models FOLDER"):
        Collection("tiny", finished.root / "dataset", str(tiny_folder)).model_of(0)


def test_what_lora_trained_is_kept_with_the_queries_it_saw(finished, tiny_folder, tmp_path):
    where = {"tiny": finished.root / "dataset"}, str(tiny_folder), tmp_path, tmp_path
    lora = row({**JOB, "system": "lora"}, *where)
    kept = read_beir(tmp_path / "tiny-0" / "dataset")
    assert len(kept.qrels["train"]) == 8
    assert Encoder.load(tmp_path / "tiny-0" / "model").settings.max_length == lora["window"]
    for system, teacher in MATRICES.items():
        behind = row({**JOB, "system": system}, *where)
        if not behind["best_epoch"]:
            assert behind["measures"]["nDCG@10"] == pytest.approx(lora["measures"]["nDCG@10"], abs=0.02)
        assert len(behind["dev"]) == 9
        assert (behind["share"] == 0) == (teacher == "self")
