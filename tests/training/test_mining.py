import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import make_dataset, one_hot, small_dataset, with_twins
from tutorial_lib.data.dataset import DataError
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.training import candidates
from tutorial_lib.training.mining import REASONS, MinedNegatives, MiningSettings, mine_negatives

WORDS = ("refund", "annual", "plan", "cancel", "router", "money", "charge")
# The answer of "refund annual plan" is b. Worked out for that query:
#   rank  BM25                                     cosine with the query (words shared / root of 3 x their own words)
#   1  a  three words, short                       3 / 3 = 1.0
#   2  b  three words, longer by "charge"          3 / root 12 = 0.87
#   3  c  two words: refund, plan                  2 / root 6 = 0.82
#   4  d  one word: plan                           1 / root 6 = 0.41
#   -  e  none
FIVE = {
    "a": ("", "refund annual plan"),
    "b": ("", "refund annual plan charge"),
    "c": ("", "refund plan"),
    "d": ("", "plan cancel"),
    "e": ("", "router"),
}
# Nine articles nobody searches for, so that "plan", in four of fourteen articles, still has a positive IDF.
PADDING = {f"z{n}": ("", f"padding{n}") for n in range(9)}


def mined(positives, settings=None, *, twins=(), dev=None, text="refund annual plan"):
    judged = {"train": {"q": (text, positives)}, "test": {"e": ("money", dev or "e")}}
    return mine(with_twins(make_dataset({**FIVE, **PADDING}, judged), *twins), settings)


def mine(dataset, settings=None, document_vectors=None):
    vectors = vectors_of(dataset, document_vectors)
    return mine_negatives(dataset, BM25(dataset.document_texts()), vectors, settings)


def vectors_of(dataset, document_vectors=None):
    if document_vectors is None:
        document_vectors = one_hot(WORDS, dataset.document_texts().values())
    return Vectors(document_vectors, {"train": one_hot(WORDS, dataset.query_texts("train").values())})


def reasons(result):
    return dict(zip(result.candidates["article_id"], result.candidates["reason"], strict=True))


# --- one query, five articles -------------------------------------------------------------------------------------


def test_reasons_worked_out_by_hand():
    result = mined("b", MiningSettings(per_query=1))
    # a beats the positive by both scorers; c is the first that passes; d passes too, but one is enough.
    assert list(reasons(result).items()) == [
        ("a", "likely_positive"),
        ("b", "positive"),
        ("c", "kept"),
        ("d", "surplus"),
    ]
    assert result.negatives == {"q": ["c"]}
    assert result.statistics()["candidates"].tolist() == [1, 0, 1, 1, 1]
    assert result.statistics()["share"].tolist() == [0.25, 0, 0.25, 0.25, 0.25]
    assert result.statistics()["reason"].tolist() == list(REASONS)


def test_candidates_carry_rank_and_scores_of_both_scorers():
    table = mined("b").candidates.set_index("article_id")
    assert table["bm25_rank"].tolist() == [1, 2, 3, 4]
    assert table["model_score"].tolist() == pytest.approx([1, 3 / 12**0.5, 2 / 6**0.5, 1 / 6**0.5])
    assert table["model_positive"].tolist() == pytest.approx([3 / 12**0.5] * 4)
    assert table["bm25_positive"].tolist() == [table.loc["b", "bm25_score"]] * 4
    assert table["bm25_score"].is_monotonic_decreasing


def test_a_near_duplicate_of_a_positive_is_never_a_negative():
    assert reasons(mined("b", twins=[["b", "c"]])) == {
        "a": "likely_positive",
        "b": "positive",
        "c": "near_duplicate",
        "d": "kept",
    }
    three = reasons(mined("b", twins=[["b", "c", "d"]]))
    assert (three["c"], three["d"]) == ("near_duplicate", "near_duplicate")


def test_an_article_judged_0_is_a_known_non_answer_and_may_be_a_negative():
    assert mined({"b": 1, "c": 0}).negatives == {"q": ["c", "d"]}
    # a stands above the answer by both scorers: perhaps an answer too, unless somebody looked and said no.
    assert reasons(mined({"b": 1, "a": 0})) == {"a": "kept", "b": "positive", "c": "kept", "d": "kept"}
    assert reasons(mined({"b": 1, "a": 0}, twins=[["a", "b"]]))["a"] == "near_duplicate"


def test_a_note_says_where_most_queries_find_nothing(capsys):
    asked = {f"q{n}": (text, "b") for n, text in enumerate(["refund", "Geld zurück", "Rechnung"])}
    result = mine(make_dataset({**FIVE, **PADDING}, {"train": asked}))
    assert len(result.notes) == 1
    assert result.notes[0].startswith("keyword search (BM25) finds nothing for 2 of 3 queries")
    assert f"note: {result.notes[0]}" in capsys.readouterr().err
    assert mined("b").notes == ()
    assert not capsys.readouterr().err


