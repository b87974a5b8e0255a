"""Datasets for PromptLayer: files in its two forms, and their upload by plain HTTP, without the SDK.

The upload follows PromptLayer's documentation ("Create dataset version from file"), and runs in tests against a double of
that. It was never tried on the service itself.
"""

from __future__ import annotations

import base64
import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tutorial_lib.data.dataset import DataError, RetrievalDataset
from tutorial_lib.files import plain, write_json, write_text
from tutorial_lib.http import EndpointError, JsonClient, address, key_in, one_line
from tutorial_lib.rag.export import Record, records
from tutorial_lib.retrieval.runs import Run

PROMPTLAYER = "https://api.promptlayer.com"
LARGEST_FILE = 100_000_000
"""Bytes that the service takes, before they are put in base64."""


def to_promptlayer(dataset: RetrievalDataset, run: Run, folder: str | Path, **options: Any) -> list[Path]:
    """Write ``<run>.json``, an array of flat objects, and ``<run>.csv``, whose header holds the same names, and return both.

    Each name is an input variable of a prompt: question, context (what was found, a blank line between documents),
    expected_answer, expected_ids, retrieved_ids, answer, query_id, split, run, and each way of slicing.

    Args:
        dataset: Queries, judgments and documents.
        run: What was found.
        folder: Where to, made if need be.
        options: Those of ``export.records``, ``name`` among them.

    Raises:
        DataError: As ``export.records``.

    """
    rows = flat(records(dataset, run, **options))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{options['name']}.{kind}" for kind in ("json", "csv")]
    write_json(written[0], rows)
    write_text(written[1], as_csv(rows))
    return written


def flat(rows: Sequence[Record]) -> list[dict[str, str]]:
    """Return records as flat objects of strings, all with the same names; what is not known is empty."""
    ways = sorted({way for row in rows for way in row["slice"]})
    return [
        {
            "question": row["input"],
            "context": "\n\n".join(row["retrieved_texts"]),
            "expected_answer": row["expected_answer"] or "",
            "expected_ids": ", ".join(row["expected_ids"]),
            "retrieved_ids": ", ".join(row["retrieved_ids"]),
            "answer": row["answer"] or "",
            "query_id": row["id"],
            "split": row["split"],
            "run": row["run"],
            **{way: str(row["slice"].get(way, "")) for way in ways},
        }
        for row in rows
    ]


def as_csv(rows: Sequence[dict[str, str]]) -> str:
    r"""Return flat objects as CSV with a header row.

    >>> as_csv([{"question": 'What is a "Depot"?', "expected_ids": "a, b"}])
    'question,expected_ids\n"What is a ""Depot""?","a, b"\n'
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_score(value: float) -> int:
    """Return a measure from 0 to 1 as the SDK's ``track.score`` takes it: a whole number from 0 to 100.

    Raises:
        DataError: It is not between 0 and 1.

    >>> as_score(0.851)
    85
    """
    if not 0 <= value <= 1:
        raise DataError(f"a score is {value}: pass 0 to 1")
    return round(100 * value)


def upload(file: str | Path, name: str, *, base_url: str | None = None, client: JsonClient | None = None) -> int:
    """Upload a file of ``to_promptlayer`` as the first version of a new dataset group, and return the dataset's id.

    The key is read from PROMPTLAYER_API_KEY alone. The service goes on working after it has answered: until then the
    version's number is -1.

    Args:
        file: The .csv (whose form is documented) or the .json (whose form is not).
        name: Of the dataset group.
        base_url: By default PROMPTLAYER_BASE_URL, else the service's own.
        client: Time limits and retries.

    Raises:
        DataError: The file is too large, or of another kind, or there is no key.
        EndpointError: The service refuses, cannot be reached, or answers in another form than is documented.
    """
    file = Path(file)
    content = _content(file)
    client = client or JsonClient()
    base = (base_url or os.environ.get("PROMPTLAYER_BASE_URL") or PROMPTLAYER).rstrip("/") + "/api/public/v2"
    group = _post(client, f"{base}/dataset-groups", {"name": name}, ("dataset_group", "id"))
    sent = {"dataset_group_id": group, "file_name": file.name, "file_content_base64": content}
    return _post(client, f"{base}/dataset-versions/from-file", sent, ("dataset_id",))


def _content(file: Path) -> str:
    if file.suffix not in (".csv", ".json"):
        raise DataError(f"{file.name}: pass a .csv or a .json")
    size = plain(file).stat().st_size
    if size > LARGEST_FILE:
        raise DataError(
            f"{file.name} has {size:,} bytes and the service takes {LARGEST_FILE:,}: pass a smaller k, or fewer queries"
        )
    return base64.b64encode(file.read_bytes()).decode()


def _post(client: JsonClient, url: str, body: dict[str, Any], path: Sequence[str]) -> int:
    """Return the number at ``path`` in what the service answers."""
    key = key_in("PROMPTLAYER_API_KEY")
    if not key:
        raise DataError("no key for PromptLayer: set PROMPTLAYER_API_KEY in the environment")
    reply, _ = client.post(url, body, headers={"X-API-KEY": key}, secrets=(key,))
    found = reply
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, int) or (isinstance(reply, dict) and reply.get("success") is False):
        raise EndpointError(one_line(f"{address(url)} answered no {'.'.join(path)}: {str(reply)[:200]}", (key,)))
    return found


def told(error: Exception, client: Any) -> EndpointError:
    """Return in one line, without the key, what the SDK raised: its kinds are its own, and its messages quote the service."""
    key = str(getattr(client, "api_key", None) or "")
    return EndpointError(one_line(f"PromptLayer: {error or type(error).__name__}", (key,)))
