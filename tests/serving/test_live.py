"""The live version with its own model: through a switch, a rollback, a model that is gone and a store that is away."""

import threading
import time

import numpy as np
import pytest

from tests.milvus import HashEncoder, Server
from tutorial_lib.index import FlatStore, VectorIndex, VectorIndexError, milvus_client, reindex
from tutorial_lib.serving import live as module
from tutorial_lib.serving.errors import ApiError, NotReadyError
from tutorial_lib.serving.live import Live
from tutorial_lib.serving.models import Models, ServedModel

DOCUMENTS = {f"a{n:02}": f"article number {n}" for n in range(40)}
OLD, NEW = HashEncoder("old"), HashEncoder("new")


def exact(encoder, query="how", k=3):
    """The documents closest to a query by one model, worked out without an index."""
    scores = encoder.encode_queries(list(DOCUMENTS.values())) @ encoder.encode_queries([query])[0]
    return [list(DOCUMENTS)[n] for n in np.argsort(-scores)[:k]]


def encode(model):
    return model.encoder.encode_queries(["how"])


@pytest.fixture
def index(tmp_path):
    return VectorIndex(FlatStore(tmp_path / "flat"))


@pytest.fixture
def build(index, tmp_path):
    """Reindex with a model; what happens to the index happens in a store of its own, as from another process."""
    return lambda encoder, **options: reindex(index, DOCUMENTS, encoder, tmp_path / "work", **options).version


def following(tmp_path, *encoders, load=None):
    models = Models([ServedModel(encoder.name, encoder) for encoder in encoders], **({"load": load} if load else {}))
    return Live(lambda: VectorIndex(FlatStore(tmp_path / "flat")), models)


def answered(live, **options):
    found = live.search(encode, 3, **options)
    return found.pair.version.number, list(found.hits)


def test_a_switch_and_a_rollback_are_followed_at_once(index, build, tmp_path):
    build(OLD)
    live = following(tmp_path, OLD, NEW)
    assert answered(live) == (1, exact(OLD))
    build(NEW)
    assert answered(live) == (2, exact(NEW))
    assert answered(live, number=1) == (1, exact(OLD))  # side by side
    index.rollback()
    assert (answered(live), live.number) == ((1, exact(OLD)), 1)
    with pytest.raises(ApiError, match="there is no version 7, only 1, 2"):
        live.search(encode, 3, 7)