def test_the_best_of_several_positives_is_the_measure():
    assert mined(["a", "d"]).negatives == {"q": ["b", "c"]}
    assert mined(["a", "d"], MiningSettings(max_model_share=None)).negatives == {"q": ["b", "c"]}
    assert mined(["a", "d"], MiningSettings(max_bm25_share=None)).negatives == {"q": ["b", "c"]}
    assert mined("d").negatives == {"q": []}  # a, b and c all beat d by both scorers
    assert mined("d").short == {"q": 0}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1, 50, ["a", "b", "c", "d"]),
        (1, 2, ["a", "b"]),
        (2, 3, ["b", "c"]),
        (4, 9, ["d"]),
        (5, 9, []),
        (100, 200, []),
    ],
)
def test_the_window_is_respected(low, high, expected):
    table = mined("b", MiningSettings(range_min=low, range_max=high)).candidates
    assert table["article_id"].tolist() == expected
    assert table["bm25_rank"].tolist() == list(range(low, low + len(expected)))


def test_a_suspect_needs_both_scorers_unless_one_is_switched_off():
    # c scores 0.82 / 0.87 = 94 % of the positive by cosine, and less than 90 % by BM25.
    table = mined("b").candidates.set_index("article_id")
    assert table.loc["c", "bm25_score"] < 0.9 * table.loc["b", "bm25_score"]

    def c(bm25_share, model_share):
        return reasons(mined("b", MiningSettings(max_bm25_share=bm25_share, max_model_share=model_share)))["c"]

    assert c(1.0, 0.9) == "kept"
    assert c(0.9, 0.9) == "kept"
    assert c(0.5, 0.9) == "likely_positive"
    assert c(0.5, 0.95) == "kept"
    assert c(None, 0.9) == "likely_positive"
    assert c(0.5, None) == "likely_positive"
    assert reasons(mined("b", MiningSettings(max_bm25_share=None, max_model_share=None)))["a"] == "kept"


def test_a_positive_with_negative_cosine_is_compared_as_it_is():
    dataset = make_dataset({**FIVE, **PADDING}, {"train": {"q": ("refund annual plan", "b")}})
    vectors = one_hot(WORDS, dataset.document_texts().values())
    by_id = dict(zip(dataset.corpus, vectors, strict=True))
    for a in "abc":
        by_id[a][:] = -by_id[a]  # cosines -1.0, -0.87 (the positive) and -0.82
    result = mine(dataset, MiningSettings(max_model_share=0.5, max_bm25_share=0.1), vectors)
    # Half of -0.87 would be -0.43, above the positive itself, and let c pass; a is below the positive, c and d above.
    assert reasons(result) == {"a": "kept", "b": "positive", "c": "likely_positive", "d": "likely_positive"}


# --- invariants ---------------------------------------------------------------------------------------------------

BAGS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join), min_size=3, max_size=8)


@given(BAGS, BAGS, st.data())
def test_no_negative_is_judged_a_twin_or_above_its_positive_by_both_scorers(bodies, asked, data):
    documents = {f"a{n}": ("", body) for n, body in enumerate(bodies)}
    choose = st.sets(st.sampled_from(sorted(documents)), min_size=1, max_size=2).map(sorted)
    dataset = make_dataset(documents, {"train": {f"q{n}": (text, data.draw(choose)) for n, text in enumerate(asked)}})
    dataset = with_twins(dataset, ["a0", "a1"])
    signs = np.array(data.draw(st.lists(st.sampled_from([-1, 1]), min_size=len(documents), max_size=len(documents))))
    vectors = one_hot(WORDS, dataset.document_texts().values()) * signs[:, None].astype(np.float32)
    result = mine(dataset, MiningSettings(per_query=2, max_bm25_share=1.0, max_model_share=1.0), vectors)
    table = result.candidates
    kept = table[table["reason"] == "kept"]
    assert not ((kept["bm25_score"] > kept["bm25_positive"]) & (kept["model_score"] > kept["model_positive"])).any()
    twins = {"a0": "a1", "a1": "a0"}
    for q, negatives in result.negatives.items():
        positives = set(dataset.qrels["train"][q])
        assert positives.isdisjoint(negatives)
        assert {twins.get(a) for a in positives}.isdisjoint(negatives)
        assert len(negatives) <= 2
        assert negatives == kept[kept["query_id"] == q]["article_id"].tolist()
    assert result.short == {q: len(n) for q, n in result.negatives.items() if len(n) < 2}


