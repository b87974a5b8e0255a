"""Batches of similar length, and pooling."""

import torch

from tutorial_lib.models.batching import length_batches, pooled


def test_batches_are_longest_first_and_within_the_budget():
    # 20 tokens are padded to 32, the whole budget; 9 and 3 to 16 each, and a third text would make 48.
    assert length_batches([3, 9, 20, 2], 32) == [[2], [1, 0], [3]]
    assert length_batches([50], 32) == [[0]]  # one text is never divided
    assert length_batches([], 32) == []


def test_lasttoken_is_found_behind_left_padding():
    hidden = torch.eye(3)[None]  # token n has the vector e_n
    model = type("Model", (), {"__call__": lambda self, **_: type("Out", (), {"last_hidden_state": hidden})})()
    for mask, expected in (([1, 1, 0], 1), ([0, 1, 1], 2), ([1, 1, 1], 2)):
        vector = pooled(model, {"attention_mask": torch.tensor([mask])}, "lasttoken")
        assert vector[0].tolist() == torch.eye(3)[expected].tolist()
