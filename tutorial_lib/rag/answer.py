"""Answers of a language model: what they are and cost, how they are kept, and many of them at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from tutorial_lib.at_once import at_once
from tutorial_lib.checksums import DamagedError, read_sealed, write_sealed
from tutorial_lib.data.dataset import DataError

Messages: TypeAlias = Sequence[Mapping[str, str]]
"""A prompt as chat: {"role": "system" or "user", "content": text} each."""


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

    def __post_init__(self) -> None:
        if not (self.prompt >= 0 and self.completion >= 0):
            raise DataError(f"{self}: pass the money for a million tokens, at least 0")

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


class AnswerCache:
    """A folder of answers, each under a hash of all that decides it: a file an answer, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        """Take a folder, made when the first answer is kept.

        Raises:
            DataError: A file is there: told before an answer is paid for.
        """
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise DataError(f"{self.folder} is a file, and answers are kept in a folder: pass one")

    def find(self, request: Mapping[str, Any]) -> Answer | None:
        """Return the answer kept for ``request`` (any JSON); None where there is none, or what is kept is damaged."""
        try:
            record = read_sealed(self._file(request))
            return replace(Answer(**record["answer"]), cached=True) if record else None
        except (DamagedError, KeyError, TypeError):
            return None

    def keep(self, request: Mapping[str, Any], answer: Answer, about: Mapping[str, Any]) -> None:
        """Keep the answer to ``request``, and beside it ``about``, what people may want to read: no key, no password."""
        file = self._file(request)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_sealed(file, {**about, "answer": asdict(answer)})

    def _file(self, request: Mapping[str, Any]) -> Path:
        text = json.dumps(request, sort_keys=True, ensure_ascii=False)
        name = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
        return self.folder / name[:2] / f"{name}.json"


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
    found = at_once(answerer.answer, list(distinct.values()), workers=workers, label=label)
    answers = dict(zip(distinct, found, strict=True))
    return [answers[key] for key in keys]