def test_held_out_answers_are_counted_and_never_steer_the_choice():
    without, with_c = mined("b", dev="e"), mined("b", dev=["c", "d"])
    assert without.negatives == with_c.negatives == {"q": ["c", "d"]}
    pd.testing.assert_frame_equal(without.candidates, with_c.candidates)
    assert (without.held_out_positives, with_c.held_out_positives) == (0, 2)


def test_every_training_query_is_mined_and_those_that_fell_short_are_listed():
    dataset = small_dataset()
    result = mine(dataset, MiningSettings(per_query=2))
    assert list(result.negatives) == ["t1", "t2", "t3", "t4", "t5", "t6"]
    # "router keeps blinking red" shares a word with one article that is not its answer.
    assert result.negatives["t5"] == ["devices/wifi"]
    assert result.short["t5"] == 1


def test_a_query_without_a_known_word_has_no_candidates():
    result = mined("b", text="zebra")
    assert result.negatives == {"q": []}
    assert result.candidates.empty
    assert result.statistics()["share"].tolist() == [0] * 5


@pytest.mark.parametrize("positive", ["b", "d"])
def test_save_then_load_is_equality(tmp_path, positive):
    result = mined(positive, MiningSettings(per_query=3, max_model_share=None))
    result.save(tmp_path)
    loaded = MinedNegatives.load(tmp_path)
    assert (loaded.negatives, loaded.settings, loaded.held_out_positives) == (
        result.negatives,
        result.settings,
        result.held_out_positives,
    )
    pd.testing.assert_frame_equal(loaded.candidates, result.candidates)


# --- refused ------------------------------------------------------------------------------------------------------


def test_vectors_that_do_not_fit_are_refused():
    dataset = make_dataset({**FIVE, **PADDING}, {"train": {"q": ("refund", "b")}})
    with pytest.raises(DataError, match="1 query and 5 document vectors for 1 train queries and 14 documents"):
        mine(dataset, document_vectors=one_hot(WORDS, ["refund"] * 5))
    bm25, vectors = BM25(dataset.document_texts()), vectors_of(dataset)
    with pytest.raises(DataError, match="no vectors of the train queries, only of test"):
        mine_negatives(dataset, bm25, Vectors(vectors.documents, {"test": vectors.queries["train"]}))


def test_a_scorer_of_other_articles_is_refused():
    dataset = make_dataset({**FIVE, **PADDING}, {"train": {"q": ("refund", "b")}})
    other = BM25({"a": "refund", "b": "plan"})
    with pytest.raises(DataError, match=r"the scorer holds 2 articles, not the dataset's 14: index dataset\.document_texts"):
        mine_negatives(dataset, other, vectors_of(dataset))


def test_any_scorer_ranks_the_candidates():
    class ByLetter:
        """Later letters score higher: e, d, c, b, a; every z scores 0, which is no match."""

        ids = sorted({**FIVE, **PADDING})

        def scores(self, queries):
            return np.array([[float("abcde".find(i) + 1) for i in self.ids] for _ in queries])

    dataset = make_dataset({**FIVE, **PADDING}, {"train": {"q": ("refund annual plan", "c")}})
    result = mine_negatives(dataset, ByLetter(), vectors_of(dataset))
    assert result.candidates["article_id"].tolist() == ["e", "d", "c", "b", "a"]
    assert result.candidates["bm25_score"].tolist() == [5, 4, 3, 2, 1]
    # e and d stand above c by the letter alone, a and b by cosine alone: neither finds both scorers against it.
    assert result.negatives == {"q": ["e", "d", "b", "a"]}


def test_a_querys_own_document_is_no_candidate():
    documents = {**FIVE, **PADDING, "q": ("", "refund annual plan")}
    dataset = make_dataset(documents, {"train": {"q": ("refund annual plan", "b")}})
    result = mine(dataset, MiningSettings(range_max=3))
    assert list(reasons(result)) == ["a", "b", "c"]  # three all the same
    assert result.candidates["bm25_rank"].tolist() == [1, 2, 3]


def test_the_table_is_the_same_however_many_rows_wait_to_become_columns(monkeypatch):
    asked = {f"q{n}": (text, "b") for n, text in enumerate(["refund annual plan", "Rechnung", "plan cancel", "refund"])}
    dataset = make_dataset({**FIVE, **PADDING}, {"train": asked})
    whole = mine(dataset).candidates
    monkeypatch.setattr(candidates, "PART", 2)
    assert len(whole) > 4
    pd.testing.assert_frame_equal(mine(dataset).candidates, whole)
    nothing = mine(make_dataset({**FIVE, **PADDING}, {"train": {"q": ("Rechnung", "b")}}))
    assert list(nothing.candidates) == list(candidates.COLUMNS)
