import math

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.runs import ranked
from tutorial_lib.retrieval.scorer import Scorer
from tutorial_lib.retrieval.terms import BM25Settings, analyzer
from tutorial_lib.text import tokenize

FIVE = {
    "a": "refund annual plan",
    "b": "cancel plan",
    "c": "reset password",
    "d": "router router router",
    "e": "router slow wifi upstairs",
}
# 14 words in 5 articles: the average length is 2.8; k1 = 1.5, b = 0.75.
WORDS = st.lists(st.sampled_from(["plan", "refund", "router", "wifi", "the", "of"]), max_size=8).map(" ".join)
CORPORA = (
    st.lists(WORDS, min_size=1, max_size=9)
    .filter(lambda texts: any(texts))
    .map(lambda texts: {f"a{n}": text for n, text in enumerate(texts)})
)


def idf(documents, holding):
    return math.log(documents - holding + 0.5) - math.log(holding + 0.5)


def saturated(count, length, mean_length):
    return count * 2.5 / (count + 1.5 * (0.25 + 0.75 * length / mean_length))


def test_scores_worked_out_by_hand():
    plan, router = idf(5, 2), idf(5, 2)
    rows = BM25(FIVE).scores(["plan", "Router!", "plan router"])
    expected_plan = [plan * saturated(1, 3, 2.8), plan * saturated(1, 2, 2.8), 0, 0, 0]
    expected_router = [0, 0, 0, router * saturated(3, 3, 2.8), router * saturated(1, 4, 2.8)]
    assert rows[0] == pytest.approx(expected_plan, abs=1e-12)
    assert rows[1] == pytest.approx(expected_router, abs=1e-12)
    assert rows[2] == pytest.approx(np.add(expected_plan, expected_router), abs=1e-12)


def test_it_is_a_scorer_whose_ids_ascend():
    bm25 = BM25(dict(reversed(FIVE.items())))
    assert isinstance(bm25, Scorer)
    assert bm25.ids == list("abcde")


def test_the_shorter_article_wins_and_only_articles_with_a_word_appear():
    assert list(BM25(FIVE).search({"q": "plan"})["q"]) == ["b", "a"]
    assert list(BM25(FIVE).search({"q": "router"})["q"]) == ["d", "e"]


def test_a_repeated_query_word_counts_twice_and_an_unknown_one_not_at_all():
    once, twice, unknown, both, empty = BM25(FIVE).scores(["plan", "plan plan", "zebra", "zebra plan", ""])
    assert twice == pytest.approx(2 * once)
    assert both.tolist() == once.tolist()
    assert not unknown.any()
    assert not empty.any()
    assert BM25(FIVE).search({"q": "zebra", "r": ""}) == {"q": {}, "r": {}}


def test_a_word_in_exactly_half_of_the_articles_is_worth_nothing():
    bm25 = BM25({"a": "plan refund", "b": "plan cancel", "c": "router red", "d": "wifi slow"})
    assert bm25.okapi.idf["plan"] == 0  # log(2.5) - log(2.5)
    assert bm25.search({"q": "plan"}) == {"q": {}}
    assert list(bm25.search({"q": "plan cancel"})["q"]) == ["b"]


def test_a_word_in_most_articles_gets_a_quarter_of_the_mean_idf():
    bm25 = BM25({"a": "the plan", "b": "the router", "c": "the wifi", "d": "refund"})
    mean = (idf(4, 3) + 4 * idf(4, 1)) / 5  # "the" stands in three articles; four words stand in one each
    assert idf(4, 3) < 0 < mean
    assert bm25.okapi.idf["the"] == pytest.approx(0.25 * mean)
    assert bm25.scores(["the"])[0] == pytest.approx([0.25 * mean * saturated(1, 2, 7 / 4)] * 3 + [0])


def test_on_a_tiny_corpus_a_score_can_be_negative():
    bm25 = BM25({"a": "plan refund", "b": "plan refund", "c": "plan refund"})
    floor = 0.25 * idf(3, 3)  # every word has the same negative idf, so the "floor" is negative too
    assert floor < 0
    assert bm25.scores(["plan"])[0] == pytest.approx([floor] * 3)
    assert list(bm25.search({"q": "plan"})["q"]) == ["a", "b", "c"]


@given(CORPORA, st.lists(st.one_of(WORDS, WORDS.map(lambda t: t + " zebra")), min_size=1, max_size=4))
def test_scores_equal_rank_bm25(documents, queries):
    okapi = BM25Okapi([tokenize(t) for t in documents.values()])
    expected = np.array([okapi.get_scores(tokenize(q)) for q in queries])
    scores = BM25(documents).scores(queries)
    assert scores.shape == (len(queries), len(documents))
    assert np.allclose(scores, expected, rtol=0, atol=1e-9)


