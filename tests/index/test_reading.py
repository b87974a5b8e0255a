import numpy as np
import pytest

from tests.index.test_build import ENCODER, IDS, VECTORS
from tutorial_lib.index import FlatStore, VectorIndex, VectorIndexError
from tutorial_lib.index.embedded import Embedded
from tutorial_lib.index.reading import check_count, stored, stored_hashes
from tutorial_lib.index.store import Damaged


@pytest.fixture
def index(tmp_path):
    return VectorIndex(FlatStore(tmp_path), "help")


def test_rows_that_are_not_those_of_the_build_are_refused(index, monkeypatch):
    version = index.build(IDS, VECTORS, ENCODER, hashes=["1", "2", "3"])
    assert stored(index.store, version).ids == IDS
    changed = Embedded(IDS, ["1", "2", "3"], VECTORS + np.float32(1e-7))
    monkeypatch.setattr(index.store, "rows", lambda collection, first, stop: changed)
    with pytest.raises(Damaged, match=r"version 1 of 'help' is damaged, its rows are not those it was built from: reindex"):
        stored(index.store, version)


def test_rows_that_are_gone_are_counted(index, monkeypatch):
    version = index.build(IDS, VECTORS, ENCODER, hashes=["1", "2", "3"])
    assert stored_hashes(index.store, version) == dict(zip(IDS, "123", strict=True))
    monkeypatch.setattr(index.store, "hashes", lambda collection, first, stop: {"east": "1"})
    with pytest.raises(Damaged, match=r"it holds 1 rows of 3"):
        stored_hashes(index.store, version)
    monkeypatch.setattr(index.store, "rows", lambda *where: Embedded([], [], np.empty((0, 0), np.float32)))
    with pytest.raises(Damaged, match=r"it holds 0 rows of 3"):
        stored(index.store, version)


def test_the_right_number_is_no_damage(index):
    version = index.build(IDS, VECTORS, ENCODER)
    check_count(version, 3)
    with pytest.raises(VectorIndexError, match="or go back to the version before with rollback"):
        check_count(version, 4)
