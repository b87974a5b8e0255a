import json
import shutil

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder as Peer
from transformers import BertConfig, BertForSequenceClassification, BertModel

from tests.tiny import tiny_tokenizer
from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.cross_encoder import CrossEncoder
from tutorial_lib.models.settings import ModelError, NotFiniteError

THINGS = ["invoice", "refund", "password", "router", "printer", "backup"]


def classifier(folder, *, labels=1, kind=BertForSequenceClassification):
    """Write a BERT with a head as transformers writes it: what others call a cross-encoder."""
    folder.mkdir()
    tokenizer = tiny_tokenizer(folder)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(
        vocab_size=len(tokenizer), max_position_embeddings=48, num_labels=labels, initializer_range=0.5, **sizes
    )
    torch.manual_seed(0)
    kind(config).save_pretrained(folder)
    tokenizer.model_max_length = 48
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return classifier(tmp_path_factory.mktemp("cross") / "model")


@pytest.fixture(scope="module")
def pairs():
    random = np.random.default_rng(0)
    lengths = random.integers(1, 70, size=(40, 2))  # some are cut: the model reads 48 tokens
    return [tuple(" ".join(random.choice(THINGS, n).tolist()) for n in pair) for pair in lengths]


def test_scores_are_those_of_predict(folder, pairs):
    expected = Peer(str(folder), device="cpu").predict(pairs)  # through a sigmoid: this one's default
    found = CrossEncoder.load(folder, device=torch.device("cpu")).scores(pairs)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.std() > 0.01


def test_order_and_batches_change_no_score(folder, pairs):
    model = CrossEncoder.load(folder, device=torch.device("cpu"))
    scores = model.scores(pairs)
    np.testing.assert_allclose(model.scores(pairs[::-1])[::-1], scores, atol=1e-5)
    np.testing.assert_allclose(model.scores(pairs, token_budget=64), scores, atol=1e-5)
    assert model.scores([]).shape == (0,)


def test_a_query_longer_than_the_window_is_cut_like_a_document(folder):
    model = CrossEncoder.load(folder, device=torch.device("cpu"))
    assert np.isfinite(model.scores([("refund " * 100, "invoice")])).all()


def test_scoring_leaves_a_model_in_training_as_it_was(folder):
    model = CrossEncoder.load(folder, device=torch.device("cpu"))
    model.model.train()
    one, other = (model.scores([("refund", "invoice")]) for _ in range(2))
    assert one == other  # no dropout
    assert model.model.training


def test_a_head_with_several_outputs_is_refused(tmp_path):
    with pytest.raises(ModelError, match="gives 3 numbers a pair, not one"):
        CrossEncoder.load(classifier(tmp_path / "model", labels=3))


def test_a_folder_that_is_no_cross_encoder_is_refused(tmp_path, tiny_folder):
    with pytest.raises(ModelError, match="is not a folder"):
        CrossEncoder.load(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="holds a BertModel without a head"):
        CrossEncoder.load(classifier(tmp_path / "bare", kind=BertModel))
    embedding = shutil.copytree(tiny_folder, tmp_path / "embedding")
    (embedding / "modules.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError, match="holds a SentenceTransformer, not a cross-encoder"):
        CrossEncoder.load(embedding)
    said = {"model_type": "SparseEncoder"}
    (embedding / "config_sentence_transformers.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(ModelError, match="holds a SparseEncoder"):
        CrossEncoder.load(embedding)


def test_a_damaged_folder_is_refused_in_one_line(folder, tmp_path):
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"half")
    with pytest.raises(ModelError, match="cannot be loaded as a cross-encoder") as error:
        CrossEncoder.load(damaged)
    assert "\n" not in str(error.value)


def test_damaged_weights_are_noticed(folder):
    model = CrossEncoder.load(folder, device=torch.device("cpu"))
    with torch.no_grad():
        next(iter(model.model.parameters())).fill_(float("nan"))
    with pytest.raises(NotFiniteError, match="not a finite number"):
        model.scores([("refund", "invoice")])


@pytest.mark.parametrize("pair", ["ab", ("refund",), ("refund", None)])
def test_what_is_no_pair_is_refused(folder, pair):
    with pytest.raises(DataError, match=r"pair 1 is .*: pass"):
        CrossEncoder.load(folder).scores([("refund", "invoice"), pair])
