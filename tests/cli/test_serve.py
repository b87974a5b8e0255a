"""``serve``: what it refuses in one line before anything is listened at."""

import shutil
import socket
import sys

import pytest

from tutorial_lib.cli.serve import Serve
from tutorial_lib.index import FlatStore, VectorIndex, reindex
from tutorial_lib.serving.event_log import EventLog
from tutorial_lib.serving.keys import Keys

pytestmark = pytest.mark.usefixtures("at_home")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("TUTORIAL_API_KEYS", "MILVUS_URI", "MILVUS_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_no_run(fails, tmp_path):
    assert "there is no run in" in fails("serve", tmp_path / "none", "--port", "0")
    (tmp_path / "notes.txt").write_text("mine")
    assert "exists and is no workspace" in fails("serve", tmp_path, "--port", "0")


def test_a_run_without_a_model(fails, copied):
    shutil.rmtree(copied.root / "model")
    said = fails("serve", copied.root, "--port", "0")
    assert "has no model yet: give its command (run or train) again, it goes on" in said


def test_a_model_that_is_damaged(fails, copied):
    weights = copied.root / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "give the command that made" in fails("serve", copied.root, "--port", "0")


def test_a_port_in_use(fails, finished):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is in use" in fails("serve", finished.root, "--port", port)


def test_a_public_address_without_a_key(fails, finished, monkeypatch):
    assert "no key is asked for: set TUTORIAL_API_KEYS" in fails("serve", finished.root, "--host", "0.0.0.0")
    monkeypatch.setenv("TUTORIAL_API_KEYS", "short")
    said = fails("serve", finished.root, "--host", "0.0.0.0")
    assert "key 1 of 1 in TUTORIAL_API_KEYS cannot be used" in said
    assert "short" not in said.replace("a shorter one", "")


def test_no_index_where_one_is_named(fails, finished, tmp_path):
    assert "there is no index at" in fails("serve", finished.root, "--port", "0", "--index", tmp_path / "none.db")


def test_the_index_of_another_run(fails, finished, tmp_path):
    flat = VectorIndex(FlatStore(tmp_path / "flat"))
    reindex(flat, {"somebody/else": "refund"}, finished.base_encoder, tmp_path / "work")
    said = fails("serve", finished.root, "--port", "0", "--index", tmp_path / "flat")
    assert "holds 1 documents, and none of them is in this run: pass the run that it was built for" in said


def test_a_folder_that_another_service_records_in(fails, finished, flat, tmp_path, monkeypatch):
    monkeypatch.setattr("tutorial_lib.serving.redaction.redactor", lambda documents: list)
    other = EventLog(tmp_path / "events", list)
    said = fails("serve", finished.root, "--port", "0", "--index", flat, "--events", tmp_path / "events")
    assert f"another service records in {tmp_path / 'events'}: pass another --events, or --no-events" in said
    other.close()


def test_searches_are_recorded_in_the_runs_folder_unless_that_is_not_wanted(finished, flat, tmp_path, monkeypatch):
    monkeypatch.setattr("tutorial_lib.serving.redaction.redactor", lambda documents: list)
    folder = tmp_path / "run"
    shutil.copytree(finished.root, folder)
    service = Serve(folder, index=str(flat))._service(Keys())
    assert service.events.folder == folder / "events"
    assert len(service.base.ids) == len(service.documents) == service.base.vectors.shape[0]
    service.close()
    shutil.rmtree(folder / "base_vectors")
    quiet = Serve(folder, index=str(flat), no_events=True)._service(Keys())
    assert (quiet.events, quiet.base) == (None, None)
    quiet.close()


def test_keywords_count_as_far_as_the_run_says(finished, flat, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "run"
    shutil.copytree(finished.root, folder)
    with_words = Serve(folder, index=str(flat), no_events=True, keywords=True)
    service = with_words._service(Keys())
    assert service.keywords.share == finished.tuned_share()
    assert service.keywords.index.settings == finished.baseline().bm25
    assert service.keywords.index.ids == sorted(finished.dataset().corpus)
    assert f"the model {finished.tuned_share():.0%} of the score" in capsys.readouterr().err
    service.close()
    assert Serve(folder, index=str(flat), no_events=True)._service(Keys()).keywords is None


def test_a_run_that_does_not_say_how_far_keywords_count(fails, finished, flat, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished.root, folder)
    shutil.rmtree(folder / "fusion")
    said = fails("serve", folder, "--port", "0", "--index", flat, "--no-events", "--keywords")
    assert "does not say how far keyword search counts" in said
    assert "python -m tutorial_lib index chooses it, or leave --keywords out" in said


@pytest.fixture
def flat(finished, tmp_path):
    index = VectorIndex(FlatStore(tmp_path / "flat"))
    reindex(index, finished.dataset().document_texts(), finished.base_encoder, tmp_path / "work")
    return tmp_path / "flat"


def test_without_its_packages(fails, finished, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] in ("fastapi", "starlette")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith(("tutorial_lib.serving", "tutorial_lib.cli.serve"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert fails("serve", finished.root) == "error: to serve takes more packages: pip install 'tutorial-lib[serve]'"


def test_a_candidate_that_cannot_be_compared(fails, finished, tmp_path):
    flat = VectorIndex(FlatStore(tmp_path / "flat"))
    reindex(flat, finished.dataset().document_texts(), finished.base_encoder, tmp_path / "work")

    def said(number, *options):
        return fails("serve", finished.root, "--port", "0", "--index", tmp_path / "flat", "--candidate", number, *options)

    assert "--candidate 7 is no version of the index" in said(7)
    assert "--candidate 1 is the live version of the index" in said(1)
    assert "pass another of 1 (live)" in said(1)
    assert "--no-events records none: leave one of the two out" in said(1, "--no-events")
