"""Records in the forms of other tools: their names, and nothing that is not known."""

import json

import pytest

from tests.helpers import small_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.evaluation.slices import query_slices
from tutorial_lib.rag import export
from tutorial_lib.rag.export import records, to_deepeval, to_langfuse, to_mlflow, to_phoenix, to_ragas, write_jsonl

RUN = {"e1": {"billing/cancel": 2.0, "billing/refund": 1.0, "devices/wifi": 0.5}, "e2": {"billing/cancel": 1.0}}
FACTS = {"e1": (("fourteen days", "two weeks"), ("in full",))}


@pytest.fixture
def rows():
    dataset = small_dataset()
    slices = query_slices(dataset)
    return records(dataset, RUN, name="tuned", k=2, slices=slices, facts=FACTS, answers={"e1": "Within two weeks."})


def test_a_record_says_what_was_asked_expected_and_found(rows):
    assert [row["id"] for row in rows] == ["e1", "e2", "e3", "e4"]
    first = rows[0]
    assert list(first) == list(export.EXAMPLE)
    assert first["input"] == "can I get a refund in the second week"
    assert first["expected_ids"] == ["billing/refund"]
    assert first["expected_texts"][0].startswith("Refunds\nAn annual plan")
    assert first["expected_answer"] == "fourteen days; in full"
    assert first["retrieved_ids"] == ["billing/cancel", "billing/refund"]
    assert first["slice"]["length"] == "5-8 words" or first["slice"]["length"] == "9+ words"
    assert (first["split"], first["run"], first["answer"]) == ("test", "tuned", "Within two weeks.")
    assert (rows[3]["retrieved_ids"], rows[3]["answer"], rows[3]["expected_answer"]) == ([], None, None)


def test_ragas_gets_ids_and_texts_and_no_empty_answer(rows):
    answered, unanswered = to_ragas(rows)[:2]
    assert answered["reference"] == "fourteen days; in full"
    assert answered["response"] == "Within two weeks."
    assert answered["retrieved_context_ids"] == ["billing/cancel", "billing/refund"]
    assert len(answered["retrieved_contexts"]) == 2
    assert set(answered) - set(unanswered) == {"response", "reference"}


def test_deepeval_gets_goldens(rows):
    golden = to_deepeval(rows)[0]
    assert set(golden) == {
        "input", "actual_output", "expected_output", "context", "retrieval_context", "additional_metadata",
    }  # fmt: skip
    assert golden["additional_metadata"]["run"] == "tuned"


def test_langfuse_and_phoenix_get_questions_and_expected_documents(rows):
    item, example = to_langfuse(rows, "desk")[1], to_phoenix(rows)[1]
    assert set(item) == {"dataset_name", "id", "input", "expected_output", "metadata"}
    assert set(example) == {"input", "output", "metadata"}
    assert item["expected_output"] == example["output"] == {"document_ids": ["billing/cancel"]}
    assert example["metadata"]["retrieved_ids"] == ["billing/cancel"]
    assert len({i["id"] for i in to_langfuse(rows, "desk")}) == 4


def test_mlflow_gets_names_that_it_takes():
    assert to_mlflow({"nDCG@10": 1, "R@100": 0.5}) == {"nDCG_10": 1.0, "R_100": 0.5}
    with pytest.raises(DataError, match="share a name once signs are replaced"):
        to_mlflow({"a@1": 1, "a_1": 2})


@pytest.mark.parametrize("form", [list, to_ragas, to_deepeval, to_phoenix, lambda rows: to_langfuse(rows, "desk")])
def test_every_form_is_json_a_line_a_record(rows, form, tmp_path):
    formed = form(rows)
    write_jsonl(formed, tmp_path / "records.jsonl")
    lines = (tmp_path / "records.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == formed


def test_what_cannot_be_exported_is_one_line():
    with pytest.raises(DataError, match="query e1: gone was found and is not in the corpus"):
        records(small_dataset(), {"e1": {"gone": 1.0}}, name="x")
    with pytest.raises(DataError, match="the split 'all' has no judged query"):
        records(small_dataset(), {}, name="x", split="all")
