"""No test downloads anything, and none draws a progress bar."""

import os
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import pytest
from hypothesis import settings

settings.register_profile("course", deadline=None)  # a busy machine is no failure
settings.load_profile("course")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """Folder of the tiny BERT, the same for all tests; copy it to change it."""
    from tests.tiny import tiny_bert

    return tiny_bert(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory):
    """The tiny dataset as a BEIR folder named "desk"."""
    from tests.tiny import beir_files

    return beir_files(tmp_path_factory.mktemp("data") / "desk")


@pytest.fixture(autouse=True)
def threads_as_they_were():
    """A test that changes how many threads torch uses changes it for itself alone: sums differ in their last digits."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    yield
    if torch and torch.get_num_threads() != before:
        torch.set_num_threads(before)
        assert torch.get_num_threads() == before


@pytest.fixture
def at_home(monkeypatch):
    """No workspace goes elsewhere."""
    monkeypatch.delenv("TUTORIAL_WORKSPACE", raising=False)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny_data, tiny_folder):
    """A workspace with every stage made; a test that changes anything takes ``copied`` instead."""
    from tests.tiny import LORA, TRAIN
    from tutorial_lib.workspace import Workspace

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TUTORIAL_WORKSPACE", raising=False)
        finished = Workspace(tmp_path_factory.mktemp("workspaces") / "desk", tiny_data, tiny_folder)
    finished.adapter(lora=LORA, train=TRAIN)
    finished.need("runs")
    return finished


@pytest.fixture
def copied(finished, tiny_data, tiny_folder, tmp_path, at_home):
    """A copy of the finished workspace."""
    from tutorial_lib.workspace import Workspace

    shutil.copytree(finished.root, tmp_path / "desk")
    return Workspace(tmp_path / "desk", tiny_data, tiny_folder)


@pytest.fixture
def float32(monkeypatch):
    """Encode and train in float32 whatever the processor can do, so that results compare to the last digits."""
    monkeypatch.setenv("TUTORIAL_PRECISION", "float32")


@pytest.fixture
def fails(capsys):
    """Return a function that runs the command line, holds it to failing in one line, and returns that line."""

    from tutorial_lib.cli import main

    def fails(*arguments):
        capsys.readouterr()
        assert main([str(a) for a in arguments]) == 2
        out, err = capsys.readouterr()
        lines = [line for line in err.splitlines() if not line.startswith("making ")]  # progress
        assert out == ""
        assert len(lines) == 1
        assert lines[0].startswith("error: ")
        return lines[0]

    return fails


@pytest.fixture
def hosted(monkeypatch):
    """A server that speaks the embeddings API; a key is in the environment."""
    from tests.double import Double
    from tests.embeddings import KEY, embeddings

    pytest.importorskip("httpx")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    double = Double(embeddings)
    yield double
    double.close()


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory):
    """A Milvus server in a process of its own, reached over TCP."""
    from tests.milvus import Server

    server = Server(tmp_path_factory.mktemp("server")).start()
    server.wait()
    yield server
    server.kill()


@pytest.fixture(params=["file", "server", "flat"])
def address(request, tmp_path):
    """Where an index can be, for ``tests.milvus.opened``: a Milvus file, an empty Milvus server, a flat store's folder."""
    if request.param == "server":
        server = request.getfixturevalue("milvus_server")
        yield server.uri
        server.clear()
    else:
        yield {"file": str(tmp_path / "folder" / "index.db"), "flat": f"flat:{tmp_path / 'flat'}"}[request.param]


@pytest.fixture
def index(address):
    """The index "help" at each address."""
    from tests.milvus import opened

    index = opened(address, "help")
    yield index
    index.close()
