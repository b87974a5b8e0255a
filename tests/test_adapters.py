"""Adapters on and off, what is saved and who can load it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.tiny import set_update, tiny_dataset
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import add_adapter, save_adapter, scale_adapter
from tutorial_lib.models.saving import save_model
from tutorial_lib.models.settings import EncoderSettings, ModelError
from tutorial_lib.training.card import model_card
from tutorial_lib.training.settings import LoraSettings, TrainResult, TrainSettings

LORA = LoraSettings(rank=4, alpha=8)
TEXTS = ["cancel the invoice", "how to reset a password", "repair"]


@pytest.fixture
def tiny(tiny_folder):
    return Encoder.load(tiny_folder)


def test_a_fresh_adapter_changes_no_vector_and_a_trained_one_does(tiny, float32):
    before, fingerprint = tiny.encode(TEXTS), tiny.fingerprint
    add_adapter(tiny, LORA)
    assert np.allclose(tiny.encode(TEXTS), before, atol=1e-6)
    set_update(tiny)
    assert not np.allclose(tiny.encode(TEXTS), before, atol=1e-2)
    assert tiny.fingerprint != fingerprint
    scale_adapter(tiny, 0.0)
    assert np.allclose(tiny.encode(TEXTS), before, atol=1e-6)


def test_only_the_adapter_is_trained(tiny):
    adapted = add_adapter(tiny, replace(LORA, target_modules=("query", "value")))
    assert {n.split(".")[-4] for n, p in adapted.named_parameters() if p.requires_grad} == {"query", "value"}
    # 2 layers, query and value, A and B of 32 x rank 4 each
    assert sum(p.numel() for p in adapted.parameters() if p.requires_grad) == 2 * 2 * 2 * 32 * 4


@pytest.mark.parametrize("target", ["q_proj", ("q_proj", "v_proj")])
def test_target_modules_that_match_nothing_are_refused(tiny, target):
    with pytest.raises(ModelError, match=r"q_proj.* match no layer of .*: its linear layers are dense, key, query, value"):
        add_adapter(tiny, LoraSettings(target_modules=target))


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_adapter_merged_model_and_sentence_transformers_give_the_same_vectors(tiny_folder, tmp_path, float32, pooling):
    from sentence_transformers import SentenceTransformer

    source = Encoder.load(tiny_folder)
    start = Encoder(source.model, source.tokenizer, EncoderSettings(pooling, 40, "query : "), "start")
    save_model(start, tmp_path / "base", "card")
    base = Encoder.load(tmp_path / "base")
    untouched = base.encode(TEXTS)
    add_adapter(base, LORA)
    set_update(base)
    save_adapter(base, tmp_path / "adapter", "card")
    adapter = Encoder.load(tmp_path / "adapter")
    save_model(adapter, tmp_path / "model", "card")
    model = Encoder.load(tmp_path / "model")
    theirs = SentenceTransformer(str(tmp_path / "model"), device="cpu")
    for vectors in (base.encode(TEXTS), model.encode(TEXTS), theirs.encode(TEXTS)):
        assert ((vectors * adapter.encode(TEXTS)).sum(axis=1) > 0.9999).all()
    assert (untouched * adapter.encode(TEXTS)).sum(axis=1).min() < 0.99
    assert model.settings == start.settings
    assert ((theirs.encode(TEXTS, prompt_name="query") * model.encode_queries(TEXTS)).sum(axis=1) > 0.9999).all()
    assert model.fingerprint == adapter.fingerprint


def test_saved_weights_are_checked_on_loading(tiny, tmp_path):
    save_model(tiny, tmp_path / "model", "card")
    weights = tmp_path / "model" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.safetensors has SHA-256 \w+, expected \w+: the weights were changed"):
        Encoder.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), r"adapter_model\.safetensors is missing"),
        (lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"12345678"), "does not fit .* or is damaged"),
        (lambda folder: (folder / "adapter_config.json").write_text("{}"), "names no base model"),
        (lambda folder: (folder / "adapter_config.json").write_text("{"), "is not JSON"),
    ],
)
def test_a_damaged_adapter_is_refused(tiny, tmp_path, damage, said):
    add_adapter(tiny, LORA)
    save_adapter(tiny, tmp_path / "adapter", "card")
    damage(tmp_path / "adapter")
    with pytest.raises(ModelError, match=said):
        Encoder.load(tmp_path / "adapter")


def test_the_card_names_data_settings_and_dev_scores():
    dataset = replace(tiny_dataset(), card={"source": "our own tickets", "licence": "CC0-1.0"})
    result = TrainResult(
        [(1, 2.5), (8, 0.25)], [(0, 0.5), (4, 0.7), (8, 0.625)], 4, [(0.4, 0.71), (1.0, 0.7)], 0.4, 8, 12, 3.0, 4.0, 100, 9000
    )
    card = model_card(dataset, "/models/base-model", LORA, TrainSettings(), result)
    for said in (
        "base_model: /models/base-model",
        "base-model fine-tuned on tiny",
        "our own tickets",
        "licence: CC0-1.0",
        "24 articles, 12 training queries, 12 pairs",
        "rank 4, alpha 8, on all-linear",
        "100 of 9,000 parameters",
        "learning_rate 0.002",
        "temperature 0.07",
        "2.500 at step 1, 0.250 at step 8",
        "0.500 before, 0.710 with 40% of the update of step 4",
    ):
        assert said in card


def test_a_result_is_the_same_after_saving_and_loading(tmp_path):
    result = TrainResult([(1, 2.5)], [(0, 0.5), (4, 0.7)], 4, [(1.0, 0.7)], 1.0, 8, 12, 3.0, 4.0, 100, 9000)
    result.save(tmp_path / "training.json")
    assert json.loads((tmp_path / "training.json").read_text())["best_step"] == 4
    assert TrainResult.load(tmp_path / "training.json") == result
