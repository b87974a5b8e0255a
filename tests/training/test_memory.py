from functools import partial
from types import SimpleNamespace

import psutil
import pytest
from transformers import BertConfig

from tests.tiny import tiny_dataset
from tests.training.runs import SHORT
from tutorial_lib.training.checks import preflight
from tutorial_lib.training.memory import memory, memory_needed, numbers_per_token, token_counts


@pytest.fixture
def prepare(prepare):
    return partial(prepare, base=SHORT)


def test_tokens_are_counted_in_some_of_many_texts(prepare, monkeypatch):
    monkeypatch.setattr("tutorial_lib.training.memory.TEXTS_COUNTED", 5)
    counts = token_counts(prepare(query_prompt="query : "), tiny_dataset())
    assert counts.queries.tolist() == [10] * 5
    assert counts.documents.tolist() == [11] * 5


def test_the_numbers_kept_for_a_token_by_hand():
    config = BertConfig(hidden_size=10, intermediate_size=40, num_attention_heads=2)
    assert numbers_per_token(config, 30.0, all_weights=False, on_cpu=True) == 110 + 120 + 60
    assert numbers_per_token(config, 30.0, all_weights=True, on_cpu=True) == 200 + 120 + 180
    assert numbers_per_token(config, 30.0, all_weights=True, on_cpu=False) == 200 + 120


def test_memory_grows_with_the_batch_until_activation_tokens(prepare):
    def needed(**changes):
        run = prepare(**changes)
        return memory_needed(run, token_counts(run, tiny_dataset()))[0]

    # Every text is padded to 16 tokens: 12 pairs are 24 texts with one negative each 36.
    one = 2 * 4 * (11 * 32 + 3 * 64 + 2 * 16)  # a token's bytes: 2 layers in float32, 2 heads
    assert needed(batch_size=12, negatives=0) == 24 * 16 * one
    assert needed(batch_size=12, negatives=1) == 36 * 16 * one
    assert needed(batch_size=12, activation_tokens=100, token_budget=48) == 100 * one
    assert needed(batch_size=12, activation_tokens=0, token_budget=48) == 48 * one
    assert needed(batch_size=12, train_documents=False) == 12 * 16 * one


def test_too_little_memory_is_an_error_that_says_what_to_lower(prepare, monkeypatch):
    run = prepare(batch_size=1000, token_budget=64)
    activations, weights = memory_needed(run, token_counts(run, tiny_dataset()))
    for available, advice in (
        (weights + activations / 2, "lower activation_tokens from 16,384 to "),
        (weights, "pass a smaller model, rank, max_length or token_budget"),
    ):
        monkeypatch.setattr(psutil, "virtual_memory", lambda a=available: SimpleNamespace(available=a))
        report = preflight(run, tiny_dataset())
        assert not report.ok
        assert advice in str(report)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2 * (weights + activations)))
    assert memory(run, token_counts(run, tiny_dataset())) == []
