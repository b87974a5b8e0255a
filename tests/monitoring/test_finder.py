import numpy as np
import pytest

from tests.monitoring.matters import CountsWords, finder
from tutorial_lib.data.dataset import DataError
from tutorial_lib.monitoring.finder import Finder


class Counting(CountsWords):
    def __init__(self):
        self.asked = []

    def encode_queries(self, texts):
        self.asked += texts
        return super().encode_queries(texts)


def test_each_text_is_encoded_once_and_rows_stand_as_asked():
    encoder = Counting()
    found = Finder(encoder, ["a"], encoder.encode_queries(["refund"]))
    encoder.asked.clear()
    rows = found.vectors(["router", "refund", "router"])
    found.vectors(["refund"])
    assert encoder.asked == ["router", "refund"]
    assert np.array_equal(rows[0], rows[2])


def test_the_closest_article_comes_first_with_its_confidence():
    hit, confidence = finder().first_hit("router broken")
    assert hit == "help/router"
    assert confidence == pytest.approx(1 / (1 + np.exp(-5.0)))
    assert finder().confidence(["router"])[0] == pytest.approx(confidence)


def test_ties_go_by_id():
    encoder = CountsWords()
    both = encoder.encode_queries(["refund", "refund"])
    assert Finder(encoder, ["b", "a"], both).first_hit("refund")[0] == "a"


def test_without_a_calibration_confidence_is_not_known():
    assert np.isnan(finder(calibrated=False).confidence(["refund"])).all()
    assert np.isnan(finder(calibrated=False).first_hit("refund")[1])


def test_what_cannot_be_searched_is_refused():
    with pytest.raises(ValueError, match="2 articles and 1 vectors"):
        Finder(CountsWords(), ["a", "b"], np.ones((1, 3), dtype=np.float32))

    class Broken(CountsWords):
        def encode_queries(self, texts):
            return super().encode_queries(texts) * np.nan

    with pytest.raises(DataError, match="the vector of 'refund' holds NaN"):
        Finder(Broken(), ["a"], np.ones((1, 11), dtype=np.float32)).vectors(["refund"])
