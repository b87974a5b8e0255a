"""Answers and their scores on PromptLayer, by a double of the SDK, and by the SDK itself where it is installed."""

import pytest

from tests.rag.promptlayer_double import Client, Service
from tutorial_lib.data.dataset import DataError
from tutorial_lib.http import EndpointError
from tutorial_lib.rag.answer import Answer
from tutorial_lib.rag.promptlayer_track import track_answers

KEY = "pl_secret"
PROMPTS = {
    q: [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"Question: {q}?"}] for q in ("q1", "q2")
}
ANSWERS = {"q1": Answer("14 days", 20, 3, seconds=0.5, model="tiny"), "q2": Answer("No.", None, None, seconds=1.0)}
SCORES = {"q1": {"fact_recall": 1.0, "context_recall": 0.666}, "q2": {"fact_recall": 0.0}}


def test_an_answer_is_logged_and_each_score_tracked_as_a_whole_number():
    client = Client()
    assert track_answers(client, PROMPTS, ANSWERS, SCORES, now=lambda: 100.0) == {"q1": 1, "q2": 2}
    assert client.tracked == [(1, 100, "fact_recall"), (1, 67, "context_recall"), (2, 0, "fact_recall")]
    first, second = client.logged
    assert first["input"]["messages"][1] == {"role": "user", "content": [{"type": "text", "text": "Question: q1?"}]}
    assert first["output"]["messages"][0]["content"][0]["text"] == "14 days"
    assert (first["request_start_time"], first["request_end_time"]) == (99.5, 100.0)
    assert (first["input_tokens"], first["model"], first["metadata"]) == (20, "tiny", {"query_id": "q1"})
    assert (first["score"], first["score_name"]) == (100, "fact_recall")  # the SDK would send 0
    assert (second["input_tokens"], second["model"]) == (0, "unknown")


@pytest.mark.parametrize(
    ("answers", "scores", "message"),
    [
        ({"q1": ANSWERS["q1"]}, SCORES, "query q2 has no answer"),
        (ANSWERS, {"q1": SCORES["q1"], "q2": {}}, "query q2 has no score"),
        (ANSWERS, {**SCORES, "q2": {"fact_recall": float("nan")}}, "a score is nan: pass 0 to 1"),
        (ANSWERS, {**SCORES, "q2": {"fact_recall": 85}}, "a score is 85: pass 0 to 1"),
    ],
)
def test_what_has_no_score_is_refused_before_anything_is_sent(answers, scores, message):
    client = Client()
    with pytest.raises(DataError, match=message):
        track_answers(client, PROMPTS, answers, scores)
    assert client.logged == []


def test_a_failure_says_how_far_it_came_in_one_line_without_the_key():
    client = Client(api_key=KEY)
    track = client.track.score

    def refuse(request, score, name):
        if request == 2:
            raise RuntimeError(f"Unauthorized:\n{KEY}")
        return track(request, score, name)

    client.track.score = refuse
    with pytest.raises(
        EndpointError, match=r"^query q2: PromptLayer: Unauthorized: \*\*\*; the 1 queries before it are logged"
    ):
        track_answers(client, PROMPTS, ANSWERS, SCORES)


def test_the_sdk_itself_sends_them(monkeypatch):
    promptlayer = pytest.importorskip("promptlayer")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    service = Service()
    try:
        ids = track_answers(promptlayer.PromptLayer(api_key=KEY, base_url=service.url), PROMPTS, ANSWERS, SCORES)
        assert ids == {"q1": 7, "q2": 7}
        assert [path for _, path in service.asked] == [
            "/log-request",
            "/library-track-score",
            "/library-track-score",
            "/log-request",
            "/library-track-score",
        ]
        assert service.bodies[2] == {"request_id": 7, "score": 67, "api_key": KEY, "name": "context_recall"}
    finally:
        service.close()