@given(CORPORA, st.lists(WORDS, min_size=1, max_size=4), st.sampled_from([0.1, 0.9, 2.0]), st.sampled_from([0.0, 0.4, 0.9]))
def test_with_stems_and_other_numbers_they_equal_rank_bm25_too(documents, queries, k1, b):
    settings = BM25Settings(k1=k1, b=b, stemmer="en")
    terms = analyzer(settings)
    okapi = BM25Okapi([terms(t) for t in documents.values()], k1=k1, b=b)
    expected = np.array([okapi.get_scores(terms(q)) for q in queries])
    assert np.allclose(BM25(documents, settings).scores(queries), expected, rtol=0, atol=1e-9)


# --- Lucene's IDF, stop words, stems ----------------------------------------------------------------------------------


def test_lucene_scores_worked_out_by_hand():
    plan = math.log(1 + (5 - 2 + 0.5) / (2 + 0.5))  # two of five articles hold it: ln 2.4
    assert plan == pytest.approx(0.8754687)
    row = BM25(FIVE, BM25Settings("lucene")).scores(["plan"])[0]
    assert row == pytest.approx([plan * saturated(1, 3, 2.8), plan * saturated(1, 2, 2.8), 0, 0, 0], abs=1e-12)


@given(
    CORPORA,
    st.lists(WORDS.filter(bool), min_size=1, max_size=4),
    st.sampled_from([0.5, 1.2, 2.0]),
    st.sampled_from([0.4, 1.0]),
)
def test_lucene_scores_equal_those_of_bm25s_but_for_a_factor(documents, queries, k1, b):
    peer = bm25s.BM25(method="lucene", k1=k1, b=b)
    peer.index([tokenize(t) for t in documents.values()], show_progress=False)
    scores = BM25(documents, BM25Settings("lucene", k1, b)).scores(queries)
    for query, row in zip(queries, scores, strict=True):
        assert np.allclose(row, (k1 + 1) * peer.get_scores(tokenize(query)), atol=1e-4)  # it keeps float32


@given(CORPORA, st.lists(WORDS, min_size=1, max_size=4), st.sampled_from([0.0, 0.9]))
def test_weighed_in_another_way_it_is_the_index_made_anew(documents, queries, b):
    plain, settings = BM25(documents), BM25Settings("lucene", k1=2.0, b=b)
    before = plain.scores(queries)
    assert np.array_equal(plain.weighed(settings).scores(queries), BM25(documents, settings).scores(queries))
    assert np.array_equal(plain.scores(queries), before)


def test_other_words_need_another_index():
    with pytest.raises(ValueError, match=r"holds words of rank-bm25's IDF: make another for Lucene's IDF, stemmed \(en\)"):
        BM25(FIVE).weighed(BM25Settings("lucene", stemmer="en"))


def test_what_the_weighs():
    documents = {f"a{n}": f"the thing{n}" for n in range(10)}
    floored, lucene = BM25(documents), BM25(documents, BM25Settings("lucene"))
    mean = (10 * idf(10, 1) + idf(10, 10)) / 11  # ten words stand in one article each, "the" in all
    assert floored.idf["the"] == pytest.approx(0.25 * mean)
    assert floored.idf["the"] > 0.15 * floored.idf["thing0"]
    assert lucene.idf["the"] == pytest.approx(math.log(1 + 0.5 / 10.5))  # 0.047
    assert lucene.idf["thing0"] == pytest.approx(math.log(1 + 9.5 / 1.5))  # 1.992
    assert "the" not in BM25(documents, BM25Settings("lucene", stop_words="en")).idf


def test_with_k1_of_0_a_word_counts_once_however_often_it_stands_there():
    bm25 = BM25(FIVE, BM25Settings("lucene", k1=0))
    assert bm25.scores(["router"])[0].tolist() == [0, 0, 0, bm25.idf["router"], bm25.idf["router"]]


@given(CORPORA, st.lists(WORDS, min_size=1, max_size=4))
def test_with_lucene_every_document_that_shares_a_word_is_found_and_weighs_more_than_nothing(documents, queries):
    bm25 = BM25(documents, BM25Settings("lucene"))
    assert min(bm25.idf.values()) > 0
    for query, row in zip(queries, bm25.scores(queries), strict=True):
        sharing = [bool(set(tokenize(query)) & set(tokenize(documents[a]))) for a in bm25.ids]
        assert (row > 0).tolist() == sharing


