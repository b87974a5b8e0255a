import pytest

from tutorial_lib.index import FlatStore, Layout, VectorIndex, VectorIndexError
from tutorial_lib.index.milvus import MilvusStore
from tutorial_lib.index.open_store import open_store


def test_an_open_store_is_taken_as_it_is(tmp_path):
    store = FlatStore(tmp_path / "flat")
    assert open_store(store) is store


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_path_is_opened_as_milvus_in_a_file(tmp_path, kind):
    layout = Layout(consistency="Bounded")
    store = open_store(kind(tmp_path / "index.db"), layout=layout)
    assert isinstance(store, MilvusStore)
    assert (store.address, store.shared, store.layout) == (str(tmp_path / "index.db"), False, layout)
    store.close()


def test_without_a_place_the_environments_is_opened(tmp_path, monkeypatch):
    monkeypatch.setenv("MILVUS_URI", str(tmp_path / "theirs.db"))
    store = open_store(None)
    assert (store.address, store.layout) == (str(tmp_path / "theirs.db"), Layout())
    store.close()


def test_token_and_layout_are_not_for_an_open_store(tmp_path):
    for options in ({"token": "secret"}, {"layout": Layout()}):
        with pytest.raises(
            VectorIndexError, match=r"token and layout are for Milvus, and the store at .*flat is open"
        ) as error:
            VectorIndex(FlatStore(tmp_path / "flat"), **options)
        assert "secret" not in str(error.value)
