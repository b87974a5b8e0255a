"""Two versions in one list: what is shown, whose it is, what reaches the event log, and that a candidate fails no search."""

import pytest

from tests.milvus import HashEncoder
from tests.serving.calls import client_of
from tutorial_lib.data.dataset import Document
from tutorial_lib.index import FlatStore, VectorIndex, reindex
from tutorial_lib.serving.errors import ApiError, NotReadyError
from tutorial_lib.serving.event_log import EventLog
from tutorial_lib.serving.live import Live
from tutorial_lib.serving.models import Models
from tutorial_lib.serving.online import interleaved
from tutorial_lib.serving.search_contract import Hit, SearchRequest, SearchResponse
from tutorial_lib.serving.verdict import preferences

ASKED = SearchRequest(query="refund", k=4, client_id="c-1", min_confidence=0.5)


def answer(version, *ids):
    hits = [
        Hit(id=a, position=n, title=a, snippet="", score=version + 0.1 * n, confidence=None) for n, a in enumerate(ids, 1)
    ]
    return SearchResponse(query_id="q-1", version=version, model=f"m{version}", results=hits)


LIVE, OTHER = answer(1, "a", "b", "c", "d"), answer(2, "a", "x", "y", "b")


def shown(asked=ASKED, live=LIVE, other=OTHER, candidate=2):
    seen = []

    def find(request):
        seen.append(request)
        if isinstance(other, Exception):
            raise other
        return other

    return (*interleaved(live, asked, candidate, find), seen)


def test_a_list_of_both_with_its_teams():
    found, teams, seen = shown()
    assert [hit.position for hit in found.results] == [1, 2, 3, 4]
    assert [hit.id for hit in found.results] == list(teams)
    assert teams["a"] == "1+2"  # both have it first
    assert set(list(teams)[1:3]) == {"b", "x"}
    assert {teams["b"], teams["x"]} == {"1", "2"}
    assert (found.query_id, found.version, found.model) == ("q-1", 1, "m1")
    assert (seen[0].version, seen[0].min_confidence, seen[0].query_id) == (2, None, "q-1")
    scores = {hit.id: hit.score for hit in found.results}
    assert (scores["a"], scores["b"]) == (1.1, 1.2)  # the live version's where it has one
    assert scores["x"] == 2.2
    assert set(found.model_dump()) == set(LIVE.model_dump())
    assert all(set(hit.model_dump()) == set(LIVE.results[0].model_dump()) for hit in found.results)


def test_who_asks_again_sees_the_same_and_others_see_other_lists():
    def orders(**fields):
        return tuple(shown(ASKED.model_copy(update=fields))[1].items())

    assert orders() == orders(query="Refund!")  # the same words
    assert len({orders(client_id=f"c-{n}") for n in range(20)}) > 1


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"candidate": 1}, "it was switched to"),
        ({"live": answer(1)}, "nothing is good enough"),
        ({"asked": ASKED.model_copy(update={"k": 1})}, "one document is nobody's list"),
        ({"other": ApiError(404, "there is no version 2")}, "it was dropped"),
        ({"other": NotReadyError("the model that this version was built with is gone")}, "its model is gone"),
        ({"other": TimeoutError()}, "it takes too long"),
    ],
)
def test_the_live_version_answers_alone(options, why):
    found, teams, _ = shown(**options)
    assert found is options.get("live", LIVE), why
    assert teams is None


DOCUMENTS = {a: Document(a, a, text) for a, text in {"r": "open the refund page", "p": "reset the password"}.items()}


@pytest.fixture
def two_versions(models, tmp_path):
    """Open an index with a live version 2, made with the model "tuned", and version 1, made with "base"."""

    def open_index():
        return VectorIndex(FlatStore(tmp_path / "flat"))

    texts = {a: document.full_text for a, document in DOCUMENTS.items()} | {f"n{n}": "shipping " * n for n in range(1, 9)}
    for name in ("base", "tuned"):
        reindex(open_index(), texts, models.get(name).encoder, tmp_path / "work")
    return open_index


def test_from_searches_and_clicks_to_who_is_preferred(two_versions, models, tmp_path):
    events, live = EventLog(tmp_path / "events", lambda queries: queries, every=0.01), Live(two_versions, models)
    with client_of(models, live=live, documents=DOCUMENTS, events=events, candidate=1) as client:
        alone = {
            version: [
                hit["id"] for hit in client.post("/search", json={"query": "refund", "version": version}).json()["results"]
            ]
            for version in (2, 1)
        }
        own = next(a for a, b in zip(*alone.values(), strict=True) if a != b)
        for n in range(30):
            found = client.post("/search", json={"query": "refund", "client_id": f"c-{n}"}).json()
            assert found["version"] == 2
            assert set(found) == {"query_id", "version", "model", "keywords", "results"}
            click = {"query_id": found["query_id"], "action_name": "click", "object_id": own}
            assert client.post("/events", json=click).status_code == 202
    (said,) = preferences(tmp_path / "events", planned=30)
    assert (said.live, said.candidate, said.searches) == ("2", "1", 30)
    assert said.losses == 30  # whoever drafts first, the live version's first own document is the live version's
    assert said.winner == "2"


def test_a_version_that_is_asked_for_is_shown_alone(two_versions, models):
    seen = []
    live = Live(two_versions, models)
    with client_of(models, live=live, documents=DOCUMENTS, record=seen.append, candidate=1) as client:
        client.post("/search", json={"query": "refund", "version": 1})
        client.post("/search", json={"query": "refund"})
    assert [s.teams is None for s in seen] == [True, False]
    assert set(seen[1].teams.values()) <= {"1", "2", "2+1"}


def test_the_model_of_an_old_candidate_stays_in_memory(tmp_path):
    index, made = VectorIndex(FlatStore(tmp_path / "flat")), []
    for n in range(5):
        folder = tmp_path / f"model {n}"
        folder.mkdir()
        made.append(HashEncoder(str(folder)))
        reindex(index, {"a": "refund", "b": "password"}, made[-1], tmp_path / "work", keep=5)
    live = Live(lambda: VectorIndex(FlatStore(tmp_path / "flat")), Models([], HashEncoder))
    for also, held in ((1, [True, False, True, True, True]), (None, [False, False, True, True, True])):
        live.also = also
        live.prepare()
        assert [live.models.held(encoder.fingerprint) is not None for encoder in made] == held
    live.close()
