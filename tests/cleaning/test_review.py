import csv
import re

import pytest

from tests.cleaning.noise import WORDS, pairs_of, planted
from tests.helpers import in_time, make_dataset, obstructed
from tutorial_lib.cleaning.review import read_review, write_review
from tutorial_lib.data.dataset import DataError


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
    file.write_text("query;article_id;decision;correct_article\n1;camera;drop;\n")
    with pytest.raises(DataError, match=r"no column 'query_id'; the file has query, article_id, decision, correct_article"):
        read_review(file, planted())


def test_a_review_saved_with_semicolons_and_a_mark_of_its_encoding_is_read(tmp_path):
    file = tmp_path / "review.csv"
    file.write_text("query_id;article_id;decision;correct_article\n1;camera;drop;\n", encoding="utf-8-sig")
    assert "1" not in read_review(file, planted()).qrels["train"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}\n1,camera,drop,,not sure\n2,refund,drop,,me neither\n", "row 2: 5 cells under 4 columns, the last 'not sure'"),
        ("{}\n1,camera,drop,\n2,refund,drop,,a remark\n", "row 3: 5 cells under 4 columns, the last 'a remark'"),
        ('{}\n1,camera,drop,"open\n', "line 2: unexpected end of data: a quote is missing or not doubled"),
        ("", "no column 'query_id'; the file has no header"),
        ("{},decision\n1,camera,drop,,keep\n", "two columns 'decision'"),
    ],
)
def test_a_review_whose_cells_cannot_be_told_is_refused(tmp_path, text, message):
    file = tmp_path / "review.csv"
    file.write_text(text.format("query_id,article_id,decision,correct_article"))
    with pytest.raises(DataError, match=re.escape(message)):
        read_review(file, planted())


def test_empty_cells_beyond_the_header_are_none(tmp_path):
    file = tmp_path / "review.csv"
    file.write_text("query_id,article_id,decision,correct_article\n1,camera,drop,,,\n,,,,\n")
    assert "1" not in read_review(file, planted()).qrels["train"]


def test_a_missing_review_is_named(tmp_path):
    with pytest.raises(DataError, match=r"review.csv: No such file or directory: pass the file that write_review wrote"):
        read_review(tmp_path / "review.csv", planted())


def test_ids_and_texts_that_look_like_formulas_are_defused_and_come_back(tmp_path):
    made = make_dataset({"=b": ("+1", "one"), "c": ("-", "two")}, {"train": {"-1": ("@sum", "=b"), "2": ("plain", "c")}})
    pairs = pairs_of(make_dataset({w: (w, w) for w in WORDS}, {"train": {"1": ("my camera", "camera")}})).head(1)
    pairs = pairs.assign(query_id="-1", article_id="=b", suggested="c")
    file = write_review(tmp_path / "review.csv", made, pairs)
    assert file.read_text(encoding="utf-8").splitlines()[1].startswith("'-1,'@sum,'=b,'+1,")
    file.write_text(file.read_text(encoding="utf-8").rstrip().removesuffix(",,") + ",drop,\n", encoding="utf-8")
    assert list(read_review(file, made).qrels["train"]) == ["2"]


@pytest.mark.parametrize(("how", "said"), [("pipe", "is a pipe"), ("folder", "is a folder")])
def test_what_is_no_file_is_not_waited_for(tmp_path, how, said):
    with in_time(), pytest.raises(DataError, match=f"review.csv {said}"):
        read_review(obstructed(tmp_path / "review.csv", how), planted())
