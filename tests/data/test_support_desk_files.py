"""The written collection: as large, as varied, as noisy and as free of leaks as its datasheet says."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.support_desk import cleaning_checks, counts, jsonl, planted, raw_tickets, text_checks, wrong_pairs
from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.data.beir import write_beir
from tutorial_lib.data.copies import near_copies
from tutorial_lib.data.registry import Kind
from tutorial_lib.data.splits import find_leaks
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_ANSWERS, support_desk
from tutorial_lib.rag.facts import fact_spread, facts_in, read_facts
from tutorial_lib.retrieval.bm25 import BM25

README = Path(__file__).resolve().parents[2] / "data" / "README.md"


@pytest.fixture(scope="module")
def raw():
    return support_desk()


@pytest.fixture(scope="module")
def facts(raw):
    return read_facts(SUPPORT_DESK_ANSWERS, raw)


@pytest.fixture(scope="module")
def spread(raw, facts):
    return fact_spread(facts, raw.document_texts())


@pytest.fixture(scope="module")
def prepared(raw):
    return prepare(raw, Kind.TICKETS)


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


def test_every_ticket_of_the_export_is_accounted_for(raw):
    card = raw.card
    read = card["read"][0]
    assert read["rows"] == len(raw_tickets())
    assert sum(n for reason, n in read.items() if reason != "rows") == read["rows"]


def answers_of(raw, query_id):
    return [raw.corpus[a].full_text for a, grade in raw.qrels["test"][query_id].items() if grade == 2]


def test_an_article_that_answers_holds_all_facts_of_its_query(raw, facts):
    assert sorted(facts) == sorted(raw.qrels["test"])
    assert all(1 <= len(its) <= 3 for its in facts.values())
    assert [q for q, its in facts.items() if not any(all(facts_in(text, its)) for text in answers_of(raw, q))] == []


def test_alternatives_of_the_article_come_before_those_in_other_words(raw, facts):
    for q, its in facts.items():
        texts = [raw.corpus[a].full_text for a in raw.qrels["test"][q]]
        for fact in its:
            stands = [any(facts_in(text, [(alternative,)])[0] for text in texts) for alternative in fact]
            assert stands == sorted(stands, reverse=True), (q, fact)


def test_no_alternative_is_needless_or_repeats_the_question(raw, facts):
    for q, its in facts.items():
        assert not any(facts_in(raw.queries[q].text, its)), q
        for fact in its:
            others = [(a, b) for a in fact for b in fact if a is not b]
            assert not [a for a, b in others if facts_in(a, [(b,)])[0]], (q, fact)


def test_no_fact_is_so_general_that_many_articles_hold_it(raw, spread):
    assert spread["documents"].max() <= 0.15 * len(raw.corpus)
    assert (spread["documents"] == 1).mean() > 0.4
    together = spread.drop_duplicates("query_id")["together"]
    assert (together == 1).mean() > 0.9 and together.max() <= 0.03 * len(raw.corpus)


def test_the_datasheet_says_how_many_facts_stand_in_how_many_articles(raw, facts, spread):
    sizes = Counter(map(len, facts.values()))
    holders = spread["documents"]
    alone, few, some, many = (f"{100 * holders.between(*band).mean():.1f} %" for band in ((1, 1), (2, 5), (6, 13), (14, 41)))
    together = spread.drop_duplicates("query_id")["together"]
    text = README.read_text(encoding="utf-8")
    for said in (
        f"{len(spread)} of {len(facts)} queries: one fact for {sizes[1]} queries, two for {sizes[2]}, three for {sizes[3]}",
        f"1 for {alone} of the facts, 2 to 5 for {few}, 6 to 13 for {some}, 14 to 41 for {many}; "
        f"at most {holders.max()} of {len(raw.corpus)}",
        f"1 for {(together == 1).sum()} queries, 2 or 3 for {together.between(2, 3).sum()}, at most {together.max()} |",
    ):
        assert said in text
