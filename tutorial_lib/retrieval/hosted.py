"""A hosted embedding model as one more system: is tuning a small model better than buying a large one?

Its vectors are paid for, so a run has them only where a hosted model is named, in a stage of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from tutorial_lib.data.dataset import DataError
from tutorial_lib.files import write_json
from tutorial_lib.http import OPENAI, address
from tutorial_lib.models.remote import RemoteEncoder
from tutorial_lib.models.remote_settings import RemoteSettings
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.runs import Run, write_trec_run
from tutorial_lib.retrieval.systems import Artifacts, System

HOSTED = "hosted"
"""The system, and the part of the settings that asks for it."""
HOSTED_VECTORS = "hosted_vectors"
"""The stage."""
ASKED = ("dev", "test")
"""Splits whose queries are paid for: a hosted model is not trained."""


@dataclass(frozen=True)
class HostedSettings:
    """A hosted embedding model to compare with; a run that names none has no such system.

    >>> HostedSettings("nomic-embed-text@http://localhost:11434/v1").remote().model
    'nomic-embed-text'

    Attributes:
        hosted: MODEL@URL of an embeddings API as OpenAI's, its address up to "/v1"; MODEL alone is one of OpenAI's own. The
            key is read from the environment's OPENAI_API_KEY.
        hosted_price: Money for a million tokens, 0 for a server of one's own.
        hosted_max_cost: Most that may be spent; what would cost more is refused before anything is sent.
        hosted_dimensions: Numbers of a vector to ask for, where the model lets one choose.
        hosted_query_prompt: Text put before every query.
        hosted_document_prompt: Text put before every article.
        hosted_max_tokens: Tokens that the model reads of a text; what is longer is cut, and that is said.
        hosted_request_texts: Texts of a request at most, 1 to 2048; some servers take no more than 32.

    Raises:
        DataError: A value is none that the setting can have, or is given without a model.
    """

    hosted: str = ""
    hosted_price: float | None = None
    hosted_max_cost: float = 1.0
    hosted_dimensions: int | None = None
    hosted_query_prompt: str = ""
    hosted_document_prompt: str = ""
    hosted_max_tokens: int = 8191
    hosted_request_texts: int = 256

    def __post_init__(self) -> None:
        """Refuse what no model can be asked with."""
        if self.hosted:
            self.remote()
        elif given := next((f.name for f in fields(self) if getattr(self, f.name) != f.default), None):
            raise DataError(f"{given} is given and no hosted model: pass hosted too, MODEL@URL")

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of the systems that a run has besides: ``HOSTED``, or none."""
        return (HOSTED,) if self.hosted else ()

    def remote(self) -> RemoteSettings:
        """Return the settings of the encoder.

        Raises:
            DataError: No model is named, or a value is none that the setting can have.
        """
        if not self.hosted:
            raise DataError("no hosted model is named: pass hosted, MODEL@URL")
        model, url = re.fullmatch(r"(.*?)(?:@(\w+://.*))?", self.hosted, re.DOTALL).groups()  # type: ignore[union-attr]
        return RemoteSettings(
            model,
            url or OPENAI,
            price=self.hosted_price,
            max_cost=self.hosted_max_cost,
            dimensions=self.hosted_dimensions,
            query_prompt=self.hosted_query_prompt,
            document_prompt=self.hosted_document_prompt,
            max_tokens=self.hosted_max_tokens,
            request_texts=self.hosted_request_texts,
        )


class Staging(Artifacts, Protocol):
    """What the stage needs besides; ``Workspace`` is one."""

    @property
    def root(self) -> Path:
        """Folder of the artifacts."""
        ...

    def need(self, stage: str) -> Path:
        """Return the folder of a stage, made if need be."""
        ...


def make_hosted_vectors(artifacts: Staging, folder: Path, hosted: HostedSettings) -> None:
    """Fill the stage: vectors, the test run as ``hosted.trec``, and what was paid in ``hosted.json``.

    Vectors are kept in ``hosted_cache`` beside the stages: a run that broke off pays for nothing twice.

    Raises:
        DataError: No model is named, or its vectors would cost more than may be spent; nothing is sent then.
        EndpointError: The endpoint refuses, cannot be reached, or answers what are no vectors.
    """
    encoder = RemoteEncoder(hosted.remote(), artifacts.root / "hosted_cache")
    dataset = artifacts.dataset()
    queries = [text for split in ASKED for text in dataset.query_texts(split).values()]
    estimate = encoder.estimate(queries=queries, documents=list(dataset.document_texts().values()))
    encoder.check_cost(estimate)
    vectors = Vectors.of(dataset, encoder, ASKED)
    vectors.save(folder)
    write_trec_run(dense_run(dataset, vectors, "test"), folder / f"{HOSTED}.trec", HOSTED)
    record = {
        "model": encoder.name,
        "url": address(encoder.settings.url),
        "fingerprint": encoder.fingerprint,
        "dimension": encoder.dimension,
        "texts": estimate.texts,
        "asked_for": estimate.new,
        "tokens": encoder.tokens,
        "cost": encoder.spent,
    }
    write_json(folder / f"{HOSTED}.json", record)


def hosted_record(artifacts: Staging) -> dict[str, Any]:
    """Return what ``make_hosted_vectors`` noted of the model and of what was paid."""
    return json.loads((artifacts.need(HOSTED_VECTORS) / f"{HOSTED}.json").read_text(encoding="utf-8"))


def _run(artifacts: Staging, split: str) -> Run:
    return dense_run(artifacts.dataset(), Vectors.load(artifacts.need(HOSTED_VECTORS)), split)


_ranks: Callable[[Any, str], Run] = _run

HOSTED_SYSTEM = System(HOSTED, "a hosted model", _ranks)
"""Not among ``SYSTEMS``, which every run makes."""
