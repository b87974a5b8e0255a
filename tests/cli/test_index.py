"""``python -m tutorial_lib index``: from a model that train has made to an index that serve answers from."""

import shutil

import pytest

from tutorial_lib.cli import main
from tutorial_lib.cli.served_run import ServedRun, open_index
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import document_space

pytestmark = pytest.mark.usefixtures("at_home", "float32")


@pytest.fixture
def trained(copied, monkeypatch):
    """A run as train leaves it: a model and nothing behind it."""
    monkeypatch.delenv("MILVUS_URI", raising=False)
    for made_later in ("tuned_vectors", "fusion", "runs", "report", "index"):
        shutil.rmtree(copied.root / made_later, ignore_errors=True)
    return copied.root


def test_the_articles_of_a_trained_model_are_put_live_once(trained, tmp_path, capsys):
    command = ["index", str(trained), "--index", str(tmp_path / "flat")]
    assert main(command) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == f"24 added, 0 changed, 0 removed, 0 kept; version 1 of the index at {tmp_path / 'flat'} is live"
    live = open_index(str(tmp_path / "flat"), "articles").live
    assert (live.number, live.documents) == (1, 24)
    assert live.fingerprint == document_space(Encoder.load(trained / "model"))
    assert ServedRun(trained).keywords(ServedRun(trained).documents()).share > 0
    assert main(command) == 0
    assert "0 added, 0 changed, 0 removed, 24 kept; version 1" in capsys.readouterr().out


def test_the_runs_own_index_is_where_serve_looks_for_it(trained, capsys):
    assert ServedRun(trained).index_place(None) is None
    assert main(["index", str(trained), "--index-name", "help"]) == 0
    index = open_index(ServedRun(trained).index_place(None), "help")
    assert index.live.documents == 24
    index.close()


def test_what_cannot_be_indexed_is_refused(fails, trained, tmp_path):
    assert "there is no run in" in fails("index", tmp_path / "none")
    (tmp_path / "file").write_text("no index")
    assert "file" in fails("index", trained, "--index", tmp_path / "file")
    shutil.rmtree(trained / "model")
    assert "has no model yet: give its command (run or train) again" in fails("index", trained)
