"""The layer that merges its update before it multiplies, held to PEFT's own; what an adapter covers; precision."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from tests.tiny import set_update
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import add_adapter, low_precision, save_adapter, scale_adapter
from tutorial_lib.models.merged_linear import MergedLinear
from tutorial_lib.models.settings import ModelError
from tutorial_lib.training.settings import LoraSettings

LORA = LoraSettings(rank=4, alpha=8)
TEXTS = ["cancel the invoice", "how to reset a password", "repair"]
SHAPES = [(7, 6), (3, 4, 6)]


def adapted(*, ours, bias=True, dropout=0.0):
    """Return a model of one layer from 6 to 5 numbers with an adapter of rank 2, scale 4 / 2 = 2, and that layer."""
    torch.manual_seed(0)
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["0"], lora_dropout=dropout)
    if ours:
        config._register_custom_module({torch.nn.Linear: MergedLinear})
    model = get_peft_model(torch.nn.Sequential(torch.nn.Linear(6, 5, bias=bias)), config)
    layer = model.base_model.model[0]
    with torch.no_grad():
        factors(layer)[1].copy_(torch.randn(5, 2))
    assert isinstance(layer, MergedLinear) is ours
    return model, layer


def factors(layer):
    return layer.lora_A["default"].weight, layer.lora_B["default"].weight


def passes(layer, x):
    """Return the output for ``x``, and the gradients of A, B and ``x`` of the sum of the output's squares."""
    x = x.clone().requires_grad_()
    output = layer(x)
    return [output.detach(), *torch.autograd.grad(output.float().square().sum(), [*factors(layer), x])]


def close(one, other, **tolerance):
    return all(
        a.shape == b.shape and torch.allclose(a.float(), b.float(), **tolerance) for a, b in zip(one, other, strict=True)
    )


# --- one layer ----------------------------------------------------------------------------------------------------


def test_the_output_by_hand():
    _, layer = adapted(ours=True)
    (a, b), x = factors(layer), torch.randn(7, 6)
    weight = layer.base_layer.weight + 2 * b @ a
    assert torch.allclose(layer(x), x @ weight.T + layer.base_layer.bias, atol=1e-6)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_output_and_gradients_are_those_of_pefts_own_layer(shape, bias):
    x = torch.randn(shape)
    ours, theirs = (passes(adapted(ours=own, bias=bias)[1], x) for own in (True, False))
    assert close(ours, theirs, atol=1e-5)
    assert min(t.abs().max() for t in theirs) > 0.1


@pytest.mark.parametrize("how", ["autocast", "inputs"])
@pytest.mark.parametrize("shape", SHAPES)
def test_in_bfloat16_they_agree_coarsely_and_gradients_of_the_factors_stay_float32(shape, how):
    x = torch.randn(shape)
    expected = passes(adapted(ours=False)[1], x)
    _, layer = adapted(ours=True)
    with torch.autocast("cpu", torch.bfloat16) if how == "autocast" else nullcontext():
        found = passes(layer, x if how == "autocast" else x.bfloat16())
    assert [t.dtype for t in found[:3]] == [torch.bfloat16, torch.float32, torch.float32]
    assert all((f - e).abs().max() < 0.02 * e.abs().max() for f, e in zip(found, expected, strict=True))
    assert layer.base_layer.weight.dtype == torch.float32


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda parameters: torch.optim.AdamW(parameters, lr=0.1),
        lambda parameters: torch.optim.AdamW(parameters, lr=0.1, foreach=True),
        lambda parameters: torch.optim.AdamW(parameters, lr=0.1, fused=True),
        lambda parameters: torch.optim.SGD(parameters, lr=0.01),
    ],
    ids=["AdamW", "AdamW foreach", "AdamW fused", "SGD"],
)
def test_the_weight_is_merged_once_and_anew_after_each_step(optimizer):
    x, layers, steps = torch.randn(7, 6), [], []
    for ours in (True, False):
        _, layer = adapted(ours=ours)
        layers.append(layer)
        steps.append(optimizer(factors(layer)))
    for _ in range(3):
        outputs = [layer(x) for layer in layers]
        merged = layers[0]._merged
        assert torch.allclose(*outputs, atol=1e-5)
        layers[0](x[:2])
        assert layers[0]._merged is merged
        for output, step in zip(outputs, steps, strict=True):
            step.zero_grad()
            output.square().sum().backward()
            step.step()
        layers[0](x)
        assert layers[0]._merged is not merged


def test_the_weight_is_merged_anew_after_other_weights_are_loaded():
    x = torch.randn(7, 6)
    model, layer = adapted(ours=True)
    other, other_layer = adapted(ours=False)
    layer(x)
    with torch.no_grad():
        factors(other_layer)[0].mul_(-3)
    model.load_state_dict(other.state_dict())
    assert torch.allclose(layer(x), other_layer(x), atol=1e-5)


def test_scoring_in_inference_mode_leaves_training_possible():
    x = torch.randn(7, 6)
    _, layer = adapted(ours=True)
    expected = passes(adapted(ours=False)[1], x)
    with torch.inference_mode():
        layer(x)
    assert close(passes(layer, x), expected, atol=1e-5)
    torch.optim.SGD(factors(layer), lr=0.1).step()


# --- where PEFT's own path is taken -------------------------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False])
def test_with_dropout_the_adapter_is_computed_beside_its_layer(training):
    x, found = torch.randn(7, 6), []
    for ours in (True, False):
        model, layer = adapted(ours=ours, dropout=0.5)
        model.train(training)
        torch.manual_seed(1)
        found.append(passes(layer, x))
        assert not (ours and (layer.merges or layer._merged))
    assert close(*found, atol=1e-6)


def test_a_disabled_adapter_gives_the_base_layers_output_and_comes_back():
    x = torch.randn(7, 6)
    model, layer = adapted(ours=True)
    before = layer(x)
    with model.disable_adapter():
        assert torch.equal(layer(x), layer.base_layer(x))
    assert torch.equal(layer(x), before)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_merging_into_the_base_keeps_the_output(dropout):
    x = torch.randn(7, 6)
    model, layer = adapted(ours=True, dropout=dropout)
    model.eval()
    before = layer(x)
    merged = model.merge_and_unload()
    assert type(merged[0]) is torch.nn.Linear
    assert torch.allclose(merged(x), before, atol=1e-5)


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


# --- what an adapter covers, and how strongly ---------------------------------------------------------------------


@pytest.mark.parametrize(("target", "adapted_layers"), [("all-linear", 6), (("query", "value"), 2)])
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
        scale_adapter(encoder, factor)
        vectors.append(encoder.encode(TEXTS))
    assert np.allclose(vectors[0], vectors[1], atol=1e-5)
    assert not np.allclose(vectors[0], vectors[2], atol=1e-2)


# --- precision ----------------------------------------------------------------------------------------------------


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


def test_the_base_model_comes_back_even_from_a_run_that_diverged(tiny_folder, float32):
    tiny = Encoder.load(tiny_folder)
    before = tiny.encode(TEXTS)
    add_adapter(tiny, LORA)
    with torch.no_grad():
        for name, parameter in tiny.model.named_parameters():
            if ".lora_" in name:
                parameter.fill_(float("nan"))
    scale_adapter(tiny, 0.0)
    assert np.allclose(tiny.encode(TEXTS), before, atol=1e-6)
