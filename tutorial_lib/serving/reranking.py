"""How well documents answer a query, by a bi-encoder: one vector a text, or those of its tokens one by one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.serving.errors import ApiError
from tutorial_lib.serving.limits import check_number, check_texts
from tutorial_lib.serving.models import ServedModel
from tutorial_lib.serving.rerank_contract import RerankRequest, RerankV2Request, rerank_body, text_of
from tutorial_lib.serving.service import Service


async def reranked(service: Service, asked: RerankV2Request) -> dict[str, Any]:
    """Return the body of an answer to a request to rerank.

    Raises:
        ApiError: It asks for too much, or for what its model cannot do.
        BusyError: Too many wait.
        TimeoutError: It took too long.
    """
    model, documents = service.models.get(asked.model), _texts(asked)
    check_number(len(documents), service.limits.documents, "documents", "documents")
    check_texts([asked.query], service.limits.query_characters, "query")
    check_texts(documents, service.limits.characters, "documents")
    if asked.max_tokens_per_doc is not None:
        documents = await asyncio.to_thread(model.first_tokens, documents, asked.max_tokens_per_doc)
    query = model.prompt("query") + asked.query
    prompted = [query, *(model.prompt("document") + text for text in documents)]
    counts = await asyncio.to_thread(model.count_tokens, prompted)
    service.check_tokens(model, counts, cut=True, param="documents")
    first, *others = await service.encoded(model.encoder.encode, prompted)
    scores = (np.stack(others) @ first).tolist()
    if asked.method == "late_interaction":
        scores = await _with_late_interaction(service, model, asked.query, documents, scores)
    version = "1" if isinstance(asked, RerankRequest) else "2"
    return rerank_body(uuid.uuid4().hex, model.name, scores, asked, sum(counts), version)


def _texts(asked: RerankV2Request) -> list[str]:
    fields = asked.rank_fields if isinstance(asked, RerankRequest) else None
    texts = []
    for n, document in enumerate(asked.documents):
        try:
            texts.append(text_of(document, fields))
        except ValueError as error:
            raise ApiError(400, f"documents[{n}]: {error}", param="documents", code="invalid_value") from None
    return texts


async def _with_late_interaction(
    service: Service, model: ServedModel, query: str, documents: Sequence[str], cosines: Sequence[float]
) -> list[float]:
    """Return for each document the mean of its cosine and its MaxSim: both are cosines, -1 to 1."""
    if not isinstance(model.encoder, Encoder):
        said = f"{model.name!r} gives no vectors of tokens: leave method out"
        raise ApiError(400, said, param="method", code="invalid_value")
    late = await service.encoded(late_interaction, [(model.encoder, query, text) for text in documents])
    return [(cosine + maxsim) / 2 for cosine, maxsim in zip(cosines, late, strict=True)]


def late_interaction(items: Sequence[tuple[Encoder, str, str]]) -> list[float]:
    """Return the MaxSim, -1 to 1, of each (encoder, query, document's text); those of one query should lie together."""
    scores: list[float] = []
    for _, group in groupby(items, key=lambda item: (id(item[0]), item[1])):
        together = list(group)
        encoder, query, _ = together[0]
        documents = {str(n): text for n, (_, _, text) in enumerate(together)}
        late = LateInteraction(encoder, documents, packed=False)
        found = late.maxsim({"": query}, {"": dict.fromkeys(documents, 0.0)}, depth=len(documents))[""]
        scores += [found[n] for n in documents]
    return scores
