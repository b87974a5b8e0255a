"""What is the flat store's own: which files there are, who may read them, what a kill or a damaged file means."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.helpers import tree
from tests.index.test_build import ENCODER, IDS, OTHER, VECTORS, go_live, nearest
from tests.milvus import ROOT
from tutorial_lib.index import FlatStore, VectorIndex, VectorIndexError
from tutorial_lib.index.embedded import Embedded


@pytest.fixture
def store(tmp_path):
    return FlatStore(tmp_path / "folder")


@pytest.fixture
def index(store):
    return VectorIndex(store, "help")


def test_the_files_of_a_version(index, store):
    live = go_live(index)
    mark = store.describe("help").record["mark"]
    files = tree(store.folder)
    assert set(files) == {
        ".help.lock",
        "help.alias.json",
        *(f"help_v1/{n}" for n in ("record.json", f"{mark}.float32", f"{mark}.jsonl")),
    }
    assert files["help.alias.json"] == b'"help_v1"'
    assert np.frombuffer(files[f"help_v1/{mark}.float32"], np.float32).reshape(3, 2).tolist() == VECTORS.tolist()
    assert files[f"help_v1/{mark}.jsonl"].decode().splitlines() == ['["east", ""]', '["north", ""]', '["west", ""]']
    assert (store.names(), store.aliases("help_v1"), live.search_params) == (["help_v1"], ["help"], {})


def test_the_best_of_equal_scores_are_those_with_the_lower_id(store):
    store.create("c", {}, documents=4, dimension=2, id_bytes=1)
    store.insert("c", Embedded(["d", "b"], ["", ""], VECTORS[[0, 0]]), 0)
    store.insert("c", Embedded(["a", "c"], ["", ""], VECTORS[[1, 0]]), 2)
    store.finish("c", 4)
    assert list(store.search("c", VECTORS[:1], 2, {})[0]) == ["b", "c"]
    assert store.rows("c", 1, 3).ids == ["b", "a"]


def test_another_process_reads_while_this_one_has_it_open(index, store, tmp_path):
    go_live(index)
    script = (
        "import sys; from tests.index.test_build import nearest\n"
        "from tutorial_lib.index import FlatStore, VectorIndex\n"
        "print(*nearest(VectorIndex(FlatStore(sys.argv[1]), 'help')))"
    )
    found = subprocess.run([sys.executable, "-c", script, store.folder], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "east\n"


def test_a_reader_with_the_old_files_open_sees_what_has_come_under_their_name(index, store):
    reader = VectorIndex(FlatStore(store.folder), "help")
    go_live(index)
    assert nearest(reader) == ["east"]
    store.drop("help_v1")
    assert reader.live is None
    assert go_live(index, -VECTORS, OTHER).collection == "help_v1"
    assert nearest(reader, OTHER) == ["west"]


@pytest.mark.parametrize("calls", range(3))
def test_a_kill_at_any_step_of_making_a_collection_leaves_nothing_in_the_way(index, store, monkeypatch, calls):
    """It dies as the folder is made, as the record is written, as the folder is renamed."""
    go_live(index)
    left = [None] * calls

    class Killed(BaseException):
        """Nothing handles it, as nothing handles SIGKILL."""

    def dying(real):
        def step(*arguments, **options):
            if not left:
                raise Killed
            left.pop()
            return real(*arguments, **options)

        return step

    with monkeypatch.context() as patch:
        for name in ("mkdir", "replace", "rename"):
            patch.setattr(f"pathlib.Path.{name}", dying(getattr(type(store.folder), name)))
        with pytest.raises(Killed):
            store.create("help_v2", {}, documents=3, dimension=2, id_bytes=5)
    assert store.names() == ["help_v1"]
    assert go_live(index, -VECTORS, OTHER).number == 2
    assert nearest(index, OTHER) == ["west"]


def test_what_a_kill_left_of_a_dropped_collection_goes_with_the_next_one(index, store, monkeypatch):
    go_live(index)
    built = index.build(IDS, VECTORS, ENCODER)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *arguments, **options: None)
        index.drop(built)
    assert store.names() == ["help_v1"]
    assert len(list(store.folder.glob(".dropped-*"))) == 1
    index.build(IDS, VECTORS, ENCODER)
    assert list(store.folder.glob(".dropped-*")) == []


def test_a_cut_off_file_is_refused(index, store):
    go_live(index)
    index.close()
    path = next(store.folder.glob("help_v1/*.float32"))
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(VectorIndexError, match=r"\.float32 or .*\.jsonl beside it is damaged: reindex, which builds"):
        nearest(index)


def test_an_alias_takes_no_collections_name(index, store):
    store.create("help", {}, documents=1, dimension=2, id_bytes=1)
    with pytest.raises(VectorIndexError, match="alias 'help' conflicts with an existing collection"):
        go_live(index)


def test_what_is_not_there_is_told(store, tmp_path):
    assert store.describe("nothing") is None
    with pytest.raises(VectorIndexError, match=r"no collection 'nothing' at .*folder: it was dropped, or never built"):
        store.search("nothing", VECTORS, 1, {})
    with pytest.raises(VectorIndexError, match=r"drop failed on the index at .*folder: \[Errno 2\]"):
        store.drop("nothing")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(VectorIndexError, match=r"no index at .*file: \[Errno 17\]"):
        FlatStore(tmp_path / "file")


def test_a_collection_is_made_once(store):
    store.create("c", {}, documents=1, dimension=2, id_bytes=1)
    with pytest.raises(VectorIndexError, match="create failed"):
        store.create("c", {}, documents=1, dimension=2, id_bytes=1)
