"""Encoders of the year: no text is encoded twice, and matrices stand one behind the other."""

import numpy as np

from benchmarks.year_learners import Remembering, Turned
from tutorial_lib.models.vector_cache import VectorCache


class Counting:
    name = "counting"

    def __init__(self):
        self.asked = []

    def encode_queries(self, texts):
        self.asked += texts
        return np.array([[len(t), 1.0] for t in texts], dtype=np.float32)

    def encode_documents(self, texts):
        return self.encode_queries([f"document {t}" for t in texts])


def test_a_text_is_encoded_once_as_query_and_once_as_document(tmp_path):
    counting = Counting()
    encoder = Remembering(counting, VectorCache(tmp_path / "vectors.db"))
    first = encoder.encode_queries(["ab", "c", "ab"])
    assert first.tolist() == [[2, 1], [1, 1], [2, 1]]
    assert encoder.encode_queries(["c", "dd"]).tolist() == [[1, 1], [2, 1]]
    assert encoder.encode_documents(["c"]).tolist() == [[10, 1]]
    assert counting.asked == ["ab", "c", "dd", "document c"]
    again = Remembering(Counting(), VectorCache(tmp_path / "vectors.db"))
    assert np.array_equal(again.encode_queries(["ab", "c", "ab"]), first)
    assert again.encoder.asked == []
    assert again.name == "counting"


def test_matrices_are_multiplied_in_their_order():
    swap, stretch = np.float32([[0, 1], [1, 0]]), np.float32([[2, 0], [0, 1]])
    encoder = Turned(Counting(), (swap, stretch))  # (1, 1) -> (1, 1) -> (2, 1)
    assert np.allclose(encoder.encode_queries(["a"]), [[2 / 5**0.5, 1 / 5**0.5]])
    assert Turned(Counting(), ()).encode_queries(["abc"]).tolist() == [[3, 1]]
