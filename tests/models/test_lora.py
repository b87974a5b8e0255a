"""Adapters: what they cover, how strongly, in which precision; put on, saved and merged."""

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from peft import PeftModel

from tests.tiny import set_update
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import (
    adapter_update,
    add_adapter,
    low_precision,
    mean_adapter,
    merge_adapter,
    save_adapter,
    set_strength,
    without_dropout,
)
from tutorial_lib.models.merged_linear import MergedLinear
from tutorial_lib.models.settings import ModelError
from tutorial_lib.training.settings import LoraSettings

LORA = LoraSettings(rank=4, alpha=8)
TEXTS = ["cancel the invoice", "how to reset a password", "repair"]


def test_a_fresh_adapter_changes_no_vector_and_a_trained_one_does(tiny, float32):
    before, fingerprint = tiny.encode(TEXTS), tiny.fingerprint
    add_adapter(tiny, LORA)
    assert np.allclose(tiny.encode(TEXTS), before, atol=1e-6)
    set_update(tiny)
    assert not np.allclose(tiny.encode(TEXTS), before, atol=1e-2)
    assert tiny.fingerprint != fingerprint
    set_strength(tiny, adapter_update(tiny), 0.0)
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


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rank": 0}, "`r` should be a positive integer"),
        ({"peft_targets": ["LayerNorm"]}, "LayerNorm.* is not supported"),
    ],
)
def test_what_peft_refuses_is_told_in_its_words(tiny, changes, said):
    shape = {"rank": 4, "alpha": 8, "dropout": 0.0, "peft_targets": "all-linear", "upper_layers": 0, **changes}
    with pytest.raises(ModelError, match=f"no adapter can be put on .*{said}"):
        add_adapter(tiny, SimpleNamespace(**shape))


@pytest.mark.parametrize(
    ("target", "adapted_layers"),
    [("all-linear", 6), (("query", "value"), 2), (("self.query",), 1), (r".*\.(query|key)", 2)],
)
def test_upper_layers_adapts_the_last_blocks_only(tiny_folder, target, adapted_layers):
    model = add_adapter(Encoder.load(tiny_folder), LoraSettings(2, 4, target_modules=target, upper_layers=1))
    names = [n for n, p in model.named_parameters() if p.requires_grad]
    assert len(names) == 2 * adapted_layers  # A and B each
    assert all(".layer.1." in n for n in names)


def test_the_layers_below_are_left_out_of_the_backward_pass(tiny_folder):
    encoder = Encoder.load(tiny_folder)
    add_adapter(encoder, LoraSettings(2, 4, upper_layers=1))
    states = encoder.model(**encoder.pad(encoder.tokenize(TEXTS)), output_hidden_states=True).hidden_states
    assert [s.requires_grad for s in states] == [False, False, True]  # embeddings, block 0, block 1


def test_more_upper_layers_than_there_are_are_refused(tiny_folder):
    with pytest.raises(ModelError, match=r"upper_layers is 3, but .* has 2 layers"):
        add_adapter(Encoder.load(tiny_folder), replace(LORA, upper_layers=3))


def test_half_an_adapter_is_one_of_half_the_alpha(tiny_folder, float32):
    vectors = []
    for alpha, factor in ((8, 0.5), (4, 1.0), (8, 1.0)):
        encoder = Encoder.load(tiny_folder)
        torch.manual_seed(0)  # for A
        add_adapter(encoder, LoraSettings(rank=4, alpha=alpha))
        set_update(encoder)
        encoder.encode(TEXTS)
        set_strength(encoder, adapter_update(encoder), factor)
        vectors.append(encoder.encode(TEXTS))
    assert np.allclose(vectors[0], vectors[1], atol=1e-5)
    assert not np.allclose(vectors[0], vectors[2], atol=1e-2)


def test_all_of_the_update_is_bit_for_bit_what_was_trained_whatever_came_between(tiny):
    add_adapter(tiny, LORA)
    set_update(tiny)
    before, update = tiny.encode(TEXTS), adapter_update(tiny)
    assert len(update) == 13  # query, key, value and three dense layers, twice, and the pooler
    for share in (0.7, 0.4, 0.0, 1.0):
        set_strength(tiny, update, share)
        assert all(torch.equal(b, update[name] * share) for name, b in adapter_update(tiny).items())
    assert np.array_equal(tiny.encode(TEXTS), before)


def test_an_update_of_another_adapter_is_refused(tiny, tiny_folder):
    other = Encoder.load(tiny_folder)
    add_adapter(tiny, LORA)
    add_adapter(other, replace(LORA, target_modules=("query",)))
    with pytest.raises(ValueError, match=r"the update has 2 matrices and the adapter of .* 13, not all under the same names"):
        set_strength(tiny, adapter_update(other), 0.5)


