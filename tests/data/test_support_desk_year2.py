"""The second year of the written collection: one world with the first, dated as it says, judged anew, and apart from it."""

import hashlib
from datetime import date

import pytest

from benchmarks.support_desk import jsonl, raw_tickets
from tutorial_lib.data import support_desk_year2 as year2
from tutorial_lib.data.copies import near_copies
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.registry import find_source
from tutorial_lib.data.splits import find_leaks
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_ANSWERS, SUPPORT_DESK_FILES, support_desk
from tutorial_lib.rag.facts import fact_spread, facts_in, read_facts
from tutorial_lib.text import tokenize

FOLDER = year2.SUPPORT_DESK_YEAR2_FILES
MONTHS = [f"2026-{m:02}" for m in range(7, 13)] + [f"2027-{m:02}" for m in range(1, 7)]


@pytest.fixture(scope="module")
def articles():
    return {a["article_id"]: a for a in jsonl("articles.jsonl", FOLDER)}


@pytest.fixture(scope="module")
def first_articles():
    return {a["article_id"]: a for a in jsonl("articles.jsonl")}


@pytest.fixture(scope="module")
def raw():
    return year2.support_desk_year2()


@pytest.fixture(scope="module")
def facts(raw):
    return read_facts(year2.SUPPORT_DESK_YEAR2_ANSWERS, raw)


# --- apart from the first year ------------------------------------------------------------------------------------


