from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import small_dataset
from tutorial_lib.evaluation import choose
from tutorial_lib.evaluation.choose import (
    at_best_window,
    best_window,
    choose_settings,
    choose_share,
    choose_system,
    level_windows,
    window_scores,
    window_to_read,
)
from tutorial_lib.evaluation.dev_pool import DevSet
from tutorial_lib.models.settings import EncoderSettings
from tutorial_lib.retrieval.fusion import SHARE
from tutorial_lib.retrieval.terms import BM25Settings, language_settings
from tutorial_lib.retrieval.untrained import UntrainedSettings


class Words:
    """An encoder that reads so many words; its vectors are those of the letters it has read last."""

    name, fingerprint, dimension = "words", "words", 3

    def __init__(self, window, encoded=None):
        self.settings = EncoderSettings(max_length=window)
        self.encoded = [] if encoded is None else encoded

    def with_window(self, window):
        return Words(window, self.encoded)

    def tokenize(self, texts):
        return [text.split()[: self.settings.max_length] for text in texts]

    def encode_queries(self, texts):
        return np.stack([np.eye(3, dtype=np.float32)["abc".index(words[-1])] for words in self.tokenize(texts)])

    def encode_documents(self, texts, label=""):
        self.encoded.append((self.settings.max_length, len(texts)))
        return self.encode_queries(texts)


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    monkeypatch.setattr(choose, "WINDOWS", (1, 2, 4))
    monkeypatch.setattr(choose, "FEWEST_QUERIES", 1)


def pool(*documents):
    """The first document answers the one query, which asks for "a"."""
    return DevSet({"q": "a"}, {f"d{n}": text for n, text in enumerate(documents)}, {"q": {"d0": 1}})


def test_each_window_is_scored_and_only_what_the_last_one_cut_is_encoded_again():
    encoder = Words(3)
    scores = window_scores(pool("b a b", "b", "a c"), encoder)
    assert list(scores) == [1, 2, 3]  # 4 is more than the encoder's own window
    # 1 word: all of b, b, a: d2 first, then d0 by its id. 2 words: a, b, c: d0 first. 3 words: b, b, c: d0 by its id.
    assert scores == {1: {"q": pytest.approx(1 / np.log2(3))}, 2: {"q": 1.0}, 3: {"q": 1.0}}
    assert encoder.encoded == [(1, 3), (2, 2), (3, 1)]
    assert best_window(scores) == 2  # of equal ones the smaller
    assert level_windows(scores) == (2, 3)  # of one query there is no error: only an equal one is level


def test_windows_are_level_within_a_standard_error_of_their_difference():
    best = {"a": 0.8, "b": 0.6, "c": 0.7}
    # Differences 0.2, -0.1 and 0: mean 0.033, deviation 0.153, error 0.088. And 0.1, 0.1, 0.1: mean 0.1, error 0.
    scores = {64: best, 128: {"a": 0.6, "b": 0.7, "c": 0.7}, 256: {"a": 0.7, "b": 0.5, "c": 0.6}}
    assert level_windows(scores) == (64, 128)


def test_training_reads_as_much_as_does_no_harm_and_no_more_than_it_may():
    chosen = UntrainedSettings(64, level=(64, 128, 256))
    assert [chosen.training_window(most) for most in (32, 64, 128, 1000)] == [64, 64, 128, 256]
    assert UntrainedSettings(256, level=(128, 256)).training_window(128) == 256  # dev reads on as search does
    assert UntrainedSettings().training_window(128) is None  # nothing was chosen: the model's own window


@pytest.mark.parametrize(
    ("queries_that_rise", "read"), [(0, 128), (1, 128), (3, 128), (6, 256)], ids=["none", "one", "three", "six"]
)
def test_another_window_than_that_of_training_is_read_when_dev_is_sure(queries_that_rise, read):
    before = {f"q{n}": 0.5 for n in range(100)}
    after = {q: 0.8 if n < queries_that_rise else 0.5 for n, q in enumerate(before)}
    assert window_to_read({64: before, 128: before, 256: after}, 128) == read


