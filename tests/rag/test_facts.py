import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import small_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.rag.facts import answer_recall, fact_spread, facts_in, plain_words, read_facts

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        ("14 days", "Ask within 14  DAYS\nof it."),
        ("14 days", "a 14-day window"),
        ("14 days", "14\u00a0days"),
        ("1,000 rows", "takes 1000 rows"),
        ("1000 rows", "takes 1,000 rows"),
        ("250,000 rows", "250\u202f000 rows, and 250’000 rows"),
        ("12,345,678", "12345678"),
        ("15", "costs 15.00."),
        ("40 %", "forty percent, 40%"),
        ("1.6 percent", "1.6 per cent plus 0.20"),
        ("4 GB", "volumes of 4GB"),
        ("Fares > Season", "Depot → Fares → Season → Renew"),
        ("firm's paper", "on the firm’s paper"),
        ("20 characters", "２０ Characters"),
        ("straße", "STRASSE"),
        ("14天", "请在14天内申请"),
        ("198.51.100.32/28", "admit 198.51.100.32/28, please"),
    ],
)
def test_the_same_in_another_spelling_is_found(fact, text):
    assert facts_in(text, [(fact,)]) == [True]


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        ("5", "15 days, 1.5 percent, 0.5, 5.20, 12:05, 1,005"),
        ("100", "198.51.100.32"),
        ("10 days", "10 or 20 days"),
        ("day", "today"),
        ("art", "start"),
        ("1000", "1, 000"),
        ("pass", "pas"),
        ("14 days", ""),
    ],
)
def test_parts_of_words_and_numbers_are_not_found(fact, text):
    assert facts_in(text, [(fact,)]) == [False]


def test_one_alternative_is_enough_and_facts_keep_their_order():
    facts = [("14 days", "two weeks"), ("30 days",), ("Box 4", "Box four")]
    assert facts_in("You have two weeks; write to Box 4.", facts) == [True, False, True]


@given(TEXTS, TEXTS)
def test_a_text_contains_what_it_was_put_together_from(before, fact):
    text = f"{before}\n{fact}\n{before}"
    assert not plain_words(fact) or facts_in(text, [(fact,)]) == [True]


@given(TEXTS)
def test_plain_words_are_plain_already(text):
    assert plain_words(plain_words(text)) == plain_words(text)


def test_recall_is_the_share_of_facts_and_a_query_without_text_counts_nothing():
    facts = {"b": [("14 days",), ("Box 4",)], "a": [("Box 4",)], "c": [("Box 4",), ("110 %",), ("one",), ("two",)]}
    table = answer_recall({"b": "within 14 days", "c": "Box 4: 110% of one, or two", "other": "Box 4"}, facts)
    assert table.index.tolist() == ["a", "b", "c"]
    assert table["facts"].tolist() == [1, 2, 4]
    assert table["recall"].tolist() == [0.0, 0.5, 1.0]
    assert table["all"].tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("texts", "facts", "error"),
    [
        ({}, {"a": [("x",)]}, "0 texts, 1 queries with facts, none in common"),
        ({"b": "x"}, {"a": [("x",)]}, "1 texts, 1 queries with facts, none in common"),
        ({"a": "x"}, {"a": []}, "query 'a' has no facts"),
    ],
)
def test_recall_refuses_what_measures_nothing(texts, facts, error):
    with pytest.raises(ValueError, match=error):
        answer_recall(texts, facts)


def test_spread_counts_documents_with_one_fact_and_with_all_of_a_query():
    documents = {"1": "14 days, Box 4", "2": "two weeks", "3": "Box 4 in 5 days"}
    spread = fact_spread({"q": [("14 days", "two weeks"), ("Box 4",)], "r": [("9 days",)]}, documents)
    assert spread.to_dict("list") == {
        "query_id": ["q", "q", "r"],
        "fact": ["14 days", "Box 4", "9 days"],
        "documents": [2, 2, 0],
        "together": [1, 1, 0],
    }
    assert fact_spread({"q": [("14 days",)]}, {})["documents"].tolist() == [0]


def written(tmp_path, *rows):
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


REFUND = {"query_id": "e1", "facts": [["fourteen days", "14 days"], ["refunded in full"]]}


def test_facts_are_read_by_query(tmp_path):
    path = written(tmp_path, REFUND, "", {"query_id": "e4", "facts": [["Change the channel", "another channel"]]})
    assert read_facts(path, small_dataset()) == {
        "e1": (("fourteen days", "14 days"), ("refunded in full",)),
        "e4": (("Change the channel", "another channel"),),
    }


def test_a_title_is_part_of_the_article(tmp_path):
    row = {"query_id": "d2", "facts": [["Restart the router"]]}
    assert list(read_facts(written(tmp_path, row), small_dataset(), "dev")) == ["d2"]


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("{", "not JSON"),
        ("[]", "a JSON list, not an object"),
        ({"query_id": "e1"}, r'no "facts" \(keys: query_id\): add it'),
        ({"facts": [["x"]]}, 'no "query_id"'),
        ({"query_id": 1, "facts": [["x"]]}, '"query_id" is 1: pass a string'),
        ({"query_id": "e2", "facts": []}, r'"facts" is \[\]: pass a list of at least one fact'),
        ({"query_id": "e2", "facts": "renewal"}, "\"facts\" is 'renewal': pass a list"),
        ({"query_id": "e2", "facts": ["renewal"]}, "the fact 'renewal' is no list of texts"),
        ({"query_id": "e2", "facts": [[]]}, r"the fact \[\] is no list of texts"),
        ({"query_id": "e2", "facts": [["renewal", "…"]]}, "is no list of texts with a letter or digit each"),
        ({"query_id": "e2", "facts": [[14]]}, r"the fact \[14\] is no list of texts"),
        ({"query_id": "e9", "facts": [["renewal"]]}, "query 'e9' is not judged in test of"),
        ({"query_id": "t2", "facts": [["renewal"]]}, "query 't2' is not judged in test of"),
        (REFUND, "query 'e1' has facts already"),
        ({"query_id": "e2", "facts": [["14 days"]]}, "'14 days' does not stand in billing/cancel: begin the fact with words"),
        ({"query_id": "e2", "facts": [["no renewal", "the renewal"]]}, "'no renewal' does not stand in billing/cancel"),
    ],
)
def test_what_cannot_be_used_is_refused_by_file_and_line(tmp_path, row, error):
    with pytest.raises(DataError, match=f"^{tmp_path}/answers.jsonl line 2: .*{error}"):
        read_facts(written(tmp_path, REFUND, row), small_dataset())


def test_a_missing_and_an_empty_file_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.jsonl: no such file"):
        read_facts(tmp_path / "none.jsonl", small_dataset())
    with pytest.raises(DataError, match="holds no facts"):
        read_facts(written(tmp_path, ""), small_dataset())
    with pytest.raises(DataError, match="small: the split 'gold' has no judged query: pass one that has"):
        read_facts(written(tmp_path, REFUND), small_dataset(), "gold")
