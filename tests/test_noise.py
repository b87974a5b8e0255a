import csv
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.helpers import make_dataset, one_hot
from tutorial_lib.cleaning.noise import (
    drop_most_suspicious,
    drop_pairs,
    precision_recall,
    read_review,
    suspicious_pairs,
    write_review,
)
from tutorial_lib.data.dataset import DataError, Query
from tutorial_lib.retrieval.bm25 import BM25

WORDS = ("camera", "printer", "refund", "router")
ASKED = {
    "1": ("my camera", "camera"),
    "2": ("my printer", "refund"),
    "3": ("my refund", "refund"),
    "4": ("my router", "router"),
}
"""Query 2 asks about the printer and was recorded as solved with the article on refunds."""


def planted(asked=ASKED, *, reopened=()):
    dataset = make_dataset({w: (w.title(), w) for w in WORDS}, {"train": asked})
    queries = {q: Query(q, v.text, {"reopened": q in reopened} if reopened else {}) for q, v in dataset.queries.items()}
    return replace(dataset, queries=queries)


def pairs_of(dataset):
    texts = [dataset.query_texts("train").values(), dataset.document_texts().values()]
    return suspicious_pairs(dataset, BM25(dataset.document_texts()), *(one_hot(WORDS, t) for t in texts))


# --- suspicion ----------------------------------------------------------------------------------------------------


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


def test_vectors_must_fit_the_dataset():
    dataset = planted()
    with pytest.raises(DataError, match="3 query and 4 article vectors for 4 train queries and 4 articles: pass one vector"):
        suspicious_pairs(dataset, BM25(dataset.document_texts()), np.eye(3, 4, dtype=np.float32), np.eye(4, dtype=np.float32))


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


# --- review -------------------------------------------------------------------------------------------------------


@pytest.fixture
def review(tmp_path):
    """Return the dataset and a function that fills in a review of it: query id -> (decision, correct article)."""
    dataset = planted()
    file = write_review(tmp_path / "review.csv", dataset, pairs_of(dataset))

    def fill(decisions, **changes):
        rows = list(csv.DictReader(file.open(encoding="utf-8", newline="")))
        for row in rows:
            row["decision"], row["correct_article"] = decisions.get(row["query_id"], ("", ""))
            row.update(changes.get(f"q{row['query_id']}", {}))
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return file

    return dataset, fill


def test_a_review_lists_the_worst_pairs_with_their_texts(tmp_path):
    dataset = planted()
    file = write_review(tmp_path / "review.csv", dataset, pairs_of(dataset), worst=2)
    assert file.read_text(encoding="utf-8").splitlines() == [
        "query_id,query,article_id,title,suspicion,suggested,suggested_title,decision,correct_article",
        "2,my printer,refund,Refund,1.0,printer,Printer,,",
        "1,my camera,camera,Camera,0.5,printer,Printer,,",
    ]


def test_a_review_is_never_overwritten(tmp_path):
    dataset = planted()
    file = tmp_path / "review.csv"
    file.write_text("my decisions")
    with pytest.raises(DataError, match=r"review.csv exists and may hold decisions: move it, or pass another path"):
        write_review(file, dataset, pairs_of(dataset))
    assert file.read_text() == "my decisions"


def test_a_review_without_decisions_changes_nothing(review):
    dataset, fill = review
    assert read_review(fill({}), dataset) == dataset
    assert read_review(fill({"1": ("keep", ""), "2": (" KEEP ", "router")}), dataset) == dataset


def test_decisions_are_applied(review):
    dataset, fill = review
    read = read_review(fill({"1": ("drop", ""), "2": ("Replace", " printer "), "3": ("keep", "")}), dataset)
    assert read.qrels["train"] == {"2": {"printer": 1}, "3": {"refund": 1}, "4": {"router": 1}}
    assert sorted(read.queries) == ["2", "3", "4"]
    assert dataset == planted()


def test_a_review_reaches_any_split_and_keeps_the_grade(tmp_path):
    asked = {"test": {"1": ("my camera", {"router": 2, "camera": 1})}}
    dataset = make_dataset({w: (w, w) for w in WORDS}, asked)
    file = tmp_path / "review.csv"
    file.write_text("query_id,article_id,decision,correct_article\n1,router,replace,printer\n")
    assert read_review(file, dataset).qrels["test"] == {"1": {"camera": 1, "printer": 2}}


@pytest.mark.parametrize(
    ("decisions", "changes", "message"),
    [
        ({"2": ("wrong", "")}, {}, "row 2: decision 'wrong': write keep, drop or replace, or leave it empty"),
        ({"4": ("replace", "")}, {}, "row 5: correct_article '' is not in the corpus: write an article's id"),
        ({"1": ("replace", "fax")}, {}, "row 3: correct_article 'fax' is not in the corpus"),
        (
            {"3": ("drop", "")},
            {"q3": {"article_id": "router"}},
            "row 4: the dataset holds no pair '3', 'router': was the review written for another dataset?",
        ),
        ({"1": ("drop", "")}, {"q1": {"query_id": "9"}}, "row 3: the dataset holds no pair '9', 'camera'"),
    ],
)
def test_an_error_names_its_row(review, decisions, changes, message):
    dataset, fill = review
    with pytest.raises(DataError, match=re.escape(message)):
        read_review(fill(decisions, **changes), dataset)


def test_a_review_with_a_pair_dropped_twice_or_a_missing_column(tmp_path):
    file = tmp_path / "review.csv"
    file.write_text("query_id,article_id,decision,correct_article\n1,camera,drop,\n1,camera,drop,\n")
    with pytest.raises(DataError, match="row 3: the dataset holds no pair '1', 'camera'"):
        read_review(file, planted())
    file.write_text("query_id;article_id;decision;correct_article\n1;camera;drop;\n")
    with pytest.raises(DataError, match=r"no column 'query_id'; the file has query_id;article_id;decision;correct_article"):
        read_review(file, planted())
