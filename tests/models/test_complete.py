"""Models that are not whole, or not of one piece with their tokenizer."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.helpers import write_json
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import ModelError, NotFiniteError


def change(folder, file, **fields):
    write_json(folder / file, {**json.loads((folder / file).read_text()), **fields})


def change_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    save_file(change(weights), folder / "model.safetensors", {"format": "pt"})


def test_a_missing_layer_is_refused_instead_of_drawn_at_random(copy):
    weights = load_file(copy / "model.safetensors")
    kept = {name: t for name, t in weights.items() if not name.startswith("encoder.layer.1.")}
    save_file(kept, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=rf"no weights for {len(weights) - len(kept)} parameters, first encoder\.layer\.1"):
        Encoder.load(copy)


def test_layers_that_the_configuration_leaves_out_are_refused(copy):
    change(copy, "config.json", num_hidden_layers=1)
    with pytest.raises(ModelError, match=r"has weights of layers beyond the 1 of its config.json, first encoder\.layer\.1\."):
        Encoder.load(copy)


def test_weights_that_are_no_numbers_are_refused(copy):
    change_weights(copy, lambda weights: {name: tensor * torch.nan for name, tensor in weights.items()})
    with pytest.raises(ModelError, match="gives vectors that are not finite numbers: its weights are damaged"):
        Encoder.load(copy)


def test_a_text_without_a_finite_vector_is_named(copy):
    encoder = Encoder.load(copy)
    row = encoder.tokenizer.get_vocab()["router"]
    encoder.model.get_input_embeddings().weight.data[row] = torch.inf
    assert len(encoder.encode_queries(["refund"])) == 1
    texts = ["refund", "the router", "your router"]
    with pytest.raises(NotFiniteError, match=r"no finite vector for 2 of 3 texts, first text 1 \('the router'\)"):
        encoder.encode_documents(texts)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pad_token": None}, "has no token for padding"),
        ({"tokenizer_class": "BertJapaneseTokenizer"}, r"a tokenizer in Python only \(BertJapaneseTokenizer\)"),
        ({"model_max_length": "abc"}, "sets model_max_length to 'abc'"),
        ({"model_max_length": -5}, "sets model_max_length to -5"),
    ],
)
def test_a_tokenizer_that_cannot_be_used_is_refused(copy, fields, said):
    change(copy, "tokenizer_config.json", **fields)
    with pytest.raises(ModelError, match=said):
        Encoder.load(copy)


def test_more_tokens_than_the_model_knows_are_refused(copy):
    name = "embeddings.word_embeddings.weight"
    change_weights(copy, lambda weights: {**weights, name: weights[name][:40].clone()})
    change(copy, "config.json", vocab_size=40)
    with pytest.raises(ModelError, match=r"its tokenizer has token 54 and the model knows 40 tokens from 0 on"):
        Encoder.load(copy)