def test_the_base_model_comes_back_even_from_a_run_that_diverged(tiny_folder, float32):
    tiny = Encoder.load(tiny_folder)
    before = tiny.encode(TEXTS)
    add_adapter(tiny, LORA)
    with torch.no_grad():
        for name, parameter in tiny.model.named_parameters():
            if ".lora_" in name:
                parameter.fill_(float("nan"))
    set_strength(tiny, adapter_update(tiny), 0.0)
    assert np.allclose(tiny.encode(TEXTS), before, atol=1e-6)


def test_a_saved_adapter_gives_plain_peft_the_same_vectors(tiny_folder, tmp_path, float32):
    encoder, base = Encoder.load(tiny_folder), Encoder.load(tiny_folder)
    untouched = base.encode(TEXTS)
    add_adapter(encoder, LORA)
    set_update(encoder)
    save_adapter(encoder, tmp_path / "adapter", "card")
    plain = PeftModel.from_pretrained(base.model, str(tmp_path / "adapter"))
    assert not any(isinstance(m, MergedLinear) for m in plain.modules())
    vectors = Encoder(plain, base.tokenizer, base.settings, "plain").encode(TEXTS)
    assert np.allclose(vectors, encoder.encode(TEXTS), atol=1e-5)
    assert not np.allclose(vectors, untouched, atol=1e-2)


def test_a_merged_adapter_gives_the_same_vectors_without_one(tiny, tmp_path, float32):
    add_adapter(tiny, LORA)
    set_update(tiny)
    save_adapter(tiny, tmp_path / "adapter", "the card")
    merged = merge_adapter(tmp_path / "adapter")
    assert not any(".lora_" in name for name, _ in merged.model.named_parameters())
    assert np.allclose(merged.encode(TEXTS), tiny.encode(TEXTS), atol=1e-5)
    assert (tmp_path / "adapter" / "README.md").read_text() == "the card"


def test_dropout_of_the_base_model_is_switched_off(tiny):
    without_dropout(tiny.model)
    assert {m.p for m in tiny.model.modules() if isinstance(m, torch.nn.Dropout)} == {0.0}


def tensors(model):
    return {n: (p.data_ptr(), p.dtype, p.detach().clone()) for n, p in model.named_parameters()}


@pytest.mark.parametrize("fails", [False, True])
def test_low_precision_gives_the_very_same_tensors_back(tiny_folder, fails):
    model = add_adapter(Encoder.load(tiny_folder), LORA)
    before = tensors(model)
    with pytest.raises(RuntimeError) if fails else nullcontext(), low_precision(model):
        assert any(p.dtype == torch.bfloat16 for p in model.parameters())
        if fails:
            raise RuntimeError("out of memory")
    after = tensors(model)
    assert all(after[n][:2] == before[n][:2] and torch.equal(after[n][2], before[n][2]) for n in before)


@pytest.mark.parametrize(("dropout", "merged_into"), [(0.0, torch.float32), (0.1, torch.bfloat16)])
def test_factors_and_the_weights_they_are_merged_into_stay_float32(tiny_folder, dropout, merged_into):
    model = add_adapter(Encoder.load(tiny_folder), replace(LORA, dropout=dropout, target_modules=("query",)))
    kinds = {"lora_": torch.float32, "query.base_layer.weight": merged_into}
    with low_precision(model):
        for name, parameter in model.named_parameters():
            expected = next((kind for part, kind in kinds.items() if part in name), torch.bfloat16)
            assert parameter.dtype == expected, name


def test_the_mean_of_adapters_is_one_adapter_of_the_sum_of_their_ranks(tiny_folder, tmp_path, float32):
    for name, lora in (("one", LORA), ("two", LoraSettings(rank=2, alpha=6))):
        encoder = Encoder.load(tiny_folder)
        torch.manual_seed(len(tmp_path.name) + lora.rank)
        add_adapter(encoder, lora)
        set_update(encoder)
        save_adapter(encoder, tmp_path / name, "")
    mean = mean_adapter(Encoder.load(tiny_folder), [tmp_path / "one", tmp_path / "two"])
    assert {tuple(b.shape) for b in adapter_update(mean).values()} == {(32, 6), (64, 6)}
    save_adapter(mean, tmp_path / "mean", "")
    one, two, both = (dict(Encoder.load(tmp_path / name).model.named_parameters()) for name in ("one", "two", "mean"))
    for name, weight in both.items():
        assert torch.allclose(weight, (one[name] + two[name]) / 2, atol=1e-6), name
    assert np.allclose(mean.encode(TEXTS), Encoder.load(tmp_path / "mean").encode(TEXTS), atol=1e-5)
