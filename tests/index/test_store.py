"""What every place of an index offers, and what is noted with a collection."""

import inspect
from dataclasses import dataclass, field

import pytest

from tutorial_lib.index import FlatStore, VectorIndexError, VectorStore
from tutorial_lib.index.milvus import MilvusStore
from tutorial_lib.index.store import Noted, add_note, being_written

OFFERED = [name for name in vars(VectorStore) if not name.startswith("_")]
METHODS = [name for name in OFFERED if inspect.isfunction(vars(VectorStore)[name])]


@dataclass
class Notes:
    """Of a ``VectorStore`` only what is noted: collection -> record."""

    records: dict = field(default_factory=dict)
    address: str = "here"

    def describe(self, name):
        return Noted(name, self.records[name]) if name in self.records else None

    def note(self, collection, record):
        self.records[collection] = record


def test_facts_are_added_to_what_is_noted_and_replace_those_of_their_name():
    first = {"complete": False, "articles": 6}
    store = Notes({"help_v1": first, "help_v2": {"articles": 7}})
    add_note(store, "help_v1", complete=True, served=True)
    assert store.records == {"help_v1": {"complete": True, "articles": 6, "served": True}, "help_v2": {"articles": 7}}
    assert first == {"complete": False, "articles": 6}


def test_a_collection_that_was_dropped_takes_no_note():
    store = Notes()
    with pytest.raises(VectorIndexError, match="no collection 'help_v1' at here: it was dropped meanwhile, build it again"):
        add_note(store, "help_v1", complete=True)
    assert store.records == {}


def test_a_second_builder_is_told_index_and_place():
    refusal = being_written("help", "http://milvus:19530")
    assert isinstance(refusal, VectorIndexError)
    assert str(refusal).startswith("another build is writing to 'help' at http://milvus:19530: wait until it has ended")


def test_an_error_of_the_index_is_a_value_error():
    assert issubclass(VectorIndexError, ValueError)


@pytest.mark.parametrize("store", [FlatStore, MilvusStore])
def test_a_store_offers_all_that_an_index_asks_for(store):
    assert {"describe", "search", "point", "alone"} < set(OFFERED)
    assert [name for name in OFFERED if not hasattr(store, name)] == []


@pytest.mark.parametrize("store", [FlatStore, MilvusStore])
@pytest.mark.parametrize("method", METHODS)
def test_a_store_is_asked_in_the_same_words(store, method):
    asked = [(p.name, p.kind) for p in inspect.signature(getattr(VectorStore, method)).parameters.values()]
    offered = inspect.signature(getattr(store, method)).parameters.values()
    assert [(p.name, p.kind) for p in offered] == asked
