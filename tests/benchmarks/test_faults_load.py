"""What a load notes: which answers are mixed, failed, lost, by hand; and a service that goes away and comes back."""

import asyncio
import json
import time
from itertools import repeat

import pytest

from benchmarks import faults_load
from benchmarks.faults_load import CUT, REFUSED, Asked, Load, Span, lost, recorded, row_of

OLD, NEW = Span(1, "base", until=10.2), Span(2, "tuned", since=10.0)
"""A switch that took from 10.0 to 10.2."""


def asked(sent, done, version=1, model="base", status=200, query_id="q"):
    return Asked(sent, done, status, query_id, version, model)


@pytest.mark.parametrize(
    ("answer", "mixed"),
    [
        (asked(9.0, 9.9), False),
        (asked(9.0, 9.9, 2, "tuned"), True),  # done with before the switch began
        (asked(9.9, 10.1, 2, "tuned"), False),
        (asked(10.1, 12.0), False),  # it looked before the switch was done
        (asked(10.3, 10.4), True),  # sent when the other was live
        (asked(10.3, 10.4, 2, "tuned"), False),
        (asked(10.3, 10.4, 2, "base"), True),  # one version, the other's model
        (asked(10.3, 10.4, 3, "tuned"), True),
    ],
)
def test_an_answer_is_mixed_where_its_version_was_not_live_or_its_model_is_anothers(answer, mixed):
    assert row_of([answer], [OLD, NEW], 1.0)["mixed"] == mixed


def test_figures_of_a_while_by_hand():
    waits = [asked(0, n / 1000) for n in (10, 20, 30)]
    others = [asked(0, 1, status=status) for status in (CUT, 503, REFUSED, REFUSED)]
    row = row_of(waits + others, [Span(1, "base")], 2.0)
    assert row["ms_p50"] == pytest.approx(20)
    assert row["ms_p99"] == pytest.approx(29.8)
    del row["ms_p50"], row["ms_p99"]
    assert row == {"answers": 3, "failed": 2, "refused": 2, "mixed": 0, "answers_per_s": 1.5}
    assert row_of([], [], 2.0)["ms_p50"] is None


def test_what_is_lost_is_what_was_given_before_the_kill_and_not_written(tmp_path):
    lines = "".join(json.dumps({"user_query": "refund", "query_id": f"q{n}"}) + "\n" for n in range(3))
    (tmp_path / "queries-2026-01-01.jsonl").write_text(lines + '{"user_query": "ref')
    (tmp_path / "events-2026-01-01.jsonl").write_text('{"query_id": "q4"}\n')
    given = [asked(n, n + 0.5, query_id=f"q{n}") for n in range(5)] + [asked(1, 2, status=CUT, query_id="q9")]
    found = lost(given, tmp_path, killed=5.0)
    assert found == {"given": 5, "recorded": 3, "lost": 2, "oldest_lost_s": 1.5}  # q3 and q4
    assert lost(given[:3], tmp_path, killed=5.0)["oldest_lost_s"] == 0
    assert lost([asked(4, 5.1, query_id="q5")], tmp_path, killed=5.0)["oldest_lost_s"] == 0  # read after the kill
    assert recorded(tmp_path) == ({"q0", "q1", "q2"}, 1)


async def answering(reader, writer):
    """Answer each request with what it has asked, by version 7."""
    while head := await reader.readuntil(b"\r\n\r\n"):
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        query = json.loads(await reader.readexactly(length))
        body = json.dumps({"query_id": query["query_id"], "version": 7, "model": "m"}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def away_and_back():
    async def served(port=0):
        made = await asyncio.start_server(handled, "127.0.0.1", port)
        return made, made.sockets[0].getsockname()[1]

    links = []

    async def handled(reader, writer):
        links.append(writer)
        try:
            await answering(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server, port = await served()
    async with Load(port, repeat("refund"), 3) as load:
        await load.first_answer(0.0)
        server.close()
        for link in links:
            link.transport.abort()
        gone = time.perf_counter()
        await asyncio.sleep(0.2)
        server, _ = await served(port)
        back = await load.first_answer(gone)
    server.close()
    return load.asked, gone, back


def test_clients_go_on_when_the_service_is_back(monkeypatch):
    monkeypatch.setattr(faults_load, "RETRY", 0.02)
    found, gone, back = asyncio.run(away_and_back())
    counts = {status: sum(a.status == status for a in found) for status in (200, CUT, REFUSED)}
    assert counts[200] > 3
    assert 1 <= counts[CUT] <= 3
    assert counts[REFUSED] >= 3
    assert back - gone > 0.15
    assert {(a.version, a.model) for a in found if a.status == 200} == {(7, "m")}
    assert len({a.query_id for a in found}) == len(found)
