"""What a cross-encoder is trained on: lists of documents."""

from tests.helpers import with_twins
from tests.tiny import tiny_dataset
from tutorial_lib.training.cross_settings import CrossSettings
from tutorial_lib.training.cross_trainer import ANSWER, lists_of
from tutorial_lib.training.pairs import Pair


def test_lists_are_filled_with_documents_that_are_no_answers():
    dataset = with_twins(tiny_dataset(), ("a00", "a12"))
    few = [Pair("q00", dataset.queries["q00"].text, "a00", ("a05",))]
    row = lists_of(few, dataset, CrossSettings(negatives=22))[0]
    texts = {document.full_text: a for a, document in dataset.corpus.items()}
    found = [texts[text] for text in row["documents"]]
    assert found[:2] == ["a00", "a05"]
    assert len(set(found)) == 23  # all but the near-duplicate
    assert "a12" not in found
    assert row["labels"] == [ANSWER] + [0.0] * 22


def test_negatives_are_drawn_from_all_that_were_mined():
    dataset = tiny_dataset()
    many = [Pair("q00", dataset.queries["q00"].text, "a00", tuple(f"a{n:02}" for n in range(1, 24)))]
    rows = [lists_of(many, dataset, CrossSettings(seed=s))[0]["documents"] for s in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2]
