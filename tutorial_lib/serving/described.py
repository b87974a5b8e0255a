"""The description of the interface, /openapi.json, and the page that shows it, which loads nothing from elsewhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from fastapi import FastAPI

from tutorial_lib.serving.guards import OPEN
from tutorial_lib.serving.models import Models

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Content-Security-Policy of the page: no script runs, whatever a text holds."""

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "pre{overflow:auto;padding:.75rem;border:1px solid}td,th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}"
)


def describe(app: FastAPI, models: Models, *, keys: bool) -> dict[str, Any]:
    """Return the description of ``app``: models and sizes by name, 400 where FastAPI would say 422, keys where asked for.

    Args:
        app: The application.
        models: Those that requests may name.
        keys: Whether a key is asked for.
    """
    made = FastAPI.openapi(app)
    schemas = made["components"]["schemas"]
    sizes = sorted({size for model in models.named.values() for size in (*model.sizes, model.encoder.dimension)})
    fields = schemas["EmbeddingsRequest"]["properties"]
    fields["dimensions"] |= {"anyOf": [{"type": "integer", "enum": sizes}, {"type": "null"}]}
    fields["model"] |= {"enum": list(models.named)}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, methods in made["paths"].items():
        for operation in methods.values():
            operation["responses"].pop("422", None)
            if keys and path not in OPEN:
                operation["security"] = [{"key": []}]
    if keys:
        made["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return made


def page(description: dict[str, Any]) -> str:
    """Return the description as a page: each path with its fields and a line for the shell."""
    parts = [
        _operation(path, method, operation, description)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    title = escape(description["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>"
        f'<p>As a file for programs: <a href="/openapi.json">/openapi.json</a></p>{"".join(parts)}</html>'
    )


def _operation(path: str, method: str, operation: dict[str, Any], description: dict[str, Any]) -> str:
    heading = f"<h2>{escape(method.upper())} {escape(path)}</h2><p>{escape(operation.get('description', ''))}</p>"
    body = operation.get("requestBody")
    if body is None:
        asked = "&".join(f"{parameter['name']}=…" for parameter in operation.get("parameters", ()))
        return f"{heading}<pre>curl 'http://127.0.0.1:8000{escape(path)}{escape(asked and '?' + asked)}'</pre>"
    schema = description["components"]["schemas"][body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]
    example = json.dumps(schema.get("example", {}))
    call = f"curl http://127.0.0.1:8000{path} -H 'Content-Type: application/json' -d '{example}'"
    needed = schema.get("required", [])
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{'needed' if name in needed else ''}</td>"
        f"<td>{escape(field.get('description', ''))}</td></tr>"
        for name, field in schema["properties"].items()
    )
    return f"{heading}<pre>{escape(call)}</pre><table>{rows}</table>"
