"""The table of an exported model, worked out by hand on unit vectors in the plane, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from tutorial_lib.data.dataset import DataError, Document, Query, RetrievalDataset
from tutorial_lib.evaluation.parity import ExportSettings, Parities, Parity, megabytes, searched, table
from tutorial_lib.models.settings import ModelError

EXACT = Parity("float32", 1.0, 1.0, 0.8, 0.0, 0.0, 0.0, 10.0, 90.0)


def degrees(*angles):
    return np.array([(np.cos(np.radians(a)), np.sin(np.radians(a))) for a in angles], dtype=np.float32)


class Angles:
    """A text is an angle in degrees; ``off`` turns the queries."""

    name = fingerprint = "angles"
    dimension = 2

    def __init__(self, off=0.0):
        self.off = off

    def encode_documents(self, texts):
        return degrees(*(float(text.split()[-1]) for text in texts))

    def encode_queries(self, texts):
        return degrees(*(float(text) + self.off for text in texts))


@pytest.fixture
def dataset():
    corpus = {a: Document(a, "", angle) for a, angle in {"a": "0", "b": "60", "c": "120"}.items()}
    queries = {"q1": Query("q1", "10"), "q2": Query("q2", "70"), "learnt": Query("learnt", "50")}
    return RetrievalDataset(
        "plane", corpus, queries, {"train": {"learnt": {"b": 1}}, "dev": {}, "test": {"q1": {"a": 1}, "q2": {"b": 1}}}
    )


def test_the_row_of_an_encoder_that_turns_queries_by_60_degrees(dataset):
    compared = Parities(dataset, Angles(), 8.0)
    row = compared.add("turned", Angles(60), 2.0)
    assert compared.rows[0].difference == 0
    assert (compared.rows[0].score, compared.rows[0].cosine_min) == (1, pytest.approx(1))
    # Three articles as they were, two queries with a cosine of one half. At 70 degrees b (60) and c (120) are closer than
    # a (0): the first query finds its article third. At 130 only c is closer than b: the second finds its own second.
    assert row.cosine_mean == pytest.approx((3 + 2 * 0.5) / 5, abs=1e-6)
    assert row.cosine_min == pytest.approx(0.5, abs=1e-6)
    assert row.score == pytest.approx((1 / np.log2(4) + 1 / np.log2(3)) / 2)
    assert row.difference == pytest.approx(row.score - 1)
    assert row.low <= row.difference <= row.high
    assert row.documents_per_cpu_second > 0
    shown = table(compared.rows)
    assert list(shown.index) == ["torch", "turned"]
    assert shown.loc["turned", "megabytes"] == 2


def test_no_test_query_is_no_table(dataset):
    with pytest.raises(DataError, match="plane has no test queries"):
        Parities(replace(dataset, qrels={"train": {}, "dev": {}, "test": {}}), Angles(), 1.0)


@pytest.mark.parametrize(
    ("row", "mean", "said"),
    [
        (replace(EXACT, cosine_min=0.9899), False, "least cosine 0.9899, 0.99 wanted"),
        (replace(EXACT, way="int8", cosine_mean=0.935), True, "int8 model is not the model: mean cosine 0.9350, 0.99"),
        (replace(EXACT, cosine_mean=float("nan")), True, "mean cosine nan"),
        (replace(EXACT, difference=-0.027, score=0.698), True, r"loses 0.0270 nDCG@10 \(0.6980\), at most 0.02 wanted"),
    ],
)
def test_what_is_not_close_enough_is_refused(row, mean, said):
    with pytest.raises(ModelError, match=said):
        row.check(ExportSettings(), mean=mean)


def test_what_is_close_enough_passes():
    for row in (EXACT, replace(EXACT, difference=-0.02, cosine_min=0.99), replace(EXACT, difference=0.1)):
        row.check(ExportSettings(), mean=False)
    replace(EXACT, cosine_min=0.9).check(ExportSettings(), mean=True)  # a single text may differ


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"min_cosine": 1.5}, "min_cosine is 1.5: pass at least -1 and at most 1"),
        ({"max_loss": -0.1}, "max_loss is -0.1: pass at least 0 and at most 1"),
        ({"articles": 0}, "articles is 0: pass at least 1"),
    ],
)
def test_bounds_that_cannot_be(options, said):
    with pytest.raises(ValueError, match=said):
        ExportSettings(**options)


def test_of_a_large_corpus_what_is_judged_and_found_first_is_searched(dataset):
    corpus = dataset.corpus | {f"far{n:02}": Document(f"far{n:02}", "", str(180 + n)) for n in range(40)}
    large = replace(dataset, corpus=dict(sorted(corpus.items())))
    found = {"q1": {f"far{n:02}": 1.0 - n / 100 for n in range(12)}, "q2": {"c": 1.0}}
    small = searched(large, found, 20)
    assert len(small.corpus) == 20
    assert {"a", "b", "c", *(f"far{n:02}" for n in range(10))} <= set(small.corpus)
    assert set(small.queries) == {"q1", "q2"}
    assert small == searched(large, found, 20)
    assert len(searched(large, found, 1).corpus) == 13  # what must be there stays
    assert searched(dataset, found, 3).corpus == dataset.corpus


def test_megabytes_of_a_folder(tmp_path):
    (tmp_path / "a").write_bytes(b"1" * 500_000)
    (tmp_path / "b").write_bytes(b"1" * 1_000_000)
    assert megabytes(tmp_path, "a", "b") == 1.5
