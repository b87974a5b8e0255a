"""The models that are served: found by name or fingerprint, and read only where the index says."""

import numpy as np
import pytest

from tests.milvus import HashEncoder
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.serving.errors import ApiError, NotReadyError
from tutorial_lib.serving.models import Models, ServedModel


def test_a_model_is_found_by_its_name_and_the_first_is_the_default(models):
    assert models.get("base").name == "base"
    assert models.get(None).name == "tuned"
    with pytest.raises(ApiError, match="there is no model 'x' here, only tuned, base"):
        models.get("x")


def test_tokens_are_counted_whole_while_the_model_goes_on_cutting(models, encoder):
    model = models.get("tuned")
    assert model.count_tokens(["refund", "cancel the invoice", "refund " * 100, ""]) == [3, 5, 102, 2]
    assert len(encoder.tokenize(["refund " * 100])[0]) == model.window == 64


def test_the_first_tokens_of_a_text(models):
    assert models.get("tuned").first_tokens(["cancel the  invoice", "refund", ""], 2) == ["cancel the", "refund", ""]


def test_a_cut_vector_has_unit_length_and_a_zero_stays_one(models):
    model = models.get("tuned")
    vectors = np.array([[3.0, 4.0, 12.0], [0.0, 0.0, 1.0]], dtype=np.float32)
    np.testing.assert_allclose(model.cut(vectors, 2), [[0.6, 0.8], [0.0, 0.0]], atol=1e-6)
    assert model.cut(vectors, None) is vectors


def test_a_prompt_for_each_kind_of_text(models):
    assert [models.get("base").prompt(kind) for kind in ("text", "query", "document")] == ["", "query : ", "article : "]


def test_a_model_in_memory_is_not_read_again(encoder):
    models = Models([ServedModel("tuned", encoder)], load=None)
    assert models.find(encoder.fingerprint, "/no/such/folder").name == "tuned"


def test_another_is_read_from_its_folder_once(tiny_folder, encoder):
    read = []

    def load(folder):
        read.append(folder)
        return Encoder.load(folder)

    models = Models([ServedModel("other", HashEncoder())], load)
    assert models.held(encoder.fingerprint) is None
    found = [models.find(encoder.fingerprint, str(tiny_folder)) for _ in range(2)]
    assert found[0] is found[1] is models.held(encoder.fingerprint)
    assert read == [str(tiny_folder)]
    models.keep_only([])
    assert models.held(encoder.fingerprint) is None


@pytest.mark.parametrize("folder", ["no-folder", "someone/model-of-the-hub"])
def test_a_folder_that_is_gone_is_told_and_nothing_is_downloaded(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotReadyError, match="the model that this version was built with is gone") as told:
        Models([], load=None).find("f-1", folder)
    assert folder in told.value.detail
    assert folder not in str(told.value)


def test_a_folder_that_holds_another_model_or_a_damaged_one_is_told(tiny_folder, tmp_path):
    with pytest.raises(NotReadyError, match="is gone") as told:
        Models([]).find("f-1", str(tiny_folder))
    assert "by now" in told.value.detail
    with pytest.raises(NotReadyError, match="cannot be read"):
        Models([]).find("f-1", str(tmp_path))
