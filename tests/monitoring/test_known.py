import pytest

from tests.monitoring.matters import dataset
from tutorial_lib.data.dataset import Document, Query, RetrievalDataset
from tutorial_lib.monitoring.known import Known, is_phrase


@pytest.fixture(scope="module")
def known():
    """Two articles, a ticket and two searches."""
    corpus = {
        "a": Document("a", "Refunds", "Money is paid back within fourteen days after you have cancelled the plan"),
        "b": Document("b", "Routers", "Switch the router off and on again before you call the service desk"),
    }
    queries = {
        "t": Query("t", "The gizmo smokes", {"source": "ticket"}),
        "s1": Query("s1", "refund vouchers", {"source": "search"}),
        "s2": Query("s2", "Voucher for routers", {"source": "search"}),
    }
    train = {"t": {"b": 1}, "s1": {"a": 1}, "s2": {"b": 1}}
    return Known.of(RetrievalDataset("desk", corpus, queries, {"train": train, "dev": {}, "test": {}}))


def test_words_of_articles_tickets_and_other_searches_are_known_by_their_stems(known):
    assert known.unseen("router plans") == {"router plan"}
    assert known.unseen("gizmos") == set()
    assert {p for p in known.unseen("vouchers for the lookout") if not is_phrase(p)} == {"lookout"}


def test_a_phrase_is_two_words_that_follow_each_other(known):
    assert known.unseen("switch the router") == set()
    assert known.unseen("router cancelled") == {"router cancel"}


def test_a_wording_does_not_vouch_for_itself(known):
    assert "refund voucher" in known.unseen("Refund, vouchers!")
    assert "refund voucher" not in known.unseen("refund vouchers please")


def test_words_are_told_as_they_were_typed(known):
    assert known.spelt("Refunds of Vouchers") == {"refund": "refunds", "voucher": "vouchers"}


def test_the_articles_are_known_by_id():
    assert "help/refund" in Known.of(dataset()).articles


def test_training_can_be_thought_of_without_some_searches(known):
    assert known.unseen("voucher") == frozenset()
    less = known.without({"refund vouchers", "voucher for routers"})
    assert less.unseen("voucher") == {"voucher"}
    assert known.without({"refund vouchers"}).unseen("voucher") == frozenset()
