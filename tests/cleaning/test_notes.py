from dataclasses import replace

from tests.cleaning.tickets import dataset
from tutorial_lib.cleaning.notes import emptied, hidden_cells


def test_cells_that_are_no_article_id_are_hidden_where_notes_and_card_quote_them():
    cells = {"called anna@example.com": 2, "called +44 20 7946 0958": 1, "old/beta": 1}
    note = "articles named by tickets but not in the help centre: called anna@example.com (2), called +44 20 7946 0958 (1)"
    made = replace(dataset({"train": {}}), card={"unknown_articles": cells}, notes=("t.csv: 1,525 rows, 96 kept", note))
    hidden = hidden_cells(made)
    assert hidden.card["unknown_articles"] == {"called <EMAIL>": 2, "called <PHONE>": 1, "old/beta": 1}
    assert hidden.notes[0] == made.notes[0]
    assert hidden.notes[1].endswith("centre: called <EMAIL> (2), called <PHONE> (1)")


def test_a_dataset_with_queries_in_every_split_is_not_emptied():
    made = dataset({"train": {"1": "a router"}, "dev": {"2": "a plan"}, "test": {"3": "a plug"}})
    assert emptied(made, [], [], "pass more") is None
    error = emptied(replace(made, qrels={**made.qrels, "dev": {}}), [], [], "pass qrels/{}.tsv")
    assert str(error) == "small: no query is left in dev: it had none: pass qrels/dev.tsv"
