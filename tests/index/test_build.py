"""A build that is killed, or that the disk has no room for."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.milvus import NumberEncoder, killed, opened, run_apart
from tutorial_lib.index import VectorIndexError

ENCODER, OTHER = NumberEncoder(), NumberEncoder("mirror", "f-mirror")
IDS = ["east", "north", "west"]
VECTORS = np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32)


def go_live(index, vectors=VECTORS, encoder=ENCODER):
    version = index.build(IDS, vectors, encoder)
    return index.switch(index.verify(version, IDS, vectors, vectors))


def nearest(index, encoder=ENCODER):
    return list(index.search({"q": "1 0"}, encoder, k=1)["q"])


BUILD = """
import os, signal, sys
import numpy as np
from tests.milvus import NumberEncoder, opened
from tutorial_lib.index import VectorIndexError

ids = [str(n) for n in range(5000)]
vectors = np.random.default_rng(0).standard_normal((5000, 64)).astype(np.float32)
index = opened(sys.argv[1])
"""

KILLED = (
    BUILD
    + """
insert, calls = index.store.insert, []
def then_kill(*arguments):
    insert(*arguments)
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
index.store.insert = then_kill
index.build(ids, vectors, NumberEncoder())
"""
)


def test_what_a_killed_build_left_is_invisible_and_overwritten(address):
    index = opened(address)
    go_live(index)
    index.close()
    killed(KILLED, address)
    index = opened(address)
    assert sorted(index.store.names()) == ["articles_v1", "articles_v2"]
    assert [v.number for v in index.versions()] == [1]
    assert nearest(index) == ["east"]
    assert go_live(index, -VECTORS, OTHER).number == 2
    assert nearest(index, OTHER) == ["west"]
    index.close()


def collection_folder(address, name):
    """Where the store keeps a collection, for what is left there by hand."""
    return Path(address.removeprefix("flat:"), name) if address.startswith("flat:") else Path(address, "collections", name)


@pytest.mark.parametrize("address", ["file", "flat"], indirect=True)
@pytest.mark.parametrize("left", [[], ["schema.json.tmp"]])
def test_a_folder_that_a_full_disk_or_a_kill_has_left_is_in_nobodys_way(address, left):
    """A kill may fall between making the folder and writing what it is; nothing sees such a folder but the next making."""
    index = opened(address)
    go_live(index)
    folder = collection_folder(address, "articles_v2")
    folder.mkdir()
    for name in left:
        (folder / name).touch()
    assert go_live(index, -VECTORS, OTHER).number in (2, 3)
    assert nearest(index, OTHER) == ["west"]
    assert index.versions()[-1].live
    index.close()


def test_a_server_whose_folder_is_in_the_way_is_given_the_next_number(milvus_server):
    index = opened(milvus_server.uri)
    go_live(index)
    folder = collection_folder(str(milvus_server.folder), "articles_v2")
    folder.mkdir()
    assert go_live(index, -VECTORS, OTHER).number == 3
    assert nearest(index, OTHER) == ["west"]
    index.close()
    milvus_server.clear()
    folder.rmdir()


def test_names_are_not_tried_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("tutorial_lib.index.build.TRIES", 2)
    for n in (1, 2):
        (tmp_path / f"articles_v{n}").mkdir()
    with pytest.raises(VectorIndexError, match=r"no version of 'articles' can be made at .*: the last 2 names are all taken"):
        go_live(opened(f"flat:{tmp_path}"))


@pytest.mark.parametrize("address", ["file", "flat"], indirect=True)
def test_a_version_whose_dropping_was_killed_is_no_version_and_goes_with_the_next_build(address, monkeypatch):
    index = opened(address)
    go_live(index)
    go_live(index, -VECTORS, OTHER)

    class Killed(BaseException):
        """Nothing handles it, as nothing handles SIGKILL."""

    def die(*arguments, **options):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(
            index.store.client if address.endswith(".db") else shutil,
            *(("drop_collection", die) if address.endswith(".db") else ("rmtree", die)),
        )
        with pytest.raises(Killed):
            index.prune(keep=1)
    assert [v.number for v in index.versions()] == [2]
    with pytest.raises(VectorIndexError, match="nothing to roll back to"):
        index.rollback()
    assert index.build(IDS, VECTORS, ENCODER).number == 3
    assert index.store.names() == ["articles_v2", "articles_v3"]
    index.close()


FULL = (
    BUILD
    + """
import pathlib, resource
seen = []
small, encoder = vectors[:5], NumberEncoder()
index.switch(index.verify(index.build(ids[:5], small, encoder), ids[:5], small, small))
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # beyond, a write fails as on a full disk
try:
    index.build(ids, vectors, encoder)
except VectorIndexError as error:
    seen.append(str(error))
query = {"q": " ".join(map(str, small[3]))}
seen.append(f"{list(index.search(query, encoder, k=1)['q'])} {[v.number for v in index.versions()]} "
            f"{index.store.names()}")
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
built = index.build(ids, vectors, encoder)
live = index.switch(index.verify(built, ids, vectors, vectors[:20]))
seen.append(f"{live.number} {list(index.search(query, encoder, k=1)['q'])}")
pathlib.Path(sys.argv[2]).write_text("\\n".join(seen))
"""
)


@pytest.mark.parametrize("address", ["file", "flat"], indirect=True)
def test_a_full_disk_fails_the_build_and_nothing_else(address, tmp_path):
    pytest.importorskip("resource")
    assert run_apart(FULL, address, tmp_path / "seen") == 0
    refused, *after = (tmp_path / "seen").read_text().splitlines()
    assert refused == f"insert failed on the index at {address.removeprefix('flat:')}: [Errno 27] File too large"
    assert after == ["['3'] [1] ['articles_v1']", "2 ['3']"]
