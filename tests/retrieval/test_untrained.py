import json
from dataclasses import asdict

import pytest

from tutorial_lib.data.dataset import DataError
from tutorial_lib.retrieval.terms import BM25Settings
from tutorial_lib.retrieval.untrained import ROWS, Untrained, UntrainedSettings

SETTINGS = UntrainedSettings(64, BM25Settings("lucene", stop_words="en", stemmer="en"), {"64": 0.75, "128": 0.5})


@pytest.mark.parametrize(
    ("system", "sentence"),
    [
        (
            "fused",
            "BM25 and the base model fused (30% of the score from the model; Lucene's IDF, without stop words (en), stemmed "
            "(en); a window of 64 tokens), chosen on dev",
        ),
        ("bm25", "BM25 alone (Lucene's IDF, without stop words (en), stemmed (en)), chosen on dev"),
        ("base", "the base model alone (a window of 64 tokens), chosen on dev"),
    ],
)
def test_a_sentence_says_what_it_is(system, sentence):
    assert Untrained(SETTINGS, system, dict.fromkeys(ROWS, 0.5), 0.3).sentence == sentence


def test_where_nothing_was_chosen_the_sentence_says_so():
    assert Untrained(UntrainedSettings()).sentence == (
        "BM25 and the base model fused (50% of the score from the model; rank-bm25's IDF; the model's own window), "
        "not chosen: dev has too few queries"
    )


def test_it_comes_back_from_json():
    chosen = Untrained(SETTINGS, "base", {"bm25": 0.5, "base": 0.75, "fused": 0.5}, 0.7)
    assert Untrained.from_record(json.loads(json.dumps(asdict(chosen)))) == chosen


def test_there_is_no_other_ranking():
    with pytest.raises(DataError, match="system is 'tuned': pass one of bm25, base, fused"):
        Untrained(SETTINGS, "tuned")
