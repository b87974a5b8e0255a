"""What cannot be loaded as a model, or as an adapter."""

import pytest
import torch
from safetensors.torch import load_file

from tests.architectures import write_modules
from tests.helpers import write_json
from tutorial_lib.models import loading
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.loading import with_prompts
from tutorial_lib.models.lora import add_adapter, save_adapter
from tutorial_lib.models.settings import EncoderSettings, ModelError
from tutorial_lib.training.settings import LoraSettings

LORA = LoraSettings(rank=4, alpha=8)


def test_pickled_weights_are_refused(copy):
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"cannot be loaded.*model\.safetensors"):
        Encoder.load(copy)


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


@pytest.mark.parametrize(
    "pooling",
    [
        {"pooling_mode_max_tokens": True},
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
        {"pooling_mode": "weightedmean"},
    ],
)
def test_unknown_pooling_is_refused(copy, pooling):
    write_modules(copy, pooling)
    with pytest.raises(ModelError, match=r"pooling '.*' is not supported: mean, cls, lasttoken are"):
        Encoder.load(copy)


def test_a_tokenizer_whose_package_is_missing_names_it(copy, monkeypatch):
    for name in ("tokenizer.json", "vocab.txt"):
        (copy / name).unlink(missing_ok=True)
    (copy / "spiece.model").write_bytes(b"no tokenizer")
    write_json(copy / "tokenizer_config.json", {"tokenizer_class": "T5Tokenizer"})
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"\(spiece.model\) takes the package sentencepiece: pip install sentencepiece"):
        Encoder.load(copy)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), r"adapter_model\.safetensors is missing"),
        (lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"12345678"), "safetensors is damaged"),
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


def test_prompts_asked_for_replace_those_of_a_model_that_names_none(tiny_folder):
    own = EncoderSettings("cls", 20)
    assert with_prompts(own, str(tiny_folder), None, None) == own
    assert with_prompts(own, str(tiny_folder), "query : ", None) == EncoderSettings("cls", 20, "query : ", "")
