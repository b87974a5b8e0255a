"""Files of a model, in a folder or on the Hub: read, and checked against their SHA-256."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tutorial_lib.checksums import sha256_of
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


def one_line(error: Exception) -> str:
    """Return what an error says, on one line and cut to 400 characters."""
    return " ".join(str(error).split())[:400]


def read_json(folder: Path | str, name: str) -> Any:
    """Return the JSON file ``name`` of a model folder or Hub id; None if there is none.

    Raises:
        ModelError: It cannot be read, or is not JSON.
    """
    path = Path(folder) / name
    if not Path(folder).is_dir():  # a Hub id
        found = file_of_model(str(folder), name)
        if found is None:
            return None
        path = Path(found)
    if not path.exists():
        return None
    if not path.is_file():  # a pipe would be waited for
        raise ModelError(f"{path} is no plain file: copy or make the model again")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON ({one_line(error)}): copy or make the model again") from error
    if found is None:  # not to be taken for a file that is not there
        raise ModelError(f"{path} holds null: copy or make the model again")
    return found


def read_object(folder: Path | str, name: str) -> dict[str, Any] | None:
    """Return the JSON object in file ``name`` of a model folder or Hub id; None if there is no such file.

    Raises:
        ModelError: It cannot be read, or holds no JSON object.
    """
    value = read_json(folder, name)
    if value is None or isinstance(value, dict):
        return value
    raise ModelError(
        f"{Path(folder, name)} holds a {type(value).__name__} instead of an object: copy or make the model again"
    )


def check_files(folder: Path) -> None:
    """Refuse a folder from which weights would be read that lie elsewhere, that differ from their noted sum, or for ever.

    Raises:
        ModelError: A sum differs; a file that names others names one outside of the folder; or something in the folder is
            neither file nor folder (a pipe would be waited for).
    """
    for entry in folder.iterdir():
        if entry.exists() and not entry.is_file() and not entry.is_dir():
            raise ModelError(f"{entry} is neither a file nor a folder: take it away")
    for index in folder.glob("*.index.json"):
        weight_map = (read_object(folder, index.name) or {}).get("weight_map", {})
        for name in weight_map.values() if isinstance(weight_map, dict) else [weight_map]:
            _check_plain_name(name, index)
    for name, expected in (read_object(folder, CHECKSUM_FILE) or {}).items():
        _check_plain_name(name, folder / CHECKSUM_FILE)
        check_sha256(folder / name, str(expected))


def _check_plain_name(name: Any, source: Path) -> None:
    """Refuse what is no name of a file beside ``source``."""
    if not isinstance(name, str) or name in ("", ".", "..") or set(name) & set("/\\:\0"):
        raise ModelError(f"{source} names the file {name!r}: only files beside it are read, make the model again")
