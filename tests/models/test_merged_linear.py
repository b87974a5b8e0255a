"""The layer that merges its update before it multiplies, held to PEFT's own."""

import copy
from contextlib import nullcontext

import pytest
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

from tutorial_lib.models.merged_linear import MergedLinear, forget_merged
from tutorial_lib.private_api import use_lora_layer

SHAPES = [(7, 6), (3, 4, 6)]


def adapted(*, ours, bias=True, dropout=0.0):
    """Return a model of one layer from 6 to 5 numbers with an adapter of rank 2, scale 4 / 2 = 2, and that layer."""
    torch.manual_seed(0)
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["0"], lora_dropout=dropout)
    if ours:
        use_lora_layer(config, torch.nn.Linear, MergedLinear)
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


def test_the_weight_is_merged_anew_after_an_adapter_is_loaded_in_place():
    x = torch.randn(7, 6)
    model, layer = adapted(ours=True)
    other, other_layer = adapted(ours=False)
    layer(x)
    with torch.no_grad():
        factors(other_layer)[1].mul_(-3)
    set_peft_model_state_dict(model, get_peft_model_state_dict(other))  # as the Trainer loads the best checkpoint
    assert torch.allclose(layer(x), other_layer(x), atol=1e-5)


def test_a_change_by_hand_or_with_gradients_of_another_process_is_seen_once_it_is_told():
    x = torch.randn(7, 6)
    model, layer = adapted(ours=True)
    before = layer(x).detach()
    optimizer = torch.optim.AdamW(factors(layer), lr=0.1, fused=True)
    for factor in factors(layer):
        factor.grad = torch.ones_like(factor)
    optimizer.step()
    forget_merged(model)
    _, b = factors(layer)
    expected = x @ (layer.base_layer.weight + 2 * b @ factors(layer)[0]).T + layer.base_layer.bias
    assert torch.allclose(layer(x), expected, atol=1e-5)
    assert not torch.allclose(before, expected, atol=1e-2)


def test_a_copy_of_a_layer_is_on_its_own():
    x = torch.randn(7, 6)
    model, layer = adapted(ours=True)
    before = layer(x).detach()
    twin = copy.deepcopy(model)
    twin.load_state_dict({name: torch.zeros_like(weight) for name, weight in twin.state_dict().items()})
    assert not twin(x).any()
    assert torch.equal(layer(x), before)


def test_what_was_merged_into_the_base_and_taken_out_again():
    x = torch.randn(7, 6)
    _, layer = adapted(ours=True)
    before = layer(x).detach()
    layer.merge()
    assert torch.allclose(layer(x), before, atol=1e-5)
    layer.unmerge()
    assert layer._merged is None
    assert torch.allclose(layer(x), before, atol=1e-5)
