"""Answers logged on PromptLayer with their scores, through the SDK: for those that a model gave, not only a retriever.

As ``promptlayer_eval``: written after the code of the SDK 1.5.16, tried with it against a double, never on the service. Two
things mislead: ``track.score`` takes whole numbers from 0 to 100 alone, and ``log_request`` sends a score of 0 with every
answer for which none is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from tutorial_lib.data.dataset import DataError
from tutorial_lib.http import EndpointError
from tutorial_lib.rag.answer import Answer, Messages
from tutorial_lib.rag.promptlayer import as_score, told


def track_answers(
    client: Any,
    prompts: Mapping[str, Messages],
    answers: Mapping[str, Answer],
    scores: Mapping[str, Mapping[str, float]],
    *,
    provider: str = "openai",
    now: Callable[[], float] = time.time,
) -> dict[str, int]:
    """Log answers on PromptLayer and give each its scores (``log_request``, then ``track.score``); return the requests' ids.

    All scores are looked at before anything is sent. Nothing is sent twice by one call; another call logs anew.

    Args:
        client: ``promptlayer.PromptLayer()``.
        prompts: What was asked, by query id.
        answers: What came back.
        scores: Query id -> measure -> 0 to 1, at least one each.
        provider: Whose form of request it was.
        now: The time; an answer is logged as if it had ended now.

    Raises:
        DataError: A query has no answer or no score, or one that is not 0 to 1: it would stand as a score of 0, or pass.
        EndpointError: The service refuses or cannot be reached; in one line, without the key.
    """
    whole: dict[str, dict[str, int]] = {}
    for q in prompts:
        if q not in answers or not scores.get(q):
            raise DataError(f"query {q} has no {'score' if q in answers else 'answer'}: pass one for each prompt")
        whole[q] = {name: as_score(value) for name, value in scores[q].items()}
    ids: dict[str, int] = {}
    for q, messages in prompts.items():
        try:
            logged = int(client.log_request(**_request(q, messages, answers[q], whole[q], provider, now()))["id"])
            for name, value in whole[q].items():
                client.track.score(logged, value, name)
        except Exception as error:  # the SDK's own kinds
            done = f"the {len(ids)} queries before it are logged: pass the others"
            raise EndpointError(f"query {q}: {told(error, client)}; {done}") from None
        ids[q] = logged
    return ids


def _request(
    query: str, messages: Messages, answer: Answer, scores: Mapping[str, int], provider: str, ended: float
) -> dict[str, Any]:
    """Return the arguments of ``log_request``; the first score goes with it, since 0 would stand there without."""
    name, score = next(iter(scores.items()))
    return {
        "provider": provider,
        "model": answer.model or "unknown",
        "input": _chat(messages),
        "output": _chat([{"role": "assistant", "content": answer.text}]),
        "request_start_time": ended - answer.seconds,
        "request_end_time": ended,
        "input_tokens": answer.prompt_tokens or 0,
        "output_tokens": answer.completion_tokens or 0,
        "metadata": {"query_id": query},
        "score": score,
        "score_name": name,
    }


def _chat(messages: Messages) -> dict[str, Any]:
    """Return a prompt in the form of PromptLayer's templates."""
    texts = [{"role": m["role"], "content": [{"type": "text", "text": m["content"]}]} for m in messages]
    return {"type": "chat", "messages": texts, "input_variables": []}