def test_the_first_year_is_what_it_was():
    digest = hashlib.sha256()
    for path in sorted(SUPPORT_DESK_FILES.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    assert digest.hexdigest() == "097c95ffca7f60a1d8b01081c7bc1a01f4e70baab5bb5a3aff1e40fd2309e693"


def test_no_reader_of_the_first_year_meets_the_second():
    assert not [p for p in find_source("support_desk").files() if FOLDER in p.parents]
    assert FOLDER not in SUPPORT_DESK_FILES.parents and SUPPORT_DESK_FILES not in FOLDER.parents


def test_no_id_of_the_first_year_stands_for_something_else(raw):
    assert not raw_tickets().keys() & raw_tickets(FOLDER).keys()
    sessions = {s["session_id"] for s in jsonl("search_log.jsonl")}
    assert not sessions & {s["session_id"] for s in jsonl("search_log.jsonl", FOLDER)}
    assert not {g["query_id"] for g in jsonl("golden.jsonl")} & set(raw.qrels["test"])


# --- articles -----------------------------------------------------------------------------------------------------


def test_what_changed_is_dated_in_the_year_and_the_rest_is_the_first_years(articles, first_articles):
    changed = {a for a, row in articles.items() if row != first_articles.get(a)}
    assert len(changed) >= 45 and set(first_articles) <= set(articles)
    assert {articles[a]["updated_at"][:7] for a in changed} <= set(MONTHS)
    assert all(articles[a]["created_at"] == first_articles[a]["created_at"] for a in changed & set(first_articles))
    assert all(articles[a]["created_at"][:7] in MONTHS for a in changed - set(first_articles))
    assert all(row["created_at"] <= row["updated_at"] for row in articles.values())


def test_what_is_out_of_use_leads_to_what_holds(articles):
    gone = {a: row for a, row in articles.items() if row["status"] != "published"}
    assert {a for a, row in gone.items() if row["status"] == "retired"} == {"couplings/connect-sumwell"}
    assert all(articles[row["superseded_by"]]["status"] == "published" for row in gone.values())
    assert all(row["superseded_by"] is None for a, row in articles.items() if a not in gone)


def test_the_help_centre_of_a_day(first_articles):
    before, after = (year2.articles_on(date(*day)) for day in ((2026, 10, 4), (2026, 10, 5)))
    assert {a: d.text for a, d in year2.articles_on(date(2026, 6, 30)).items()} == {
        a: row["body"] for a, row in first_articles.items()
    }
    assert after.keys() - before.keys() == {"gantry/lookout-name"}
    assert before["gantry/build-board"].text == first_articles["gantry/build-board"]["body"]
    assert "Lookout" in after["gantry/build-board"].text and "Lookout" not in before["gantry/build-board"].text


# --- judged queries -----------------------------------------------------------------------------------------------


def test_every_query_is_answered_by_an_article_in_use(raw, articles):
    assert raw.counts()["test"] >= 120
    for split in ("dev", "test"):
        for judged in raw.qrels[split].values():
            assert 2 in judged.values() and set(judged.values()) <= {1, 2}
            assert all(articles[a]["status"] == "published" for a in judged)


@pytest.fixture(scope="module")
def written():
    """All texts of tickets, searches and judged queries of both years but the golden queries of the second, by a name."""
    texts = {q: query.text for q, query in support_desk().queries.items()}
    texts |= {t: f"{row['subject']} {row['message']}" for t, row in raw_tickets(FOLDER).items()}
    return texts | {f"search {n}": s["query"] for n, s in enumerate(jsonl("search_log.jsonl", FOLDER))}


def test_golden_leaks_nowhere(raw, written):
    assert find_leaks(raw) == []
    held = {q: raw.queries[q].text for q in raw.qrels["test"]}
    groups = near_copies({**held, **written}, threshold=0.75).groups()
    assert not [g for g in groups if held.keys() & set(g) and len(g) > 1]


def test_no_golden_query_shares_six_words_in_a_row_with_anything_else(raw, written):
    elsewhere = {run for text in written.values() for run in runs(text)}
    assert [q for q in raw.qrels["test"] if runs(raw.queries[q].text) & elsewhere] == []


def runs(text, size=6):
    """The word sequences of ``size`` in ``text``; a shorter text has none."""
    words = tokenize(text)
    return {tuple(words[n : n + size]) for n in range(len(words) - size + 1)}


def test_an_article_that_answers_holds_all_facts_of_its_query(raw, facts):
    assert sorted(facts) == sorted(raw.qrels["test"]) and all(1 <= len(its) <= 3 for its in facts.values())
    for q, its in facts.items():
        texts = [raw.corpus[a].full_text for a, grade in raw.qrels["test"][q].items() if grade == 2]
        assert any(all(facts_in(text, its)) for text in texts), q
        assert not any(facts_in(raw.queries[q].text, its)), q
        for fact in its:
            assert not [a for a in fact for b in fact if a is not b and facts_in(a, [(b,)])[0]], (q, fact)


def test_no_fact_is_so_general_that_many_articles_hold_it(raw, facts):
    spread = fact_spread(facts, raw.document_texts())
    together = spread.drop_duplicates("query_id")["together"]
    assert spread["documents"].max() <= 0.15 * len(raw.corpus) and (spread["documents"] == 1).mean() > 0.4
    assert (together == 1).mean() > 0.9 and together.max() <= 0.03 * len(raw.corpus)


def test_the_first_years_grades_follow_the_articles(articles, first_articles):
    changed = {a for a, row in articles.items() if row != first_articles.get(a)}
    for row in year2.regrades():
        assert row["article_id"] in changed and row["old_grade"] != row["new_grade"] and row["why"]
        assert articles[row["article_id"]]["created_at"] <= row["since"]
    for name in ("golden", "dev"):
        for judged in year2.first_year_regraded(name)[1].values():
            assert 2 in judged.values() and all(articles[a]["status"] == "published" for a in judged)


def test_the_first_years_facts_stand_or_are_given_anew(raw):
    _, judged = year2.first_year_regraded()
    old, new = read_facts(SUPPORT_DESK_ANSWERS, support_desk()), jsonl("answers_changed.jsonl", FOLDER)
    now = {**old, **{row["query_id"]: [tuple(fact) for fact in row["facts"]] for row in new}}
    for q, its in now.items():
        texts = [raw.corpus[a].full_text for a, grade in judged[q].items() if grade == 2]
        assert any(all(facts_in(text, its)) for text in texts), q


def test_a_regrade_that_does_not_fit_is_refused(monkeypatch):
    row = {"query_id": "golden-226", "article_id": "couplings/connect-sumwell", "old_grade": 1, "new_grade": 0}
    monkeypatch.setattr(year2, "regrades", lambda: [row])
    with pytest.raises(DataError, match=r"regrades.jsonl: couplings/connect-sumwell of golden-226 was graded 2, not 1"):
        year2.first_year_regraded()
