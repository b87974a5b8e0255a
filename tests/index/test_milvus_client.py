"""Faults of the place an index is in: no address, no server, no token, no disk, another process, kill -9."""

import base64
import subprocess
import sys
import threading
import traceback
from concurrent import futures

import grpc
import numpy as np
import pytest
from milvus_lite.adapter.grpc.servicer import MilvusServicer
from milvus_lite.db import MilvusLite
from pymilvus import MilvusException
from pymilvus.client.types import Status
from pymilvus.grpc_gen import milvus_pb2_grpc

from tests.index.test_build import KILLED
from tests.milvus import NumberEncoder, Server, killed
from tutorial_lib.index import VectorIndex, VectorIndexError
from tutorial_lib.index.milvus_client import BACK_OFF
from tutorial_lib.index.milvus_schema import schema_of

ENCODER, OTHER = NumberEncoder(), NumberEncoder("mirror", "f-mirror")
IDS = ["east", "north", "west"]
VECTORS = np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32)
TOKEN = "root:S3cret!pass"


def go_live(index, vectors=VECTORS, encoder=ENCODER):
    version = index.build(IDS, vectors, encoder)
    return index.switch(index.verify(version, IDS, vectors, vectors))


def nearest(index, encoder=ENCODER, query="1 0"):
    return list(index.search({"q": query}, encoder, k=1)["q"])


def shown(error):
    """What a traceback would say."""
    return "".join(traceback.format_exception_only(error)) + str(error.__cause__ or "")


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("tutorial_lib.index.milvus_client.BACK_OFF", (0.01, 0.01))


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("MILVUS_URI", "MILVUS_TOKEN"):
        monkeypatch.delenv(name, raising=False)


# --- the address --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["1st", "help desk", "hélp", ""])
def test_names_that_milvus_would_refuse_are_refused(tmp_path, name):
    with pytest.raises(VectorIndexError, match="pass letters, digits and underscores"):
        VectorIndex(tmp_path / "index.db", name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_index_path_is_refused(tmp_path):
    with pytest.raises(VectorIndexError, match=r"no index at .*folder: pass a path that ends in \.db"):
        VectorIndex(tmp_path / "folder")


def test_no_address_is_told():
    with pytest.raises(VectorIndexError, match=r"no address of an index: .*, or set MILVUS_URI"):
        VectorIndex()


def test_a_file_that_is_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "index.db").write_text("SQLite format 3")
    with pytest.raises(VectorIndexError, match=r"no index at .*index\.db: it is a file, and Milvus Lite 3 keeps an index"):
        VectorIndex(tmp_path / "index.db")
    assert (tmp_path / "index.db").read_text() == "SQLite format 3"


def test_the_address_can_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MILVUS_URI", str(tmp_path / "index.db"))
    index = VectorIndex()
    go_live(index)
    index.close()
    monkeypatch.delenv("MILVUS_URI")
    again = VectorIndex(tmp_path / "index.db")
    assert nearest(again) == ["east"]
    again.close()


# --- a server -----------------------------------------------------------------------------------------------------


def test_a_server_that_is_down_is_told_without_the_secret(impatient, tmp_path):
    uri = Server(tmp_path).uri.replace("//", f"//{TOKEN}@")
    with pytest.raises(VectorIndexError) as error:
        VectorIndex(uri, token="other-secret")
    assert error.match(r"no index at http://\*\*\*@127\.0\.0\.1:\d+: no server answers after 3 tries: start it, or set")
    assert "S3cret" not in shown(error.value)


def test_a_server_that_comes_late_is_waited_for(monkeypatch, tmp_path):
    monkeypatch.setattr("tutorial_lib.index.milvus_client.BACK_OFF", (0.25,) * 240)
    server, opened = Server(tmp_path / "data"), []
    waiting = threading.Thread(target=lambda: opened.append(VectorIndex(server.uri)))
    waiting.start()
    server.start()
    waiting.join()
    assert opened[0].versions() == []
    server.kill()


def test_a_server_that_dies_in_a_build_and_comes_back_serves_the_old_version(monkeypatch, tmp_path):
    server = Server(tmp_path / "data").start()
    server.wait()
    index = VectorIndex(server.uri)
    go_live(index)
    insert = index.store.client.insert

    def die(*arguments):
        server.kill()
        return insert(*arguments)

    monkeypatch.setattr(index.store.client, "insert", die)
    monkeypatch.setattr("tutorial_lib.index.milvus_client.BACK_OFF", (0.01, 0.01))
    with pytest.raises(VectorIndexError, match=r"insert failed on the index at http://.*: no server answers after 3 tries"):
        index.build(IDS, -VECTORS, OTHER)
    with pytest.raises(VectorIndexError, match="describe_collection failed"):
        nearest(index)
    monkeypatch.undo()
    server.start().wait()
    assert nearest(index) == ["east"]  # the same connection, and a version that nothing has loaded since
    assert [v.number for v in index.versions()] == [1]
    assert go_live(index, -VECTORS, OTHER).number == 2  # over what the broken build left
    assert nearest(index, OTHER) == ["west"]
    index.close()
    server.kill()


