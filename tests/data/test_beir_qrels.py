import os

import pytest

from tests.data.exports import refused, written
from tests.helpers import beir_folder
from tutorial_lib.data.beir import read_beir, write_beir
from tutorial_lib.data.beir_qrels import Known, read_qrels, split_files
from tutorial_lib.data.dataset import Document, Query

KNOWN = Known({"q": Query("q", "x")}, {"a": Document("a", "", "x"), "b": Document("b", "", "y")}, {"blank"}, {"empty"})


def folder(path, *names):
    (path / "qrels").mkdir()
    for name in names:
        written(path, name, "q\ta\t1\n")
    return path


@pytest.mark.parametrize("name", ["validation", "valid", "val"])
def test_dev_has_several_names(tmp_path, name):
    notes = []
    found = split_files(folder(tmp_path, "qrels/train.tsv", f"qrels/{name}.tsv"), notes)
    assert {split: path.name for split, path in found.items()} == {"train": "train.tsv", "dev": f"{name}.tsv"}
    assert notes == [f"qrels/{name}.tsv was read as dev"]


def test_what_lies_there_unread_is_named(tmp_path):
    names = [
        "qrels/train.tsv",
        "qrels/dev.tsv",
        "qrels/val.tsv",
        "qrels/test.tsv.gz",
        "corpus.jsonl",
        "queries.tsv",
        "more.gz",
        "README",
    ]
    notes = []
    split_files(folder(tmp_path, *names), notes)
    assert notes == [f"{name} is not read" for name in ("more.gz", "queries.tsv", "qrels/test.tsv.gz", "qrels/val.tsv")]


def test_judgments_under_no_known_name_are_refused(tmp_path):
    refused(
        lambda: split_files(folder(tmp_path, "qrels/all.tsv"), []),
        "qrels holds no train.tsv, dev.tsv or test.tsv; not read: qrels/all",
    )


def test_a_pipe_or_a_dangling_link_is_no_split(tmp_path):
    os.mkfifo(folder(tmp_path) / "qrels" / "dev.tsv")
    refused(lambda: split_files(tmp_path, []), "dev.tsv is a pipe: put a plain file there")
    (tmp_path / "qrels" / "dev.tsv").unlink()
    (tmp_path / "qrels" / "dev.tsv").symlink_to("none.tsv")
    refused(lambda: split_files(tmp_path, []), "dev.tsv is a link that leads nowhere")


@pytest.mark.parametrize("score", ["1_000", " 1 ", "١", "1e2", "", "0x1"])
def test_a_score_is_written_in_plain_digits(tmp_path, score):
    file = written(tmp_path, "train.tsv", f"q\ta\t1\nq\tb\t{score}\n")
    refused(lambda: read_qrels(file, KNOWN, []), f"qrels/train.tsv line 2: score is {score!r}: pass a whole number")


@pytest.mark.parametrize("score", ["1001", "2000000000", str(2**63), "-2000000000", "9" * 5000])
def test_a_score_that_is_no_grade_is_refused(tmp_path, score):
    file = written(tmp_path, "train.tsv", f"q\ta\t{score}\n")
    refused(lambda: read_qrels(file, KNOWN, []), "qrels/train.tsv line 1: score is ", "pass a grade of at most 1,000")


def test_blank_queries_and_blank_articles_are_two_sets(tmp_path):
    assert read_qrels(written(tmp_path, "a.tsv", "q\ta\t1\nblank\ta\t1\nq\tempty\t1\n"), KNOWN, []) == {"q": {"a": 1}}
    refused(
        lambda: read_qrels(written(tmp_path, "b.tsv", "empty\ta\t1\n"), KNOWN, []), "query 'empty' is not in queries.jsonl"
    )
    refused(
        lambda: read_qrels(written(tmp_path, "c.tsv", "q\tblank\t1\n"), KNOWN, []), "article 'blank' is not in corpus.jsonl"
    )


def test_a_dataset_written_over_another_leaves_none_of_its_judgments(tmp_path):
    corpus, queries = [{"_id": "a", "text": "x"}, {"_id": "b", "text": "y"}], [{"_id": "q", "text": "z"}]
    path = beir_folder(
        tmp_path / "d", corpus=corpus, queries=queries, qrels={s: ["q\ta\t1"] for s in ("train", "val", "test")}
    )
    dataset = read_beir(
        beir_folder(tmp_path / "e", corpus=corpus, queries=queries, qrels={"train": ["q\ta\t1"], "dev": None, "test": None})
    )
    write_beir(dataset, path)
    assert [p.name for p in (path / "qrels").iterdir()] == ["train.tsv"]
