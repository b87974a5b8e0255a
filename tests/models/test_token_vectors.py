import numpy as np
import pytest
import torch

from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.matrix import turned
from tutorial_lib.models.settings import NotFiniteError
from tutorial_lib.models.token_vectors import clustered, query_token_vectors, token_vectors

TEXTS = ["reset the password", "refund", "", "open your invoice page then click export"]


@pytest.mark.usefixtures("float32")
def test_they_are_what_the_model_makes_of_each_token_alone_in_its_batch(tiny):
    for text, found in zip(TEXTS, token_vectors(tiny, TEXTS), strict=True):
        with torch.inference_mode():
            hidden = tiny.model(**tiny.tokenizer(text, return_tensors="pt")).last_hidden_state[0, 1:-1].numpy()
        expected = hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
        np.testing.assert_allclose(found.vectors, expected, atol=1e-5)


def test_spans_and_words_lead_back_to_the_text(tiny):
    (found,) = token_vectors(tiny, ["reset, the password"])
    assert ["reset, the password"[a:b] for a, b in found.spans] == ["reset", ",", "the", "password"]
    assert found.words.tolist() == [0, 1, 2, 3]


def test_a_prompt_is_read_and_gives_no_tokens(tiny):
    (alone,), (behind,) = token_vectors(tiny, ["refund"]), token_vectors(tiny, ["refund"], "query : ")
    assert behind.spans.tolist() == [[0, 6]]
    assert behind.vectors.shape == alone.vectors.shape
    assert not np.allclose(behind.vectors, alone.vectors)


def test_the_window_cuts(tiny):
    (found,) = token_vectors(tiny.with_window(4), ["reset the password"])
    assert len(found.vectors) == 2  # and two special ones


def test_padding_on_the_left_changes_nothing(tiny_folder):
    left = Encoder.load(tiny_folder)
    left.tokenizer.padding_side = "left"
    for text, found in zip(TEXTS, token_vectors(left, TEXTS), strict=True):
        assert len(found.vectors) == len(text.split())


def test_damaged_weights_are_told(tiny):
    with torch.no_grad():
        tiny.model.get_parameter("embeddings.word_embeddings.weight").fill_(float("nan"))
    with pytest.raises(NotFiniteError, match="gives no finite vector"):
        token_vectors(tiny, ["refund"])


def test_of_no_texts_there_are_none(tiny):
    assert token_vectors(tiny, []) == []


def test_a_matrix_turns_them_too(tiny):
    matrix = np.diag(np.arange(1, 33)).astype(np.float32)
    (plain,), (found,) = (
        token_vectors(tiny, ["reset the password"]),
        token_vectors(tiny.with_matrix(matrix), ["reset the password"]),
    )
    by_hand = plain.vectors * np.arange(1, 33)
    np.testing.assert_allclose(found.vectors, by_hand / np.linalg.norm(by_hand, axis=1, keepdims=True), atol=1e-5)


def test_those_of_queries_stand_behind_their_prompt_and_the_matrix_for_queries(tiny_folder):
    plain = Encoder.load(tiny_folder, query_prompt="query : ")
    matrix = np.diag(np.linspace(0.5, 1.5, 32)).astype(np.float32)
    (tokens,), (asked,) = token_vectors(plain, ["refund"], "query : "), query_token_vectors(plain, ["refund"])
    np.testing.assert_allclose(asked.vectors, tokens.vectors, atol=1e-6)
    (made,) = query_token_vectors(plain.with_matrix(matrix, queries_only=True), ["refund"])
    np.testing.assert_allclose(made.vectors, turned(tokens.vectors, matrix), atol=1e-6)
    assert np.array_equal(made.spans, tokens.spans)


def test_like_tokens_are_put_together():
    angles = np.radians([0, 4, 8, 90, 94, 180])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    fewer = clustered(vectors, 2)
    assert np.degrees(np.arctan2(fewer[:, 1], fewer[:, 0])) == pytest.approx([4, 92, 180], abs=1e-3)
    assert np.linalg.norm(fewer, axis=1) == pytest.approx(1)
    assert clustered(vectors, 1) is vectors
    assert len(clustered(vectors, 6)) == len(clustered(vectors, 100)) == 1
    assert clustered(vectors[:0], 3).shape == (0, 2)


@pytest.mark.parametrize("factor", [0, -1, 1.5, True])
def test_a_factor_that_is_none_is_refused(factor):
    with pytest.raises(ValueError, match="pass a whole number above 0"):
        clustered(np.eye(3, dtype=np.float32), factor)
