"""The way to Milvus: where it is, patience with a server that is away, and no secret in any message."""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import grpc
from milvus_lite.db import MilvusLite
from milvus_lite.exceptions import DataDirLockedError
from milvus_lite.server_manager import server_manager_instance
from pymilvus import MilvusClient, MilvusException
from pymilvus.client.types import Status
from pymilvus.exceptions import ErrorCode

from tutorial_lib.index.address import secrets_in, shown
from tutorial_lib.index.store import VectorIndexError

BACK_OFF = (0.2, 0.5, 1.0, 2.0)
"""Seconds to wait before each further try to reach a server: 3.7 s in all, then the call fails in one line.

A service whose server may be away for longer sets it once: ``milvus_client.BACK_OFF = (1.0,) * 60`` waits a minute.
"""


CREATING = ("create_collection", "create_index", "create_alias")
"""Calls that refuse what is there already."""


for name in ("pymilvus", "milvus_lite"):  # they log errors that are caught and told in plain words here
    logging.getLogger(name).setLevel(logging.CRITICAL)


class NoCollection(VectorIndexError):
    """The index has no collection or alias of that name."""


class Client:
    """Every method of ``MilvusClient``; a server that is away is tried again, what fails is a VectorIndexError.

    Attributes:
        address: The file or URI without user name, password or token, to be shown.
        file: Path of an embedded index; None for a server.
    """

    _open: ClassVar[Counter[Path]] = Counter()
    """Embedded index -> how many clients of this process have it open."""

    def __init__(self, uri: str | Path | None, token: str | None) -> None:
        """Open the index at ``uri``, by default MILVUS_URI, with ``token``, by default MILVUS_TOKEN.

        Raises:
            VectorIndexError: No address is given, it is of no known kind, or nothing there lets us in.
        """
        uri = str(uri or os.environ.get("MILVUS_URI", ""))
        token = token or os.environ.get("MILVUS_TOKEN", "")
        kinds = "a path that ends in .db, or the address of a Milvus server such as http://localhost:19530"
        if not uri:
            raise VectorIndexError(f"no address of an index: pass {kinds}, or set MILVUS_URI")
        self._closed = False
        self.address = shown(uri)
        self.file = None if "://" in uri else Path(uri).absolute()
        self._secrets = [s for s in (token, token.split(":", 1)[-1], *secrets_in(uri)) if s]
        if self.file:
            if self.file.suffix != ".db" or self.address != uri:
                raise VectorIndexError(f"no index at {self.address}: pass {kinds}")
            self.file.parent.mkdir(parents=True, exist_ok=True)
        # The embedded server answers only when a graph is built, and takes the client's pings every ten seconds for abuse.
        quiet = {"grpc.keepalive_time_ms": 2**31 - 1} if self.file else {}
        self._client = self._try(
            "connect", MilvusClient, uri=str(self.file or uri), token="" if self.file else token, grpc_options=quiet
        )
        if self.file:
            self._open[self.file] += 1

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method ``name`` of MilvusClient."""
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(self._try, name, getattr(self._client, name))

    def close(self) -> None:
        """Close the connection; the last one lets go of an embedded index."""
        self._client.close()
        if self.file and not self._closed:
            self._open[self.file] -= 1
            if not self._open[self.file]:
                server_manager_instance.release_server(str(self.file))
        self._closed = True

    def _try(self, what: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        for number, wait in enumerate((*BACK_OFF, None)):
            try:
                return call(*args, **options)
            except (MilvusException, grpc.RpcError, OSError, ValueError) as error:
                if number and what in CREATING and "already exist" in str(error):
                    return None  # an earlier try has made it, only its answer was lost
                if wait is None or self.file or not _is_away(error):
                    # The cause is left out where it could show a secret.
                    raise self._told(what, error) from (None if self._secrets else error)
                time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _told(self, what: str, error: Exception) -> VectorIndexError:
        text = " ".join(str(getattr(error, "message", "") or error).split())[:300]
        if what == "connect" and self.file:
            text = _file_fault(self.file) or text
        elif _grpc_code(error) in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
            text = "the server refuses the token: set MILVUS_TOKEN, or pass token=…, to user:password or an API key it knows"
        elif _is_away(error):
            text = f"no server answers after {len(BACK_OFF) + 1} tries: start it, or set MILVUS_URI to where it is"
        for secret in self._secrets:
            text = text.replace(secret, "***")
        if what == "connect":
            return VectorIndexError(f"no index at {self.address}: {text}")
        kind = NoCollection if getattr(error, "code", None) == ErrorCode.COLLECTION_NOT_FOUND else VectorIndexError
        return kind(f"{what} failed on the index at {self.address}: {text}")


def _grpc_code(error: BaseException) -> Any:
    """Return the gRPC status behind an error, where there is one."""
    behind = next((e for e in (error, error.__cause__) if isinstance(e, grpc.RpcError)), None)
    return behind.code() if behind else None


def _is_away(error: Exception) -> bool:
    code = _grpc_code(error)
    failed = getattr(error, "code", None) == Status.CONNECT_FAILED
    return code == grpc.StatusCode.UNAVAILABLE or (failed and code is None)


def _file_fault(path: Path) -> str | None:
    """Return why an embedded index cannot be opened; the client only says that it cannot."""
    try:
        MilvusLite(str(path)).close()
    except DataDirLockedError:
        return "another process has it open: close it there, or start a Milvus server, which many processes can share"
    except FileExistsError:
        return "it is a file, and Milvus Lite 3 keeps an index in a folder: pass another path"
    except Exception as error:
        return str(error)[:300]
    return None
