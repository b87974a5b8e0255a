import pytest

from tests.helpers import DOCUMENTS, make_dataset
from tutorial_lib.data.copies import near_copies, query_copies, telling_words


def test_near_copies_by_hand():
    # 35 and 36 characters make 32 and 33 four-letter sequences, 32 of them shared: 32 / 33 = 0.97.
    texts = {"a": "export every invoice of the last yr", "b": "export every invoice of the last yrs", "c": "weak signal"}
    assert near_copies(texts).groups() == [["a", "b"]]
    assert near_copies(texts, 0.99).groups() == []


@pytest.mark.parametrize(
    ("one", "other", "copies"),
    [
        ("what does exit code 1 of the deploy command mean", "what does exit code -1 of the deploy command mean", False),
        ("the installer stops with error 0x800F0922 again", "the installer stops with error 0x800F0923 again", False),
        ("the installer of version 4.2.1 stops and rolls back", "the installer of version 4.2.2 stops and rolls back", False),
        ("where is my order 4711001 of last week, please", "where is my order 4711002 of last week, please", True),
        ("how do I install the client in my build container", "how do I install the clients in my build container", True),
    ],
)
def test_a_changed_code_makes_another_question_unless_the_answer_is_the_same(one, other, copies):
    ids = sorted(DOCUMENTS)
    different = make_dataset(DOCUMENTS, {"train": {"q1": (one, ids[0]), "q2": (other, ids[1])}})
    same = make_dataset(DOCUMENTS, {"train": {"q1": (one, ids[0]), "q2": (other, ids[0])}})
    assert near_copies({"q1": one, "q2": other}, 0.8).groups() == [["q1", "q2"]]  # so alike are all of them
    assert (telling_words(one) == telling_words(other)) == copies
    if near_copies({"q1": one, "q2": other}).groups():
        assert bool(query_copies(different).groups()) == copies
        assert query_copies(same).groups()
