"""What the benchmark of the stages makes, expects and fits."""

import pytest

from benchmarks.made_texts import COPIES, made_dataset
from benchmarks.stages import STAGES, expected, stage_slopes
from tests.helpers import small_dataset


def test_made_texts_are_of_any_size_and_a_twentieth_are_near_copies():
    dataset, distinct = made_dataset(small_dataset(), 400)
    documents, queries = list(dataset.corpus.values()), list(dataset.queries.values())
    assert (len(documents), len(queries)) == (400, 40)
    assert documents[COPIES - 1].text == f"{documents[COPIES - 2].text} copy"
    assert queries[COPIES - 1].text == f"{queries[COPIES - 2].text}s"
    assert dataset.qrels["train"]["q0000039"] == dataset.qrels["train"]["q0000038"]
    smaller, fewer = made_dataset(small_dataset(), 100)
    assert list(smaller.corpus.values()) == documents[:100]
    assert 50 < fewer < distinct


def row(articles, seconds, mb, stage="clean"):
    return {"articles": articles, "stage": stage, "seconds": seconds, "peak_mb": mb}


def test_what_is_expected_of_a_larger_size_by_hand():
    rows = [row(10, 1, 100), row(100, 100, 1000), row(100, 7, 7, "mine")]  # seconds with the square, 10 MB an article
    assert expected(rows, "clean", 1000) == pytest.approx((10_000, 10_000 / 1024))
    assert expected([row(10, 2, 100), row(100, 2, 100)], "clean", 1000)[0] == pytest.approx(20)  # at least in proportion
    assert expected(rows, "mine", 1000) is None
    assert expected(rows, "clean", 100) is None


def test_slopes_by_hand():
    rows = [row(10, 1, 100), row(100, 100, 1000), {"articles": 1000, "stage": "clean", "not_run": "too long"}]
    slopes = stage_slopes(rows)
    assert slopes["clean"] == pytest.approx({"seconds": 2, "peak_mb": 1})
    assert slopes["mine"] == {}
    assert set(slopes) == set(STAGES)
