"""What ``Encoder.load`` reads from a model folder, and what it refuses."""

import hashlib
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.files import CHECKSUM_FILE
from tutorial_lib.models.settings import EncoderSettings, ModelError


@pytest.fixture
def copy(tiny_folder, tmp_path):
    return shutil.copytree(tiny_folder, tmp_path / "copy")


def write_json(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


# --- what a folder says -------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "config",
    [
        {"pooling_mode_max_tokens": True},
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
        {"pooling_mode": "weightedmean"},
    ],
)
def test_unknown_pooling_is_refused(copy, config):
    write_json(copy / "1_Pooling" / "config.json", config)
    with pytest.raises(ModelError, match=r"pooling '.*' is not supported: mean, cls, lasttoken are"):
        Encoder.load(copy)


def test_unknown_modules_are_refused(copy):
    write_json(copy / "modules.json", [{"type": "sentence_transformers.models.Dense", "path": "3_Dense"}])
    with pytest.raises(ModelError, match=r"sentence_transformers\.models\.Dense.*only .*Pooling.* are supported"):
        Encoder.load(copy)


# --- what cannot be loaded ----------------------------------------------------------------------------------------


def test_pickled_weights_are_refused(copy):
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"cannot be loaded.*model\.safetensors"):
        Encoder.load(copy)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ModelError, match="is not a folder: pass a model folder, a Hub id, or 'all-MiniLM-L6-v2'"):
        Encoder.load(tmp_path / "nothing")


def test_a_hub_model_that_is_not_here_is_refused_in_one_line():
    with pytest.raises(ModelError) as error:
        Encoder.load("nobody/no-such-model")
    assert "nobody/no-such-model cannot be loaded" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("config.json", "config.json"),
        ("tokenizer.json vocab.txt tokenizer_config.json", "has no tokenizer files"),
    ],
)
def test_an_incomplete_folder_is_refused(copy, lost, said):
    for name in lost.split():
        (copy / name).unlink()
    with pytest.raises(ModelError, match=said):
        Encoder.load(copy)


def test_weights_cut_short_are_refused(copy):
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded as an encoder"):
        Encoder.load(copy)


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