@pytest.mark.parametrize("method", ["create_collection", "create_index", "create_alias"])
def test_what_was_made_although_the_answer_was_lost_counts_as_made(milvus_server, monkeypatch, method):
    monkeypatch.setattr("tutorial_lib.index.milvus_client.BACK_OFF", (0.01, 0.01))
    index = VectorIndex(milvus_server.uri)
    client = index.store.client._client
    real, calls = getattr(client, method), []

    def loses_the_first_answer(*arguments, **options):
        calls.append(method)
        answer = real(*arguments, **options)
        if len(calls) == 1:
            raise MilvusException(Status.CONNECT_FAILED, "the server went away after it had done what was asked")
        return answer

    monkeypatch.setattr(client, method, loses_the_first_answer)
    assert go_live(index).number == 1
    assert nearest(index) == ["east"]
    assert calls == [method, method]
    index.close()
    milvus_server.clear()


def test_what_is_there_without_any_retry_is_refused(tmp_path):
    index = VectorIndex(tmp_path / "index.db")
    index.store.client.create_collection("mine", dimension=2)
    with pytest.raises(VectorIndexError, match=r"create_collection failed .* already exist"):
        index.store.client.create_collection("mine", schema=schema_of(2, 64))
    index.close()


def test_the_wait_for_a_server_is_as_long_as_its_docstring_says():
    assert sum(BACK_OFF) == pytest.approx(3.7)


@pytest.fixture
def guarded(tmp_path):
    """URI of a server that refuses every call without the token, as Milvus does; the answers are Milvus Lite's."""
    right = base64.b64encode(TOKEN.encode()).decode()

    class Guard(grpc.ServerInterceptor):
        def intercept_service(self, continuation, details):
            if dict(details.invocation_metadata).get("authorization") == right:
                return continuation(details)
            return grpc.unary_unary_rpc_method_handler(
                lambda _, context: context.abort(
                    grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check api key is correct"
                )
            )

    database = MilvusLite(str(tmp_path / "data"))
    server = grpc.server(futures.ThreadPoolExecutor(4), interceptors=[Guard()])
    milvus_pb2_grpc.add_MilvusServiceServicer_to_server(MilvusServicer(database), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop(0).wait()
    database.close()


def test_a_refused_token_is_told_but_not_shown(guarded, monkeypatch):
    index = VectorIndex(guarded, token=TOKEN)
    go_live(index)
    for wrong in ({}, {"token": "root:wr0ng-one"}):
        with pytest.raises(VectorIndexError, match=r"no index at http://127.*: the server refuses the token: ") as error:
            VectorIndex(guarded, **wrong)
        assert "wr0ng" not in shown(error.value)
    with pytest.raises(VectorIndexError, match=r"no index at http://\*\*\*@127.*: the server refuses the token"):
        VectorIndex(guarded.replace("//", "//root:wr0ng-one@"))
    assert nearest(index) == ["east"]
    monkeypatch.setenv("MILVUS_TOKEN", TOKEN)
    monkeypatch.setenv("MILVUS_URI", guarded)
    assert nearest(VectorIndex()) == ["east"]
    assert "S3cret" not in repr(vars(index)) + repr(vars(index.store))


# --- a file -------------------------------------------------------------------------------------------------------


def test_what_another_machine_is_building_is_not_touched(milvus_server, monkeypatch):
    killed(KILLED, milvus_server.uri)
    index = VectorIndex(milvus_server.uri)
    monkeypatch.setattr("tutorial_lib.index.build.whoami", lambda: "ada@elsewhere")
    with pytest.raises(VectorIndexError, match=r".+@.+ has been building articles_v1 .*index\.store\.drop\('articles_v1'\)"):
        index.build(IDS, VECTORS, ENCODER)
    index.store.client.drop_collection("articles_v1")
    assert go_live(index).number == 1
    index.close()
    milvus_server.clear()


def test_a_file_that_another_process_has_open_is_told(tmp_path):
    script = "import sys; from milvus_lite.db import MilvusLite; MilvusLite(sys.argv[1]); print('open', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / "index.db"], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout.readline() == "open\n"
    with pytest.raises(VectorIndexError, match=r"no index at .*index\.db: another process has it open: close it there"):
        VectorIndex(tmp_path / "index.db")
    other.communicate("\n")
    index = VectorIndex(tmp_path / "index.db")
    go_live(index)
    again = VectorIndex(tmp_path / "index.db")
    index.close()
    index.close()
    assert nearest(again) == ["east"]  # the last one to close lets go
    again.close()
    MilvusLite(str(tmp_path / "index.db")).close()  # or it would be locked


def test_an_embedded_index_is_not_pinged_while_it_builds(tmp_path, monkeypatch):
    # Its server takes pings for abuse, and hangs up on whoever waits some minutes for a graph.
    options, real = [], grpc.insecure_channel

    def channel(*arguments, **named):
        options.append(dict(named["options"]))
        return real(*arguments, **named)

    monkeypatch.setattr(grpc, "insecure_channel", channel)
    VectorIndex(tmp_path / "index.db").close()
    assert {o["grpc.keepalive_time_ms"] for o in options} == {2**31 - 1}