def test_where_no_text_is_as_long_as_the_window_of_training_that_one_is_read():
    assert window_to_read({64: {"a": 0.5, "b": 0.4}}, 128) == 128


def test_windows_beyond_the_longest_text_are_not_tried():
    assert list(window_scores(pool("a b", "b"), Words(64))) == [1, 2]
    assert list(window_scores(pool("a", "b"), Words(64))) == [1]


def test_the_window_is_taken_from_dev_alone():
    dataset = small_dataset()
    words = {"billing/refund": "b a", "devices/router": "a b", "account/close": "b", "account/password": "c"}
    corpus = {a: replace(d, title="", text=words.get(a, "c c")) for a, d in dataset.corpus.items()}
    queries = {q: replace(v, text={"d1": "a", "d2": "b"}.get(q, "c")) for q, v in dataset.queries.items()}
    dataset = replace(dataset, corpus=corpus, queries=queries)
    encoder = at_best_window(dataset, choose.BM25(dataset.document_texts()), Words(64), trained=2)
    assert encoder.settings.max_length == 2
    without = replace(dataset, qrels={**dataset.qrels, "dev": {}})
    as_it_is = at_best_window(without, choose.BM25(dataset.document_texts()), Words(64), trained=2)
    assert as_it_is.settings.max_length == 64

    chosen = choose_settings(dataset, Words(64))
    assert chosen.window == 2
    assert set(chosen.windows) == {"1", "2"}
    fixed = choose_settings(without, Words(64))
    assert fixed == UntrainedSettings(None, language_settings(dataset.document_texts()), {})


def test_the_ranking_with_the_best_dev_score_is_chosen():
    dataset = small_dataset()
    settings = UntrainedSettings(64, BM25Settings())
    good = {"d1": {"billing/refund": 2.0, "devices/wifi": 1.0}, "d2": {"devices/router": 2.0, "devices/wifi": 1.0}}
    bad = {q: {"devices/wifi": 1.0} for q in good}
    chosen = choose_system(dataset, {"bm25": bad, "base": good}, settings)
    assert chosen.scores == {"bm25": 0.0, "base": 1.0, "fused": 1.0}
    assert (chosen.system, chosen.settings) == ("base", settings)  # of equal ones the one that costs less
    assert choose_system(dataset, {"bm25": good, "base": good}, settings).system == "bm25"  # of equal ones the cheapest
    halves = [{"d1": good["d1"], "d2": {}}, {"d1": {}, "d2": good["d2"]}]
    assert choose_system(dataset, {"bm25": halves[0], "base": halves[1]}, settings).system == "fused"


def test_the_share_beside_keyword_search_is_taken_from_dev_alone():
    dataset = small_dataset()
    right, wrong = ({"d1": a, "d2": b} for a, b in (("billing/refund", "devices/router"), ("account/close", "account/close")))
    good = {q: {a: 2.0, "devices/wifi": 1.0} for q, a in right.items()}
    bad = {q: {a: 2.0, "devices/wifi": 1.0} for q, a in wrong.items()}
    assert choose_share(dataset, bad, good) == 0.6  # all above a half are equally good: the nearest to it
    assert choose_share(dataset, good, bad) == 0.4
    assert choose_share(dataset, good, good) == SHARE
    without = replace(dataset, qrels={**dataset.qrels, "dev": {}})
    assert choose_share(without, bad, good) == SHARE


def test_with_too_few_dev_queries_it_is_the_fusion(monkeypatch):
    monkeypatch.setattr(choose, "FEWEST_QUERIES", 3)
    chosen = choose_system(small_dataset(), {"bm25": {}, "base": {}}, UntrainedSettings())
    assert (chosen.system, chosen.scores) == ("fused", {})
