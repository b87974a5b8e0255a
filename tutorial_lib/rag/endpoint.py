"""A language model behind any endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tutorial_lib.at_once import pause
from tutorial_lib.data.dataset import DataError
from tutorial_lib.http import EndpointError, HttpSettings, JsonClient, address, api_url, key_in, one_line
from tutorial_lib.rag.answer import Answer, AnswerCache, Messages


class NoTextError(EndpointError):
    """A model was asked, and answered without text."""


@dataclass(frozen=True)
class ChatSettings:
    """Which model is asked, where and how. The key is no setting: it stays in the environment (OPENAI_API_KEY).

    Attributes:
        model: Name by which the endpoint knows it.
        base_url: Address up to "/v1"; by default that of OPENAI_BASE_URL, else OpenAI's own.
        parameters: Fields of the request besides model and messages: temperature, seed, max_tokens, ….
        http: Time limits and retries.
    """

    model: str
    base_url: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"temperature": 0})
    http: HttpSettings = field(default_factory=HttpSettings)

    def __post_init__(self) -> None:
        if not self.model:
            raise DataError("model is empty: pass the name by which the endpoint knows it")
        api_url(self.base_url)
        reserved = {"model", "messages", "stream"} & set(self.parameters)
        if reserved:
            raise DataError(f"parameters hold {', '.join(sorted(reserved))}, which this package sets itself: leave it out")
        try:
            json.dumps(dict(self.parameters), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise DataError(f"parameters are no JSON ({error}): pass numbers, texts, lists and the like") from None

    @property
    def url(self) -> str:
        """The address in use, without a slash at its end."""
        return api_url(self.base_url)


class ChatEndpoint:
    """A model behind an OpenAI-compatible endpoint, with a cache on disk.

    An answer is kept under a hash of all that decides it: address, model, parameters and messages. A run that broke off
    goes on from there, and what was paid for is not asked for again. A kept answer that is damaged is asked for anew.
    """

    def __init__(self, settings: ChatSettings, cache: Path | None = None, *, sleep: Callable[[float], None] = pause) -> None:
        """Take settings; nothing is sent yet.

        Args:
            settings: Which model, where and how.
            cache: Folder of kept answers, made if need be; without it none is kept.
            sleep: Waits between tries.
        """
        self.settings = settings
        self.cache = AnswerCache(cache) if cache else None
        self._client = JsonClient(settings.http, sleep=sleep)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.settings.model

    def answer(self, messages: Messages) -> Answer:
        """Return the answer to one prompt, from the cache if it was asked for before.

        Raises:
            EndpointError: The endpoint refuses, cannot be reached, or gives no text (``NoTextError``); nothing is kept then.
        """
        body = {"model": self.settings.model, "messages": [dict(m) for m in messages], **self.settings.parameters}
        request = {"url": self.settings.url, "body": body}
        if self.cache and (kept := self.cache.find(request)):
            return kept
        key = key_in("OPENAI_API_KEY")  # none for many a server of one's own
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        reply, seconds = self._client.post(f"{self.settings.url}/chat/completions", body, headers=headers, secrets=(key,))
        try:
            answer = _read(reply, seconds)
        except EndpointError as error:
            raise type(error)(one_line(f"{self.settings.model} at {address(self.settings.url)} {error}", (key,))) from None
        if self.cache:
            self.cache.keep(request, answer, {"url": address(self.settings.url), "request": body})
        return answer


def _read(reply: Any, seconds: float) -> Answer:
    """Return the answer in a reply, or raise what is wrong with it."""
    try:
        choice = reply["choices"][0]
        text = choice["message"].get("content")
        reason = str(choice.get("finish_reason"))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise EndpointError(f"answered no chat completion ({json.dumps(reply)[:200]})") from None
    if not isinstance(text, str) or not text.strip():
        raise NoTextError(f"answered without text (finish_reason {reason}): look at the parameters, max_tokens among them")
    usage = reply.get("usage")
    counted = [usage.get(name) if isinstance(usage, dict) else None for name in ("prompt_tokens", "completion_tokens")]
    prompt, completion = (n if isinstance(n, int) else None for n in counted)
    return Answer(text, prompt, completion, seconds, reason, str(reply.get("model", "")))
