"""A build that is killed, or that the disk has no room for."""

import numpy as np
import pytest

from tests.milvus import NumberEncoder, killed, opened, run_apart

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
