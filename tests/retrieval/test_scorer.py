import pytest

from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.scorer import Scorer, refuse_one_string


def test_what_has_ids_and_scores_is_a_scorer():
    assert isinstance(BM25({"a": "refund"}), Scorer)
    assert not isinstance({"a": "refund"}, Scorer)


def test_a_text_is_no_list_of_texts():
    refuse_one_string(["plan"])
    refuse_one_string([])
    with pytest.raises(ValueError, match="queries is the string 'plan': pass a list of query texts"):
        refuse_one_string("plan")
