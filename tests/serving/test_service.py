"""The service without its HTTP: limits of time and of those who wait."""

import asyncio
import threading
from dataclasses import replace

import pytest

from tutorial_lib.serving import service as module
from tutorial_lib.serving.batching import BusyError
from tutorial_lib.serving.errors import NotReadyError
from tutorial_lib.serving.limits import Limits
from tutorial_lib.serving.search_contract import SearchRequest
from tutorial_lib.serving.service import Service


@pytest.fixture
def service(models):
    service = Service(models, Limits(seconds=0.2))
    yield service
    service.close()


def test_what_takes_too_long_is_given_up(service):
    gate = threading.Event()
    with pytest.raises(TimeoutError):
        asyncio.run(service.encoded(lambda items: gate.wait(20) and items, ["a"]))
    gate.set()


class Waiting:
    """A search that waits for a gate."""

    def __init__(self):
        self.gate = threading.Event()

    def answer(self, asked):
        assert self.gate.wait(20)
        return asked.query


def test_searches_wait_in_a_queue_that_has_an_end(models, monkeypatch):
    monkeypatch.setattr(module, "SEARCHES_WAITING", 2)
    service = Service(models)
    service._searches = waiting = Waiting()

    async def ask():
        first = [asyncio.create_task(service.search(SearchRequest(query=q))) for q in ("a", "b")]
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="2 texts wait"):
            await service.search(SearchRequest(query="c"))
        waiting.gate.set()
        assert await asyncio.gather(*first) == ["a", "b"]
        assert await service.search(SearchRequest(query="d")) == "d"

    asyncio.run(ask())
    service.close()


def test_without_an_index(service):
    assert service.ready()["version"] is None
    with pytest.raises(NotReadyError, match="no index to search"):
        asyncio.run(service.search(SearchRequest(query="a")))


def test_texts_sent_at_the_same_time_are_encoded_together(models, encoder):
    batches, begun, gate = [], threading.Event(), threading.Event()

    class Slow:
        def __getattr__(self, name):
            return getattr(encoder, name)

        def encode(self, texts):
            batches.append(len(texts))
            begun.set()
            assert gate.wait(20)
            return encoder.encode(texts)

    models.named["slow"] = replace(models.get("tuned"), name="slow", encoder=Slow())
    service = Service(models)

    async def ask():
        encode = models.get("slow").encoder.encode
        first = asyncio.create_task(service.encoded(encode, ["refund"]))
        await asyncio.to_thread(begun.wait, 20)
        others = [asyncio.create_task(service.encoded(encode, ["invoice"])) for _ in range(5)]
        await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(first, *others)

    assert len(asyncio.run(ask())) == 6
    assert batches == [1, 5]
    service.close()