def test_a_model_that_is_not_in_memory_is_read_from_where_the_version_says(build, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    build(OLD)
    new = HashEncoder(str(folder))
    live = following(tmp_path, OLD, load=HashEncoder)
    assert answered(live) == (1, exact(OLD))

    build(new)
    assert answered(live) == (1, exact(OLD))  # until its model is in memory
    live.prepare()
    assert answered(live) == (2, exact(new))


def test_a_model_that_is_gone_leaves_the_version_before_serving_and_is_told_once_that_is_gone_too(index, build, tmp_path):
    build(OLD)
    live = following(tmp_path, OLD)
    assert answered(live) == (1, exact(OLD))
    build(NEW)  # "new" is no folder
    assert answered(live) == (1, exact(OLD))
    with pytest.raises(NotReadyError, match="the model that this version was built with is gone") as gone:
        live.prepare()
    assert gone.value.detail == "there is no folder new"
    index.drop(index.version(1))
    with pytest.raises(NotReadyError, match="the model that this version was built with is gone"):
        live.search(encode, 3)
    live.models.named["new"] = ServedModel("new", NEW)
    assert answered(live) == (2, exact(NEW))


def test_a_store_that_is_away_is_told_and_asked_again(build, tmp_path, monkeypatch):
    build(OLD)
    live = following(tmp_path, OLD)
    assert answered(live) == (1, exact(OLD))

    def away(*_):
        raise VectorIndexError("http://milvus.internal:19530: no server answers")

    with monkeypatch.context() as patch:
        patch.setattr(live.index.store, "describe", away)
        with pytest.raises(NotReadyError, match=r"^the index does not answer$") as told:
            live.search(encode, 3)
        assert "milvus.internal" in told.value.detail
    with monkeypatch.context() as patch:
        patch.setattr(live.index.store, "search", away)
        with pytest.raises(NotReadyError, match=r"^the index does not answer$"):
            live.search(encode, 3)
    assert answered(live) == (1, exact(OLD))


def test_a_milvus_server_that_is_killed_and_started_again(tmp_path, monkeypatch):
    monkeypatch.setattr(milvus_client, "BACK_OFF", (0.1,))
    server = Server(tmp_path / "data").start()
    server.wait()
    try:
        reindex(VectorIndex(server.uri), DOCUMENTS, OLD, tmp_path / "work")
        live = Live(lambda: VectorIndex(server.uri), Models([ServedModel("old", OLD)]))
        assert answered(live) == (1, exact(OLD))
        server.kill()
        with pytest.raises(NotReadyError, match="the index does not answer"):
            live.search(encode, 3)
        server.start().wait()
        assert wait_until_answered(live) == (1, exact(OLD))
    finally:
        server.kill()


def wait_until_answered(live):
    for _ in range(100):
        try:
            return answered(live)
        except NotReadyError:
            time.sleep(0.2)
    return answered(live)


def test_an_index_that_cannot_be_opened_yet_is_opened_later(build, tmp_path):
    tries = []

    def open_index():
        tries.append(1)
        if len(tries) == 1:
            raise VectorIndexError("/secret/place cannot be opened")
        return VectorIndex(FlatStore(tmp_path / "flat"))

    live = Live(open_index, Models([ServedModel("old", OLD)]))
    with pytest.raises(NotReadyError, match=r"^the index cannot be opened$"):
        live.pair()
    with pytest.raises(NotReadyError, match=r"^no version of the index is live$"):
        live.pair()
    build(OLD)
    assert answered(live) == (1, exact(OLD))


def test_a_version_that_is_dropped_and_made_anew_under_its_name_mixes_nothing(index, build, tmp_path, monkeypatch):
    build(OLD)
    live = following(tmp_path, OLD, NEW)
    real, swapped = live.index.store.search, []

    def swap_first(*arguments):
        if not swapped:
            swapped.append(1)
            index.store.drop("articles_v1")
            (tmp_path / "flat" / "articles.alias.json").unlink()
            assert build(NEW).number == 1
        return real(*arguments)

    monkeypatch.setattr(live.index.store, "search", swap_first)
    assert answered(live) == (1, exact(NEW))


def test_an_old_model_that_is_gone_keeps_no_new_one_from_being_read(build, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    live = following(tmp_path, OLD, load=HashEncoder)
    build(HashEncoder("removed"))
    build(HashEncoder(str(folder)))
    with pytest.raises(NotReadyError, match="is gone"):
        live.prepare()
    assert live.models.held(f"f-{folder}")
    assert answered(live)[0] == 2


def test_models_that_no_version_needs_any_more_are_let_go(build, tmp_path):
    live = following(tmp_path, OLD)
    live.models._loaded["f-gone"] = ServedModel("gone", HashEncoder("gone"))
    build(OLD)
    live.prepare()
    assert live.models._loaded == {}


def wait_for_more(seen, failures):
    after = len(seen)
    while len(seen) < after + 20 and not failures:
        time.sleep(0.01)


def test_under_load_no_search_fails_and_none_mixes_two_models(index, build, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    build(OLD)
    live = following(tmp_path, OLD, NEW)
    live.start()
    seen, failures, stop = [], [], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                seen.append(answered(live))
            except Exception as error:
                failures.append(error)
                return

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for change in (lambda: build(NEW), index.rollback, lambda: build(NEW, keep=1), lambda: build(OLD, keep=1)):
        change()
        wait_for_more(seen, failures)
    stop.set()
    for asker in askers:
        asker.join()
    live.close()
    assert failures == []
    assert {tuple(hits) for _, hits in seen} == {tuple(exact(OLD)), tuple(exact(NEW))}
    made_with = {1: OLD, 2: NEW, 3: NEW, 4: OLD}
    assert all(hits == exact(made_with[number]) for number, hits in seen)
    assert {number for number, _ in seen} == set(made_with)
