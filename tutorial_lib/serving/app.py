"""The routes: each takes a request that fits its schema and asks the service; whatever is refused has one form."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from tutorial_lib.serving.batching import BusyError
from tutorial_lib.serving.comparing import CompareRequest, CompareResponse
from tutorial_lib.serving.described import POLICY, describe, page
from tutorial_lib.serving.errors import ApiError, ErrorBody, NotReadyError, of_http, of_validation
from tutorial_lib.serving.events_contract import EventRequest, EventResponse
from tutorial_lib.serving.guards import Guards
from tutorial_lib.serving.metrics import CONTENT_TYPE_LATEST
from tutorial_lib.serving.observing import Observed
from tutorial_lib.serving.openai_contract import EmbeddingsRequest, EmbeddingsResponse, ModelsResponse
from tutorial_lib.serving.page import add_page
from tutorial_lib.serving.rerank_contract import RerankRequest, RerankResponse, RerankV2Request
from tutorial_lib.serving.reranking import reranked
from tutorial_lib.serving.search_contract import DocumentText, SearchRequest, SearchResponse
from tutorial_lib.serving.service import Service

AWAY = 5.0
"""Seconds after which to ask again for what cannot be answered now."""

_LOG = logging.getLogger(__name__)

_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": text}
    for status, text in {
        400: "The request cannot be understood, or asks for too much.",
        401: "No key, or none of ours.",
        404: "No such model, version, search or document.",
        408: "The body has not come in time.",
        409: "What is there cannot do what is asked for.",
        413: "The body is too large.",
        415: "The body is no application/json.",
        429: "Too many wait: try again after Retry-After.",
        431: "Address and headers are too large.",
        500: "The service has failed.",
        503: "It cannot be answered now: try again after Retry-After.",
    }.items()
}


_FOUND = "$response.body#/results/0/id"
_LINKS = {
    "opened": {
        "operationId": "events_events_post",
        "requestBody": {"query_id": "$response.body#/query_id", "action_name": "click", "object_id": _FOUND},
    },
    "read": {"operationId": "document_document_get", "parameters": {"id": _FOUND}},
}
"""What an answer to a search is asked about further, as OpenAPI tells programs."""


def create_app(service: Service) -> FastAPI:
    """Return the application that serves ``service`` and closes it in the end."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title="Search with a tuned model",
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        responses=_REFUSALS,
        middleware=[
            Middleware(Observed, metrics=service.metrics),
            Middleware(Guards, limits=service.limits, keys=service.keys, hosts=service.hosts),
        ],
    )
    _answer_errors(app)
    _models(app, service)
    _search(app, service)
    _shown(app, service)
    _operations(app, service)
    _description(app, service)
    return app


def _answer_errors(app: FastAPI) -> None:
    """Give every refusal OpenAI's form."""

    def refused(_: Request, error: Any) -> Response:
        return error.response()

    def invalid(_: Request, error: Any) -> Response:
        return of_validation(error.errors()).response()

    def busy(_: Request, error: Any) -> Response:
        return ApiError(429, str(error), code="busy", retry_after=error.seconds).response()

    def away(_: Request, error: Any) -> Response:
        _LOG.warning("not ready", extra={"reason": str(error), "detail": error.detail})
        return ApiError(503, str(error), code="not_ready", retry_after=AWAY).response()

    def late(_: Request, error: Exception) -> Response:
        return ApiError(503, "it was not answered in time: try again", code="timeout", retry_after=AWAY).response()

    def http(_: Request, error: Any) -> Response:
        return of_http(error.status_code, str(error.detail)).response(error.headers)

    for kind, handler in {
        ApiError: refused,
        RequestValidationError: invalid,
        BusyError: busy,
        NotReadyError: away,
        TimeoutError: late,
        HTTPException: http,
    }.items():
        app.add_exception_handler(kind, handler)


def _models(app: FastAPI, service: Service) -> None:
    """Add what OpenAI's clients ask for."""

    @app.post("/v1/embeddings", response_model=EmbeddingsResponse)
    async def embeddings(asked: EmbeddingsRequest) -> Response:
        """Turn texts into vectors, as OpenAI's API does."""
        return JSONResponse(await service.embeddings(asked))

    @app.get("/v1/models")
    async def models() -> ModelsResponse:
        """Name the models."""
        return ModelsResponse(data=service.models.listed())


def _search(app: FastAPI, service: Service) -> None:
    """Add what finds documents, and what orders them."""

    @app.post("/search", responses={200: {"links": _LINKS}})
    async def search(asked: SearchRequest) -> SearchResponse:
        """Find the documents closest to a query, by the live version of the index."""
        return await service.search(asked)

    @app.post("/v1/rerank", response_model=RerankResponse)
    async def rerank(asked: RerankRequest) -> Response:
        """Order documents by how well they answer a query, as Jina's API and version 1 of Cohere's do."""
        return JSONResponse(await reranked(service, asked))

    @app.post("/v2/rerank", response_model=RerankResponse)
    async def rerank_v2(asked: RerankV2Request) -> Response:
        """Order documents by how well they answer a query, as version 2 of Cohere's API does."""
        return JSONResponse(await reranked(service, asked))


def _shown(app: FastAPI, service: Service) -> None:
    """Add the search page, and what it asks for."""
    add_page(app)

    @app.post("/events", status_code=202)
    async def events(asked: EventRequest) -> EventResponse:
        """Record what became of a search: a document was opened, or left, or answers it, or a ticket followed."""
        return service.event(asked)

    @app.get("/document")
    async def document(id: str) -> DocumentText:
        """Give a document, as plain text."""
        found = service.document(id)
        return DocumentText(id=id, title=found.title, text=found.text)

    @app.post("/compare")
    async def compare(asked: CompareRequest) -> CompareResponse:
        """Find the documents closest to a query by the live version and by the base model; nothing is recorded."""
        return await service.compare(asked)


class Ready(BaseModel):
    """Which version of the index answers searches; null where this service has no index."""

    status: str
    version: int | None
    model: str | None


def _operations(app: FastAPI, service: Service) -> None:
    """Add what those who run the service ask for."""

    @app.get("/readyz")
    def readyz() -> Ready:
        """Say whether searches can be answered, and by which version."""
        return Ready(**service.ready())

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Say that the process lives."""
        return {"status": "alive"}

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def metrics() -> Response:
        """Give the figures for Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _description(app: FastAPI, service: Service) -> None:
    """Add what says how to ask."""
    made = describe(app, service.models, keys=bool(service.keys))
    shown = page(made)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return JSONResponse(made)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(shown, headers={"Content-Security-Policy": POLICY})
