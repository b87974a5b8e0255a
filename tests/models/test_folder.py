"""What a model's folder says, and what is refused."""

import hashlib
import json

import pytest
from safetensors.torch import load_file, save_file

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


def test_settings_are_read_from_the_sentence_transformers_files(copy):
    write_json(
        copy / "modules.json",
        [
            {"type": "sentence_transformers.models.Transformer", "path": ""},
            {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
        ],
    )
    write_json(copy / "1_Pooling" / "config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    write_json(copy / "sentence_bert_config.json", {"max_seq_length": 20})
    write_json(copy / "config_sentence_transformers.json", {"prompts": {"query": "query : ", "passage": "article : "}})
    assert Encoder.load(copy).settings == EncoderSettings("cls", 20, "query : ", "article : ")


def test_a_bare_transformer_is_mean_pooled_and_reads_as_many_tokens_as_it_has_positions(tiny_folder):
    assert Encoder.load(tiny_folder).settings == EncoderSettings("mean", 64, "", "")


@pytest.mark.parametrize(("config", "window"), [({}, 20), ({"max_seq_length": None}, 64), ({"max_seq_length": 30}, 30)])
def test_the_window_stands_in_sentence_transformers_file_or_since_its_version_6_in_the_tokenizers(copy, config, window):
    tokenizer = json.loads((copy / "tokenizer_config.json").read_text())
    write_json(copy / "tokenizer_config.json", {**tokenizer, "model_max_length": 20})
    assert Encoder.load(copy).settings.max_length == 64  # its positions: what a bare tokenizer says is no window
    write_json(copy / "sentence_bert_config.json", config)
    assert Encoder.load(copy).settings.max_length == window


def test_unknown_modules_are_refused(copy):
    write_json(copy / "modules.json", [{"type": "sentence_transformers.models.Dense", "path": "3_Dense"}])
    with pytest.raises(ModelError, match=r"sentence_transformers\.models\.Dense.*only .*Pooling.* are supported"):
        Encoder.load(copy)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ModelError, match="is not a folder: pass a model folder, a Hub id, or 'all-MiniLM-L6-v2'"):
        Encoder.load(tmp_path / "nothing")


def test_a_missing_layer_is_refused_instead_of_drawn_at_random(copy):
    weights = load_file(copy / "model.safetensors")
    kept = {name: t for name, t in weights.items() if not name.startswith("encoder.layer.1.")}
    save_file(kept, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=rf"no weights for {len(weights) - len(kept)} parameters, first encoder\.layer\.1"):
        Encoder.load(copy)


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
