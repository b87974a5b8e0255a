import numpy as np
import pandas as pd
import pytest

from tests.cleaning.noise import WORDS, pairs_of, planted
from tests.helpers import make_dataset
from tutorial_lib.cleaning.noise import drop_most_suspicious, drop_pairs, precision_recall, suspicious_pairs
from tutorial_lib.data.dataset import DataError
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors


def test_a_planted_wrong_pair_comes_first():
    table = pairs_of(planted())
    assert list(zip(table["query_id"], table["article_id"], strict=True)) == [
        ("2", "refund"),
        ("1", "camera"),
        ("3", "refund"),
        ("4", "router"),
    ]
    assert table["suggested"][0] == "printer"
    assert list(table["bm25_rank"]) == list(table["model_rank"]) == [2, 1, 1, 1]
    # One of four scores is 1, the others are 0: mean 1/4, deviation sqrt(3)/4, so the hit lies 4/sqrt(3) above the others.
    assert table["model_margin"].tolist() == pytest.approx([2.309, -2.309, -2.309, -2.309], abs=1e-3)
    # The three right pairs share the ranks 1, 2 and 3 of 4, on average 2 of 4.
    assert table["suspicion"].tolist() == [1.0, 0.5, 0.5, 0.5]


def test_a_reopened_ticket_is_a_third_voice():
    # By rank: 1 for the pair that is wrong and 1/2 for the others; reopened gives 1 for query 4 and 1/2 for the others.
    table = pairs_of(planted(reopened=["4"])).set_index("query_id")
    assert table["suspicion"].to_dict() == pytest.approx({"2": 2.5 / 3, "4": 2 / 3, "1": 0.5, "3": 0.5})
    assert list(table.index) == ["2", "4", "1", "3"]


def test_other_positives_of_a_query_do_not_speak_against_a_pair():
    asked = {"1": ("camera printer", ["camera", "printer"]), "2": ("camera printer", "camera")}
    table = pairs_of(planted(asked))
    both = table[table["query_id"] == "1"]
    assert list(both["bm25_rank"]) == list(both["model_rank"]) == [1, 1]
    assert (both["model_margin"] < 0).all()
    assert not set(both["suggested"]) & {"camera", "printer"}
    one = table[table["query_id"] == "2"].iloc[0]
    assert (one["model_margin"], one["suggested"]) == (0, "printer")


def test_vectors_and_scorer_must_fit_the_dataset():
    dataset = planted()
    bm25, four, three = BM25(dataset.document_texts()), np.eye(4, dtype=np.float32), np.eye(3, 4, dtype=np.float32)
    with pytest.raises(DataError, match="3 query and 4 document vectors for 4 train queries and 4 documents: pass the"):
        suspicious_pairs(dataset, bm25, Vectors(four, {"train": three}))
    with pytest.raises(DataError, match="no vectors of the dev queries, only of train"):
        suspicious_pairs(dataset, bm25, Vectors(four, {"train": four}), split="dev")
    with pytest.raises(DataError, match="the scorer ranks 1 other documents than the dataset's 4"):
        suspicious_pairs(dataset, BM25({"camera": "camera"}), Vectors(four, {"train": four}))


def test_precision_and_recall_by_hand():
    table = pd.DataFrame({"query_id": list("abcd"), "article_id": ["x", "x", "y", "y"]})
    result = precision_recall(table, {("a", "x"), ("c", "y"), ("c", "x")})
    assert result["reviewed"].tolist() == [1, 2, 3, 4]
    assert result["share"].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert result["precision"].tolist() == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])
    assert result["recall"].tolist() == [0.5, 0.5, 1.0, 1.0]
    assert precision_recall(table, set())["recall"].tolist() == [0, 0, 0, 0]


# --- dropping -----------------------------------------------------------------------------------------------------


def test_pairs_are_dropped_from_one_split():
    asked = {"1": ("my camera", ["camera", "printer"]), "2": ("my printer", "refund")}
    dataset = make_dataset({w: (w, w) for w in WORDS}, {"train": asked, "test": {"3": ("refund", "refund")}})
    dropped = drop_pairs(dataset, [("1", "printer"), ("2", "refund"), ("3", "refund")])
    assert dropped.qrels == {"train": {"1": {"camera": 1}}, "dev": {}, "test": {"3": {"refund": 1}}}
    assert sorted(dropped.queries) == ["1", "3"]


@pytest.mark.parametrize(("share", "left"), [(0, "1234"), (0.24, "1234"), (0.25, "134"), (0.5, "34"), (0.99, "4")])
def test_the_most_suspicious_share_is_dropped(share, left):
    dataset = planted()
    assert "".join(drop_most_suspicious(dataset, pairs_of(dataset), share).qrels["train"]) == left


@pytest.mark.parametrize("share", [-0.1, 1, 20])
def test_a_share_is_a_share(share):
    with pytest.raises(ValueError, match=f"share is {share}: pass a share of the pairs, from 0 to below 1"):
        drop_most_suspicious(planted(), pairs_of(planted()), share)
