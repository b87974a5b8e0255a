"""The written collection: as large, as varied, as noisy and as free of leaks as its datasheet says."""

import pytest

from benchmarks.support_desk import cleaning_checks, counts, jsonl, planted, raw_tickets, text_checks, wrong_pairs
from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.data.beir import write_beir
from tutorial_lib.data.copies import near_copies
from tutorial_lib.data.registry import Kind
from tutorial_lib.data.splits import find_leaks
from tutorial_lib.data.support_desk_files import support_desk
from tutorial_lib.retrieval.bm25 import BM25


@pytest.fixture(scope="module")
def prepared():
    return prepare(support_desk(), Kind.TICKETS)


@pytest.fixture(scope="module")
def found(prepared):
    return cleaning_checks(prepared.report)


def test_there_is_enough_of_everything():
    found = counts()
    assert found["articles"] >= 240 and found["areas"] >= 12 and found["superseded"] >= 12
    assert found["tickets"] >= 1200 and found["searches"] >= 2000 and found["golden"] == 300
    assert found["article_words"][0] >= 80 and found["article_words"][2] <= 250


def test_texts_were_written_not_templated():
    found = text_checks()
    assert found["distinct_3grams"] >= 0.75
    assert found["similar"] == [] and found["titles"] == []


def test_every_reference_leads_somewhere():
    documents = {a["article_id"]: a for a in jsonl("articles.jsonl")}
    assert all((a["status"] == "superseded") == bool(a["superseded_by"]) for a in documents.values())
    assert all(documents[a["superseded_by"]]["status"] == "published" for a in documents.values() if a["superseded_by"])
    for row in [*jsonl("golden.jsonl"), *jsonl("dev.jsonl")]:
        assert 2 in row["grades"].values() and set(row["grades"].values()) <= {1, 2}
        assert all(documents[a]["status"] == "published" for a in row["grades"]), row
    assert set(planted()) == set(raw_tickets())
    for t, row in raw_tickets().items():
        text = f"{row['subject']}\n{row['message']}"
        assert all(value in text for _, value in planted()[t]["personal_data"])


def test_tickets_span_eighteen_months_and_no_article_is_linked_before_it_existed():
    created = {a["article_id"]: a["created_at"] for a in jsonl("articles.jsonl")}
    rows = raw_tickets().values()
    assert min(r["created_at"] for r in rows) < "2025-02" and max(r["created_at"] for r in rows) > "2026-06"
    assert all(created[r["resolved_by"]] <= r["created_at"][:10] for r in rows if r["resolved_by"] in created)


def test_the_story_is_in_the_data():
    story = jsonl("golden.jsonl")[0]
    assert (story["query"], story["grades"]) == ("refund for annual plan", {"billing/prepaid-fares-policy": 2})
    texts = {a["article_id"]: a["body"].lower() for a in jsonl("articles.jsonl")}
    assert not {"refund", "annual"} & set(texts["billing/prepaid-fares-policy"].split())
    found = list(BM25(texts).search({"q": story["query"]}, k=5)["q"])
    assert {"billing/cancel-season", "billing/cancel-day-return"} & set(found)
    assert "billing/prepaid-fares-policy" not in found


def test_cleaning_finds_what_was_planted(found):
    assert found["set_apart"]["found"] >= 0.7 * found["set_apart"]["planted"]
    assert found["set_apart"]["false_alarms"] <= 3
    assert found["tails"]["false_alarms"] == 0  # what is no signature is worth more than every signature found
    assert found["tails"]["cut"] >= 0.7 * found["tails"]["planted"]
    assert found["repeats"]["merged"] >= 0.8 * found["repeats"]["planted"] and found["repeats"]["false_alarms"] == 0
    assert found["pasted"]["dropped"] >= 0.8 * found["pasted"]["planted"] and found["pasted"]["false_alarms"] == 0


def test_personal_data_is_found(found):
    personal = found["personal_data"]
    for kind in ("EMAIL", "PHONE", "CARD", "IP", "IBAN"):
        assert personal[kind]["recall"] >= 0.95, kind
    assert personal["PERSON"]["recall"] >= 0.7


def test_no_planted_mail_card_or_number_stands_in_any_file_of_a_run(prepared, tmp_path):
    write_beir(prepared.dataset, tmp_path)
    prepared.report.save(tmp_path / "cleaning")
    fixed = {value for row in planted().values() for kind, value in row["personal_data"] if kind != "PERSON"}
    written = "\n".join(p.read_text(encoding="utf-8") for p in tmp_path.rglob("*") if p.is_file())
    assert len(fixed) > 200 and [value for value in fixed if value in written] == []


def test_golden_leaks_nowhere(prepared):
    dataset = prepared.dataset
    assert find_leaks(dataset) == []
    used = {q: dataset.queries[q].text for q in [*dataset.qrels["train"], *dataset.qrels["test"]]}
    assert not [g for g in near_copies(used).groups() if {q.split("-")[0] for q in g} == {"golden"} and len(g) > 1]
    assert not wrong_pairs(dataset) & {(q, a) for q, a in dataset.pairs("test")}


def test_every_ticket_of_the_export_is_accounted_for():
    card = support_desk().card
    read = card["read"][0]
    assert read["rows"] == len(raw_tickets())
    assert sum(n for reason, n in read.items() if reason != "rows") == read["rows"]
