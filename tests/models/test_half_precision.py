"""The copy in bfloat16 that is encoded with."""

import copy

import torch

from tests.architectures import write_model
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.half_precision import HalfCopy, in_half


def first_weight(model):
    return float(next(model.parameters()).flatten()[0])


def test_the_copy_is_kept_until_it_is_to_be_forgotten(tiny):
    half, model = HalfCopy(), tiny.model
    held = half.of(model)
    assert half.of(model) is held
    with torch.no_grad():
        next(model.parameters()).fill_(2.5)
    assert first_weight(held) != 2.5
    half.forget()
    assert first_weight(half.of(model)) == 2.5


def test_the_copy_is_made_anew_when_other_weights_are_loaded_into_the_model(tiny):
    half, model = HalfCopy(), tiny.model
    half.of(model)
    model.load_state_dict({name: torch.full_like(weight, 2.5) for name, weight in model.state_dict().items()})
    assert first_weight(half.of(model)) == 2.5


def test_each_model_has_its_own_copy(tiny, tiny_folder):
    half, other = HalfCopy(), Encoder.load(tiny_folder).model
    held = half.of(tiny.model)
    assert half.of(other) is not held


def test_a_copy_of_a_model_takes_no_copy_in_bfloat16_along(tiny):
    half, model = HalfCopy(), tiny.model
    held = half.of(model)
    twin = copy.deepcopy(model)
    twin.load_state_dict(twin.state_dict())
    assert half.of(model) is held


def test_rotary_frequencies_are_not_rounded_with_the_weights(tmp_path):
    exact = Encoder.load(write_model(tmp_path, "ModernBERT")).model
    half = in_half(exact)
    assert {p.dtype for p in exact.parameters()} == {torch.float32}
    assert {p.dtype for p in half.parameters()} == {torch.bfloat16}
    frequencies = {n: b for n, b in exact.named_buffers() if "inv_freq" in n}
    assert len(frequencies) > 0
    assert all(torch.equal(b, half.get_buffer(n)) for n, b in frequencies.items())
