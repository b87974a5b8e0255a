"""What the service refuses, in the form of OpenAI's error bodies: clients of theirs know how to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel

LONGEST = 400
"""Letters of a message at most: it may quote what was sent."""


class ErrorFields(BaseModel):
    """What went wrong: in words, of which kind, in which field, and by a name that programs compare."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """The body of every answer that is none."""

    error: ErrorFields


class ApiError(Exception):
    """A request is answered with an error.

    >>> ApiError(404, "no such model", param="model", code="model_not_found").body()["error"]["type"]
    'invalid_request_error'
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Say what is wrong.

        Args:
            status: Of the answer, 400 to 599.
            message: What was found and what to send; letters that no UTF-8 can hold are written out.
            param: The field it is about.
            code: A short name of the case.
            retry_after: Seconds after which to try again.
        """
        shown = message.encode("utf-8", "backslashreplace").decode()
        self.message = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
        super().__init__(self.message)
        self.status, self.param, self.code, self.retry_after = status, param, code, retry_after

    @property
    def kind(self) -> str:
        """OpenAI's word for the kind of error."""
        kinds = {401: "authentication_error", 429: "rate_limit_error"}
        return kinds.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")

    def body(self) -> dict[str, Any]:
        """Return the body of the answer."""
        param = self.param and self.param.encode("utf-8", "backslashreplace").decode()[:LONGEST]
        return {"error": {"message": self.message, "type": self.kind, "param": param, "code": self.code}}

    def response(self, headers: Mapping[str, str] | None = None) -> JSONResponse:
        """Return the answer."""
        own = {} if self.retry_after is None else {"Retry-After": str(max(1, round(self.retry_after)))}
        if self.status == 401:
            own["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.body(), self.status, {**(headers or {}), **own})


class NotReadyError(Exception):
    """What is asked for cannot be answered now, and may be later: no live version, Milvus is away, a model is gone.

    Attributes:
        detail: What those who run the service are told; it may name folders and addresses, so no answer holds it.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.detail = detail


HALF_A_PAIR = "it holds half of a surrogate pair (\\ud800 to \\udfff), which stands for no sign"
"""What is wrong with a text that UTF-8 cannot hold."""

_SAID = {
    "missing": "it is missing",
    "string_unicode": HALF_A_PAIR,
    "model_attributes_type": "send a JSON object",
}
"""Kind of error of pydantic -> plainer words."""


def of_validation(errors: Sequence[Mapping[str, Any]]) -> ApiError:
    """Return the refusal of a body that does not fit its schema, by the first thing that pydantic found.

    >>> of_validation([{"type": "missing", "loc": ("body", "query"), "msg": "Field required"}]).message
    'query: it is missing'
    """
    first = errors[0]
    kind, said = str(first["type"]), str(first["msg"])
    if kind == "json_invalid":
        reason = (first.get("ctx") or {}).get("error", said)
        return ApiError(400, f"the body is no JSON: {reason}", code="invalid_json")
    place = first["loc"][1:]
    # Of a field that may be of several kinds, pydantic adds which of them it has tried.
    where = ".".join(str(part) for n, part in enumerate(place) if n == 0 or isinstance(part, int))
    own = said.removeprefix("Value error, ")
    message = own if own != said else f"{where or 'the body'}: {_SAID.get(kind, said)}"
    return ApiError(400, message, param=where or None, code="invalid_value")


def of_http(status: int, detail: str) -> ApiError:
    """Return the refusal of what has no route, or no body that is JSON."""
    said = {
        404: "there is no such path here: /docs lists those that there are",
        400: "the body cannot be read as JSON: it is no UTF-8, too deep, or holds a number that is too long",
    }
    return ApiError(status, said.get(status, detail), code="invalid_json" if status == 400 else None)
