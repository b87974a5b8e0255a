"""Which generation is live, where there is no index or nothing in it."""

import pytest

from tutorial_lib.data.dataset import DataError
from tutorial_lib.index import FlatStore, VectorIndex
from tutorial_lib.index.store import VectorIndexError
from tutorial_lib.monitoring.lineage import KEPT_BACK, SHIPPED, Generation, Line
from tutorial_lib.monitoring.live_index import live_generation, opened, put_live


def test_without_an_index_it_is_the_last_that_was_shipped(copied, tmp_path):
    line = Line(copied.root)
    generations = [
        *line.generations(),
        Generation(2, "desk-2", 1, decision=SHIPPED),
        Generation(3, "desk-3", 2, decision=KEPT_BACK),
    ]
    assert live_generation(line, generations, None).number == 2
    assert live_generation(line, generations, lambda: VectorIndex(FlatStore(tmp_path / "flat"))).number == 2


def test_in_an_index_it_is_the_one_whose_vectors_are_live(copied, tmp_path):
    def place():
        return VectorIndex(FlatStore(tmp_path / "flat"))

    put = put_live(copied, place)
    assert (put["version"], put["before"], put["articles"]) == (1, None, "24 added, 0 changed, 0 removed, 0 kept")
    line = Line(copied.root)
    generations = [*line.generations(), Generation(2, "desk-2", 1, space="other", decision=SHIPPED)]
    assert live_generation(line, generations, place).number == 1
    assert place().live.encoder == str(copied.root.resolve() / "model")  # a service elsewhere reads it by this name


def test_an_index_that_does_not_open_is_unusable_input():
    def locked():
        raise VectorIndexError("another process has it open")

    with pytest.raises(DataError, match="another process has it open"), opened(locked):
        pass
