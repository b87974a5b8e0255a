"""Vectors and fingerprints."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tiny import THINGS, tiny_bert
from tutorial_lib.data.dataset import DataError
from tutorial_lib.models import hardware
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.folder import resolve_model
from tutorial_lib.models.settings import DEFAULT_MODEL, EncoderSettings, ModelError

TEXTS = ["refund", "cancel the invoice", "how to reset a password", "please open the printer page then click repair", ""]


@pytest.fixture(scope="module")
def tiny(tiny_folder):
    return Encoder.load(tiny_folder)


def with_settings(encoder, **changes):
    return Encoder(encoder.model, encoder.tokenizer, EncoderSettings(**changes), "changed")


def test_vectors_are_float32_and_have_unit_length(tiny):
    vectors = tiny.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_no_text_gives_no_vector(tiny):
    assert tiny.encode([]).shape == (0, 32)
    assert tiny.encode_queries([]).shape == (0, 32)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(TEXTS))), budget=st.sampled_from([1, 7, 30, 8192]))
def test_neither_order_nor_token_budget_changes_a_vector(tiny, float32, order, budget):
    expected = tiny.encode(TEXTS)
    assert np.allclose(tiny.encode([TEXTS[n] for n in order], token_budget=budget), expected[list(order)], atol=1e-5)


def test_bfloat16_stays_close_to_float32(tiny, monkeypatch):
    vectors = []
    for fast in (False, True):
        monkeypatch.setattr(hardware, "bf16_is_fast", lambda device=None, fast=fast: fast)
        vectors.append(tiny.encode(TEXTS))
    cosines = (vectors[0] * vectors[1]).sum(axis=1)
    assert cosines.min() > 0.998  # weights drawn this large round coarsely; of MiniLM benchmarks.encoding gives 0.9999
    assert not np.array_equal(vectors[0], vectors[1])


def test_prompts_are_put_before_queries_and_articles(tiny, float32):
    prompted = with_settings(tiny, query_prompt="query : ", document_prompt="article : ")
    assert np.array_equal(prompted.encode_queries(["refund"]), tiny.encode(["query : refund"]))
    assert np.array_equal(prompted.encode_documents(["refund"]), tiny.encode(["article : refund"]))
    assert not np.allclose(prompted.encode_queries(["refund"]), tiny.encode(["refund"]), atol=1e-3)


@pytest.mark.parametrize(
    ("pooling", "by_hand"),
    [
        ("cls", lambda hidden: hidden[0]),
        ("lasttoken", lambda hidden: hidden[-1]),
        ("mean", lambda hidden: hidden.mean(0)),
    ],
)
def test_pooling_by_hand(tiny, float32, pooling, by_hand):
    found = with_settings(tiny, pooling=pooling, max_length=64).encode(TEXTS)  # padded to the longest of them
    for text, vector in zip(TEXTS, found, strict=True):
        with torch.inference_mode():
            hidden = tiny.model(**tiny.tokenizer(text, return_tensors="pt")).last_hidden_state[0]  # no padding
        expected = by_hand(hidden) / by_hand(hidden).norm()
        assert np.allclose(vector, expected.numpy(), atol=1e-5)


def test_a_text_is_cut_at_max_length_with_its_special_tokens(tiny, float32):
    cut = with_settings(tiny, max_length=4)  # [CLS], two words, [SEP]
    assert np.array_equal(cut.encode(["refund invoice robot email"]), cut.encode(["refund invoice"]))
    assert cut.tokenize(["refund"], max_length=50) == tiny.tokenize(["refund"])
    assert [len(t) for t in cut.tokenize(["refund invoice robot"], max_length=50)] == [4]


def test_padding_stays_within_the_positions_of_a_model(tmp_path):
    encoder = Encoder.load(tiny_bert(tmp_path / "short", positions=20))  # 20 is no multiple of what batches are padded to
    assert encoder.encode(["refund " * 50, "refund"]).shape == (2, 32)


@pytest.mark.parametrize("text", ["refund " * 15_000, "x" * 100_000, "\N{CJK UNIFIED IDEOGRAPH-4E00}" * 100_000])
def test_a_text_of_100_000_characters(tiny, text):
    assert len(text) >= 100_000
    assert np.isclose(np.linalg.norm(tiny.encode([text])), 1, atol=1e-5)


def test_what_is_not_a_string_is_refused(tiny):
    with pytest.raises(DataError, match="text 1 is NoneType: pass strings"):
        tiny.encode(["refund", None])


def test_the_fingerprint_stays_on_reloading_and_changes_with_the_weights(tiny, tiny_folder, tmp_path):
    assert Encoder.load(tiny_folder).fingerprint == tiny.fingerprint
    assert Encoder.load(tiny_bert(tmp_path / "same", seed=0)).fingerprint == tiny.fingerprint
    assert Encoder.load(tiny_bert(tmp_path / "other", seed=1)).fingerprint != tiny.fingerprint


def test_the_fingerprint_does_not_depend_on_what_was_encoded_before(tiny_folder):
    used = Encoder.load(tiny_folder)
    used.encode(TEXTS)
    used.tokenize(TEXTS, max_length=5)
    assert used.fingerprint == Encoder.load(tiny_folder).fingerprint


def test_the_fingerprint_changes_with_every_setting(tiny_folder):
    fresh = Encoder.load(tiny_folder)
    changes = [{}, {"max_length": 10}, {"query_prompt": "query : "}, {"document_prompt": "article : "}, {"pooling": "cls"}]
    found = [with_settings(fresh, **change).fingerprint for change in [*changes, {}]]
    assert found[0] == found[-1]
    assert len(set(found)) == len(changes)


def test_the_fingerprint_changes_with_the_vocabulary(copy, tiny):
    tokenizer = (copy / "tokenizer.json").read_text()
    (copy / "tokenizer.json").write_text(tokenizer.replace(THINGS[0], "bill"))
    assert Encoder.load(copy).fingerprint != tiny.fingerprint


def test_minilm_gives_the_vectors_of_sentence_transformers():
    from sentence_transformers import SentenceTransformer

    texts = ["How do I get a refund?", "The router keeps restarting.", "Zurücksetzen", "word " * 400]
    ours = Encoder.load().encode(texts)
    theirs = SentenceTransformer(str(resolve_model(DEFAULT_MODEL)), device="cpu").encode(texts)
    assert ((ours * theirs).sum(axis=1) > 0.999).all()
    assert abs(float(ours[0] @ ours[1])) < 0.5  # and not because everything looks alike


def test_an_optimizers_step_is_seen_after_training_and_in_a_pause_of_it(tiny_folder, precision):
    precision(bf16=True)  # so that what is encoded with is a copy
    encoder = Encoder.load(tiny_folder)
    optimizer = torch.optim.AdamW(encoder.model.parameters(), lr=0.1, fused=True)
    before = encoder.encode(TEXTS)
    with encoder.training():
        for parameter in encoder.model.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        with encoder.inference():
            in_a_pause = encoder.encode(TEXTS)
        optimizer.step()
    assert not np.allclose(in_a_pause, before, atol=1e-3)
    assert not np.allclose(encoder.encode(TEXTS), in_a_pause, atol=1e-3)


def test_weights_that_are_loaded_are_seen(tiny_folder, tmp_path, precision):
    precision(bf16=True)
    encoder, other = Encoder.load(tiny_folder), Encoder.load(tiny_bert(tmp_path / "other", seed=1))
    encoder.encode(TEXTS)
    encoder.model.load_state_dict(other.model.state_dict())
    assert np.array_equal(encoder.encode(TEXTS), other.encode(TEXTS))


@pytest.mark.parametrize("window", [4, 20, 64])
def test_another_window_reads_so_many_tokens_and_leaves_the_encoder_as_it_was(tiny, float32, window):
    other = tiny.with_window(window)
    assert other.settings == EncoderSettings("mean", window, "", "")
    assert len(other.tokenize(["reset " * 100])[0]) == window  # [CLS] and [SEP] included
    assert np.allclose(other.encode(["reset " * 100]), tiny.encode(["reset " * (window - 2)]), atol=1e-6)
    assert tiny.settings.max_length == 64
    assert (other.fingerprint == tiny.fingerprint) == (window == 64)


@pytest.mark.parametrize("window", [-1, 2, 65])
def test_a_window_without_room_or_beyond_the_positions_is_refused(tiny, window):
    with pytest.raises(ModelError, match=rf"the window of .* cannot be {window} tokens: pass 3 to 64"):
        tiny.with_window(window)
