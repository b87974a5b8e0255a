from dataclasses import replace

import pytest

from tests.evaluation import comparisons
from tests.helpers import make_dataset, small_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.evaluation.slices import query_slices, side_by_side


def test_query_slices_by_hand():
    slices = query_slices(small_dataset())
    assert list(slices.index) == ["e1", "e2", "e3", "e4"]
    assert set(slices["article"]) == {"seen in training"}
    assert slices["length"].tolist() == ["9+ words", "5-8 words", "1-4 words", "5-8 words"]  # of 9, 6, 4 and 5 words
    assert slices.loc["e4", "overlap"] == "half or fewer"  # of its words only "the" stands in the answer
    assert "family" not in slices


def test_slices_by_family_put_small_ones_together():
    families = ["ec2"] * 3 + ["s3"] * 3 + ["kms"]
    judged = {"train": {"t": ("x", "a0")}, "test": {f"q{n}": (f"word{n} here", f"a{n}") for n in range(7)}}
    dataset = make_dataset({f"a{n}": ("title", f"word{n} here and there") for n in range(7)}, judged)
    queries = {q: replace(v, metadata={"family": families[int(q[1])]}) if q != "t" else v for q, v in dataset.queries.items()}
    slices = query_slices(replace(dataset, queries=queries), min_queries=3)
    assert slices["family"].tolist() == ["ec2"] * 3 + ["s3"] * 3 + ["other"]
    assert slices["article"].tolist() == ["seen in training"] + ["unseen in training"] * 6
    assert set(slices["overlap"]) == {"all words in the answer"}
    assert set(slices["length"]) == {"1-4 words"}


def test_a_harmed_slice_is_found_and_no_other():
    _, table = comparisons.harmed()
    assert table.loc[table["worse"], ["slice", "value"]].to_numpy().tolist() == [["length", "long"]]
    assert table["queries"].tolist() == [20, 60, 40, 40]
    assert (table["p_adjusted"] >= table["p"]).all()


def test_side_by_side():
    runs = {
        "base": {"e1": {"billing/cancel": 2.0, "billing/refund": 1.0}, "e3": {}},
        "tuned": {"e1": {"billing/refund": 1.0}},
    }
    table = side_by_side(small_dataset(), runs, ["e1", "e3"])
    assert table.iloc[0].to_dict() == {
        "query": "can I get a refund in the second week",
        "answer": "billing/refund",
        "base ranks first": "billing/cancel",
        "base: answer at": "2",
        "tuned ranks first": "billing/refund",
        "tuned: answer at": "1",
    }
    assert table.loc[1, ["base ranks first", "tuned ranks first", "tuned: answer at"]].tolist() == [
        "nothing",
        "nothing",
        "not in 100",
    ]


def test_a_query_of_another_split_cannot_be_looked_at():
    with pytest.raises(KeyError, match="t1"):
        side_by_side(small_dataset(), {}, ["t1"])


@pytest.mark.parametrize("split", ["dev", "valid"])
def test_a_split_without_queries_has_no_slices(split):
    dataset = small_dataset()
    with pytest.raises(
        DataError, match=rf"small: the split '{split}' has no judged query: pass one that has \(train, test\)"
    ):
        query_slices(replace(dataset, name="small", qrels={**dataset.qrels, "dev": {}}), split)