def test_plural_and_singular_are_one_word_with_stems():
    documents = {"a": "cancel the plans", "b": "the plants"}
    assert BM25(documents, BM25Settings("lucene")).search({"q": "plan"}) == {"q": {}}
    assert list(BM25(documents, BM25Settings("lucene", stemmer="en")).search({"q": "plan"})["q"]) == ["a"]


def test_stop_words_count_neither_in_queries_nor_in_lengths():
    bm25 = BM25({"a": "it is the plan", "b": "plan"}, BM25Settings("lucene", stop_words="en"))
    assert bm25.okapi.doc_len == [1, 1]
    assert bm25.search({"q": "what is the"}) == {"q": {}}
    assert list(bm25.search({"q": "what is the plan"})["q"]) == ["a", "b"]


def test_an_index_of_stop_words_alone_is_refused():
    with pytest.raises(ValueError, match="none of the 1 articles holds a word that is no stop word: pass"):
        BM25({"a": "the"}, BM25Settings(stop_words="en"))


# --- what holds of any ------------------------------------------------------------------------------------------------


def test_words_are_indexed_and_not_letters():
    # BM25Okapi reads a plain string as a list of letters; the index must not hand it one.
    assert BM25Okapi(["plan", "router"]).idf.keys() == set("planrouter")
    assert BM25({"a": "plan", "b": "router"}).okapi.idf.keys() == {"plan", "router"}


def test_one_string_of_queries_is_refused():
    with pytest.raises(ValueError, match="'plan': pass a list of query texts"):
        BM25(FIVE).scores("plan")


@pytest.mark.parametrize(("documents", "count"), [({}, 0), ({"a": ""}, 1), ({"a": " ", "b": "🙂"}, 2)])
def test_an_index_without_words_is_refused(documents, count):
    with pytest.raises(ValueError, match=f"none of the {count} articles holds a word"):
        BM25(documents)


def test_an_article_without_words_is_never_found():
    bm25 = BM25({"a": "plan refund", "b": "🙂", "c": "router wifi"})
    assert list(bm25.search({"q": "plan router"})["q"]) == ["a", "c"]


def test_ties_by_article_id_whatever_the_order_given():
    run = BM25({"z": "plan", "a": "plan", "m": "plan", "x": "router", "y": "wifi", "b": "red", "c": "slow"}).search(
        {"q": "plan"}
    )
    assert list(run["q"]) == ["a", "m", "z"]
    assert run["q"]["a"] > run["q"]["m"] > run["q"]["z"]


@given(CORPORA, st.lists(WORDS, min_size=1, max_size=6), st.integers(1, 9))
def test_memory_bounds_change_no_score(documents, texts, numbers):
    bm25 = BM25(documents)
    scores = bm25.scores(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tutorial_lib.retrieval.bm25.DENSE_NUMBERS", numbers)
        assert np.allclose(bm25.scores(texts), scores, atol=1e-12)
        assert bm25.search({"q": texts[0]}).keys() == {"q"}


@given(CORPORA, st.lists(WORDS, min_size=1, max_size=6), st.integers(1, 4), st.integers(1, 10))
def test_queries_at_a_time_and_order_of_articles_do_not_matter(documents, texts, at_a_time, k):
    queries = {f"q{n}": text for n, text in enumerate(texts)}
    bm25 = BM25(documents)
    run = bm25.search(queries, k=k)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tutorial_lib.retrieval.bm25.AT_A_TIME", at_a_time)
        assert bm25.search(queries, k=k) == run
    assert [list(r) for r in BM25(dict(reversed(documents.items()))).search(queries, k=k).values()] == [
        list(r) for r in run.values()
    ]


@given(CORPORA, WORDS, st.integers(0, 5))
def test_a_search_for_fewer_is_the_beginning_of_the_full_ranking(documents, query, k):
    bm25 = BM25(documents, BM25Settings("lucene"))
    assert list(bm25.search({"q": query}, k=k)["q"]) == list(bm25.search({"q": query})["q"])[:k]


@given(CORPORA, WORDS)
def test_search_is_the_full_ranking_without_zeros(documents, query):
    bm25 = BM25(documents)
    scores = dict(zip(bm25.ids, bm25.scores([query])[0].tolist(), strict=True))
    assert bm25.search({"q": query})["q"] == ranked({a: s for a, s in scores.items() if s != 0})


def test_a_term_is_held_once_however_many_documents_hold_it():
    first, second = BM25({"a": "Plan", "b": "plan"}).okapi.doc_freqs
    assert next(iter(first)) is next(iter(second))
