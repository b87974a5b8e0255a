"""Answers of a language model, over any endpoint that speaks OpenAI's chat completions; each is asked for once and kept."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from tqdm.auto import tqdm

from tutorial_lib.checksums import DamagedError, read_sealed, write_sealed
from tutorial_lib.data.dataset import DataError
from tutorial_lib.rag.http import EndpointError, HttpSettings, JsonClient, address, one_line

Messages: TypeAlias = Sequence[Mapping[str, str]]
"""A prompt as chat: {"role": "system" or "user", "content": text} each."""

OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Answer:
    """What a model answered, and what it took.

    Attributes:
        text: The answer.
        prompt_tokens: As the endpoint counts them; None where it does not say.
        completion_tokens: Likewise, of the answer.
        seconds: How long it took when it was asked for, whether or not it comes from the cache now.
        finish_reason: Why it ends: "stop", or "length" where it was cut off.
        model: What the endpoint calls the model that answered.
        cached: Whether it comes from the cache.
    """

    text: str
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float
    finish_reason: str = "stop"
    model: str = ""
    cached: bool = False


@dataclass(frozen=True)
class Prices:
    """Money for a million tokens, in any currency.

    Attributes:
        prompt: For a million tokens of prompts.
        completion: For a million tokens of answers.
    """

    prompt: float
    completion: float

    def of(self, answer: Answer) -> float:
        """Return what an answer costs; not a number where the endpoint does not count tokens.

        >>> Prices(prompt=2.5, completion=10.0).of(Answer("14 days", 1000, 100, seconds=0.4))
        0.0035
        """
        if answer.prompt_tokens is None or answer.completion_tokens is None:
            return float("nan")
        return (self.prompt * answer.prompt_tokens + self.completion * answer.completion_tokens) / 1e6


class Answerer(Protocol):
    """What answers prompts: an endpoint, or a model in this process."""

    @property
    def name(self) -> str:
        """Name for tables and records."""
        ...

    def answer(self, messages: Messages) -> Answer:
        """Return the answer to one prompt."""
        ...


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
        if not self.url.startswith(("http://", "https://")):
            raise DataError("base_url is no address: pass one such as http://localhost:8000/v1, or set OPENAI_BASE_URL")
        reserved = {"model", "messages", "stream"} & set(self.parameters)
        if reserved:
            raise DataError(f"parameters hold {', '.join(sorted(reserved))}, which this package sets itself: leave it out")

    @property
    def url(self) -> str:
        """The address in use, without a slash at its end."""
        return (self.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI).rstrip("/")


class ChatEndpoint:
    """A model behind an OpenAI-compatible endpoint, with a cache on disk.

    An answer is kept under a hash of all that decides it: address, model, parameters and messages. A run that broke off
    goes on from there, and what was paid for is not asked for again. A kept answer that is damaged is asked for anew.
    """

    def __init__(
        self, settings: ChatSettings, cache: Path | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Take settings; nothing is sent yet.

        Args:
            settings: Which model, where and how.
            cache: Folder of kept answers, made if need be; without it none is kept.
            sleep: Waits between tries.
        """
        self.settings = settings
        self.cache = cache
        self._client = JsonClient(settings.http, sleep=sleep)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.settings.model

    def answer(self, messages: Messages) -> Answer:
        """Return the answer to one prompt, from the cache if it was asked for before.

        Raises:
            EndpointError: The endpoint refuses, cannot be reached, or gives no text; nothing is kept then.
        """
        body = {"model": self.settings.model, "messages": [dict(m) for m in messages], **self.settings.parameters}
        file = self._file(body)
        if file and (kept := _kept(file)):
            return kept
        key = _key()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        reply, seconds = self._client.post(f"{self.settings.url}/chat/completions", body, headers=headers, secrets=(key,))
        try:
            answer = _read(reply, seconds)
        except EndpointError as error:
            raise EndpointError(one_line(f"{self.settings.model} at {address(self.settings.url)} {error}", (key,))) from None
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_sealed(file, {"url": address(self.settings.url), "request": body, "answer": asdict(answer)})
        return answer

    def _file(self, body: Mapping[str, Any]) -> Path | None:
        if self.cache is None:
            return None
        request = json.dumps({"url": self.settings.url, **body}, sort_keys=True, ensure_ascii=False)
        name = hashlib.sha256(request.encode(errors="surrogatepass")).hexdigest()
        return self.cache / name[:2] / f"{name}.json"


def answer_all(answerer: Answerer, prompts: Sequence[Messages], *, workers: int = 4, label: str = "answer") -> list[Answer]:
    """Return the answer to each prompt, in order; equal prompts are asked once.

    Args:
        answerer: What answers.
        prompts: The prompts.
        workers: Prompts that are under way at once; 1 for a model in this process.
        label: Name of the progress bar.

    Raises:
        EndpointError: A prompt has no answer. Prompts not yet sent are not sent then; answers in the cache stay.
    """
    keys = [json.dumps([dict(m) for m in messages], sort_keys=True) for messages in prompts]
    distinct = dict(zip(keys, prompts, strict=True))
    failures: list[BaseException] = []

    def ask(messages: Messages) -> Answer | None:
        if failures:
            return None
        try:
            return answerer.answer(messages)
        except BaseException as error:
            failures.append(error)
            return None

    with ThreadPoolExecutor(workers) as pool:
        try:
            found = list(tqdm(pool.map(ask, distinct.values()), desc=label, total=len(distinct), disable=len(distinct) < 50))
        except BaseException as interrupted:
            failures.append(interrupted)
            raise
    if failures:
        raise failures[0]
    answers = {key: answer for key, answer in zip(distinct, found, strict=True) if answer}
    return [answers[key] for key in keys]


def _key() -> str:
    """Return the key in the environment, or nothing: servers of one's own often ask for none."""
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise EndpointError("OPENAI_API_KEY holds spaces or signs that no key has: set it again")
    return key


def _kept(file: Path) -> Answer | None:
    try:
        record = read_sealed(file)
        return replace(Answer(**record["answer"]), cached=True) if record else None
    except (DamagedError, KeyError, TypeError):
        return None


def _read(reply: Any, seconds: float) -> Answer:
    """Return the answer in a reply, or raise what is wrong with it."""
    try:
        choice = reply["choices"][0]
        text = choice["message"].get("content")
        reason = str(choice.get("finish_reason"))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise EndpointError(f"answered no chat completion ({json.dumps(reply)[:200]})") from None
    if not isinstance(text, str) or not text.strip():
        raise EndpointError(f"answered without text (finish_reason {reason}): look at the parameters, max_tokens among them")
    usage = reply.get("usage")
    counted = [usage.get(name) if isinstance(usage, dict) else None for name in ("prompt_tokens", "completion_tokens")]
    prompt, completion = (n if isinstance(n, int) else None for n in counted)
    return Answer(text, prompt, completion, seconds, reason, str(reply.get("model", "")))
