"""Files of a model, in a folder or on the Hub: read, and checked against their SHA-256."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tutorial_lib.models.settings import ModelError
from tutorial_lib.private_api import file_of_model

CHECKSUM_FILE = "sha256.json"
"""Written beside every model this package saves: file name -> SHA-256, checked on load."""


def check_sha256(file: Path, expected: str) -> None:
    """Refuse ``file`` unless its SHA-256 is ``expected``.

    Raises:
        ModelError: It is missing or differs; both sums are named.
    """
    if not file.is_file():
        raise ModelError(f"{file} is missing: the model folder is incomplete, copy or make it again")
    found = sha256_of(file)
    if found != expected:
        raise ModelError(
            f"{file} has SHA-256 {found}, expected {expected}: the weights were changed or damaged, "
            "install or make the model again"
        )


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file's bytes in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def one_line(error: Exception) -> str:
    """Return what an error says, on one line and cut to 400 characters."""
    return " ".join(str(error).split())[:400]


def read_json(folder: Path | str, name: str) -> Any:
    """Return the JSON file ``name`` of a model folder or Hub id; None if there is none.

    Raises:
        ModelError: It is not JSON.
    """
    path = Path(folder) / name
    if not Path(folder).is_dir():  # a Hub id
        found = file_of_model(str(folder), name)
        if found is None:
            return None
        path = Path(found)
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    except ValueError as error:
        raise ModelError(f"{path} is not JSON ({one_line(error)}): copy or make the model again") from error
