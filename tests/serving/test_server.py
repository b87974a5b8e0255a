"""The process: its address, its end, a switch under load, and kill -9."""

import asyncio
import signal
import socket
import threading

import httpx
import pytest

from tests.serving.raw import KEY
from tutorial_lib.data.dataset import DataError
from tutorial_lib.index import FlatStore, VectorIndex, reindex
from tutorial_lib.serving.keys import Keys
from tutorial_lib.serving.server import bound, check_address, configured, is_local, names_of


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_alone_needs_no_key(host):
    check_address(host, Keys())
    assert is_local(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "search.example"])
def test_an_address_that_others_reach_needs_a_key(host):
    with pytest.raises(DataError, match=r"lets others reach the service, and no key is asked for: set TUTORIAL_API_KEYS"):
        check_address(host, Keys())
    check_address(host, Keys([KEY]))
    assert names_of(host) == ("*",)


def test_a_port_that_is_in_use_is_named():
    with bound("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(DataError, match=rf"port {port} of 127\.0\.0\.1 is in use: pass another --port"):
            bound("127.0.0.1", port)


def test_answers_are_sent_at_once():
    async def nodelay() -> int:
        accepted = asyncio.get_running_loop().create_future()
        with bound("127.0.0.1", 0) as listening:
            server = await asyncio.start_server(lambda _, writer: accepted.set_result(writer), sock=listening)
            _, asking = await asyncio.open_connection(*listening.getsockname())
            answering = await accepted
            set_to = answering.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            answering.close()
            asking.close()
            server.close()
        return set_to

    assert asyncio.run(nodelay()) != 0


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("no such host", 0), ("127.0.0.1", 99_999)])
def test_what_cannot_be_listened_at_is_named(host, port):
    with pytest.raises(DataError, match="cannot be listened at"):
        bound(host, port)


def test_headers_are_limited_and_nobody_is_told_what_runs_here():
    settings = configured(None, 30.0)
    assert (settings.h11_max_incomplete_event_size, settings.server_header, settings.proxy_headers) == (32_768, False, False)
    assert settings.timeout_graceful_shutdown == 30
    assert settings.timeout_keep_alive > 60, "what nginx and load balancers keep"


class Askers:
    """Clients that search without a pause, and note every status and version."""

    def __init__(self, process, clients=8):
        self.process, self.stop, self.seen = process, threading.Event(), []
        self.threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self):
        with self.process.client() as client:
            while not self.stop.is_set():
                answer = client.post("/search", json={"query": "reset password", "k": 3})
                body = answer.json()
                self.seen.append((answer.status_code, body.get("version"), body.get("model")))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def until(self, version):
        """Wait until every client must have been answered by a version."""
        self.process.wait(lambda: sum(seen[1] == version for seen in self.seen) >= 20)

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def test_a_switch_and_a_rollback_under_load_fail_no_search_and_mix_no_models(process, finished, tmp_path):
    index = VectorIndex(FlatStore(process.flat))
    documents, tuned = finished.dataset().document_texts(), finished.tuned_encoder()
    first = index.live
    with Askers(process) as askers:
        askers.until(first.number)
        second = reindex(index, documents, tuned, tmp_path / "work").version
        askers.until(second.number)
        assert index.rollback().number == first.number
        done = len(askers.seen)
        process.wait(lambda: sum(seen[1] == first.number for seen in askers.seen[done:]) >= 20)
    made_with = {first.number: first.fingerprint, second.number: second.fingerprint}
    assert {(200, number, model) for number, model in made_with.items()} == set(askers.seen)
    print(f"{len(askers.seen)} searches by 8 clients through a switch and a rollback: 0 failed")  # shown by pytest -s


def test_after_kill_9_the_same_command_serves_again(process):
    with process.client() as client:
        before = client.post("/search", json={"query": "reset password", "query_id": "same"}).json()
    assert process.end(signal.SIGKILL) == -signal.SIGKILL
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{process.url}/healthz")
    process.start()
    with process.client() as client:
        assert client.post("/search", json={"query": "reset password", "query_id": "same"}).json() == before


def test_at_the_end_what_was_asked_is_answered(process):
    statuses = []

    def ask():
        with process.client() as client:
            statuses.append(client.post("/v1/embeddings", json={"model": "tuned", "input": ["refund"] * 2000}).status_code)

    asker = threading.Thread(target=ask)
    asker.start()
    process.wait(lambda: "tutorial_queue_texts 0.0" not in httpx.get(f"{process.url}/metrics", headers=_key()).text)
    assert process.end() == 0
    asker.join()
    assert statuses == [200]


def _key():
    return {"Authorization": f"Bearer {KEY}"}
