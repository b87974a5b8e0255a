"""What a model's folder says, and what is refused."""

import hashlib
import json

import pytest

from tests.helpers import write_json
from tutorial_lib.models import folder
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.files import CHECKSUM_FILE
from tutorial_lib.models.folder import DEFAULT_MODEL_SHA256, resolve_model
from tutorial_lib.models.settings import DEFAULT_MODEL, EncoderSettings, ModelError


def test_the_default_model_must_have_the_published_sum(monkeypatch):
    monkeypatch.setattr(folder, "DEFAULT_MODEL_SHA256", "f" * 64)
    with pytest.raises(ModelError, match=rf"has SHA-256 {DEFAULT_MODEL_SHA256}, expected {'f' * 64}"):
        resolve_model(DEFAULT_MODEL)


def test_a_bare_transformer_is_mean_pooled_and_reads_as_many_tokens_as_it_has_positions(tiny_folder):
    assert Encoder.load(tiny_folder).settings == EncoderSettings("mean", 64, "", "")


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ModelError, match="is not a folder: pass a model folder, a Hub id, or 'all-MiniLM-L6-v2'"):
        Encoder.load(tmp_path / "nothing")


def test_weights_that_differ_from_their_noted_sum_are_refused_with_both_sums(copy):
    found = hashlib.sha256((copy / "model.safetensors").read_bytes()).hexdigest()
    write_json(copy / CHECKSUM_FILE, {"model.safetensors": found})
    Encoder.load(copy)
    write_json(copy / CHECKSUM_FILE, {"model.safetensors": "0" * 64})
    with pytest.raises(ModelError, match=rf"has SHA-256 {found}, expected {'0' * 64}"):
        Encoder.load(copy)


def test_weights_noted_but_gone_are_refused(copy):
    write_json(copy / CHECKSUM_FILE, {"model-2.safetensors": "0" * 64})
    with pytest.raises(ModelError, match=r"model-2\.safetensors is missing"):
        Encoder.load(copy)


def config_with(folder, **fields):
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", {**config, **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "has a quantization_config"),
        ({"_attn_implementation": "kernels-community/flash-attn"}, "sets _attn_implementation to 'kernels-community/fl"),
        ({"attn_implementation": "flash_attention_2"}, "sets attn_implementation to 'flash_attention_2'"),
        ({"text_config": {"attn_implementation": "own/kernel"}}, "sets attn_implementation to 'own/kernel'"),
        ({"num_hidden_layers": 10**9}, "sets num_hidden_layers to 1000000000: at most 1000"),
        ({"is_encoder_decoder": True}, r"describes an encoder-decoder \(bert\)"),
        ({"vocab_size": 10**9}, "describes other sizes than its weights have"),
        ({"hidden_size": 64}, "describes other sizes than its weights have"),
        ({"hidden_size": "x"}, "Field 'hidden_size' expected int"),
        ({"dtype": "floatx"}, "no attribute 'floatx'"),
        ({"hidden_act": "none of these"}, "none of these"),
        ({"model_type": "none"}, "model type `none`"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused_in_one_line(copy, fields, said):
    config_with(copy, **fields)
    with pytest.raises(ModelError, match=said) as error:
        Encoder.load(copy)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["[]", "null", "7"])
def test_a_configuration_that_is_no_object_is_refused(copy, content):
    (copy / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"config\.json holds"):
        Encoder.load(copy)
