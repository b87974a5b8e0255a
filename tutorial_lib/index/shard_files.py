"""The files of a folder of vectors: Parquet shards named after their content, and a manifest written last."""

from __future__ import annotations

import hashlib
import io
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from numpy.typing import NDArray

from tutorial_lib.data.dataset import DataError
from tutorial_lib.files import held
from tutorial_lib.index.embedded import Embedded

FORMAT = 1


MANIFEST = "manifest.json"


_OURS = re.compile(r"(vectors-[0-9a-f]{24}\.parquet|manifest\.json)(\.[0-9a-f]{32}\.part)?")


@dataclass(frozen=True)
class Shard:
    """One file of vectors.

    Attributes:
        file: Its name in the folder, a hash of the encoder's fingerprint, the ids and the texts.
        rows: Articles in it.
        sha256: SHA-256 of its bytes, in hex.
    """

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a complete folder of shards holds.

    Attributes:
        fingerprint: Fingerprint of the encoder that made the vectors.
        encoder: Its name.
        dimension: Length D of a vector.
        documents: Number of articles N.
        shards: The files, in the order of the corpus.
    """

    fingerprint: str
    encoder: str
    dimension: int
    documents: int
    shards: tuple[Shard, ...]


def read_manifest(folder: str | Path) -> Manifest:
    """Return what a complete folder holds.

    Raises:
        DataError: There is no manifest, or one of another format.
    """
    fs, root = url_to_fs(str(folder))
    if not fs.isfile(f"{root}/{MANIFEST}"):  # a pipe would be waited for
        raise DataError(f"{folder} holds no {MANIFEST}: embedding has not finished there, run it again")
    record = json.loads(fs.cat_file(f"{root}/{MANIFEST}"))
    if record.pop("format", None) != FORMAT:
        raise DataError(f"{folder}/{MANIFEST} is of another format: empty the folder and embed the corpus again")
    return Manifest(**{**record, "shards": tuple(Shard(**s) for s in record["shards"])})


@contextmanager
def alone_in(folder: str | Path) -> Iterator[None]:
    """Make ``folder`` and keep other processes from embedding into it within the block; a kill lets go of it.

    Only a local folder can be locked.

    Raises:
        DataError: Another process holds it.
    """
    fs, root = url_to_fs(str(folder))
    fs.makedirs(root, exist_ok=True)
    if not isinstance(fs, LocalFileSystem):
        yield
        return
    refusal = DataError(f"another process is embedding into {folder}: wait for it to end, or pass another folder")
    with held(Path(root, ".lock"), refusal):
        yield


def finish(folder: str | Path, fingerprint: str, encoder: str, dimension: int, shards: Sequence[Shard]) -> Manifest:
    """Write the manifest of a complete folder, then remove the shards it does not name.

    Args:
        folder: A path, or a URL that fsspec knows.
        fingerprint: Of the encoder that made the vectors.
        encoder: Its name.
        dimension: Length D of a vector.
        shards: The files, in the order of the corpus.
    """
    fs, root = url_to_fs(str(folder))
    manifest = Manifest(fingerprint, encoder, dimension, sum(s.rows for s in shards), tuple(shards))
    put(fs, f"{root}/{MANIFEST}", json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1).encode())
    named = {MANIFEST, *(s.file for s in shards)}
    for path in fs.ls(root, detail=False):
        name = path.rsplit("/", 1)[-1]
        if name not in named and _OURS.fullmatch(name):  # the folder may hold files that are not ours
            fs.rm_file(path)
    return manifest


def put(fs: AbstractFileSystem, path: str, data: bytes) -> None:
    """Write a file that appears under its name when it is whole."""
    temporary = f"{path}.{uuid.uuid4().hex}.part"
    fs.pipe_file(temporary, data)
    fs.mv(temporary, path)


def schema_of(dimension: int, fingerprint: str) -> pa.Schema:
    """Return the columns of a shard: id, text_hash, and vector of ``dimension`` numbers made by the encoder named."""
    vector = pa.list_(pa.field("element", pa.float32()), dimension)  # "element" is what Parquet gives back
    return pa.schema({"id": pa.string(), "text_hash": pa.string(), "vector": vector}, {"fingerprint": fingerprint})


def whole(fs: AbstractFileSystem, path: str, schema: pa.Schema, rows: int) -> bytes | None:
    """Return the bytes of a shard, or None if there is none, or none that can be read to the end."""
    if not fs.isfile(path):  # a pipe would be waited for
        return None
    try:
        data = fs.cat_file(path)
        table = pq.read_table(io.BytesIO(data), page_checksum_verification=True)
    except (OSError, pa.ArrowException):
        return None
    return data if table.num_rows == rows and table.schema.equals(schema, check_metadata=True) else None


def to_parquet(ids: Sequence[str], hashes: Sequence[str], vectors: NDArray[np.float32], schema: pa.Schema) -> bytes:
    """Return the bytes of a shard, the same for the same rows.

    Args:
        ids: Document ids, length N.
        hashes: Text hashes, length N.
        vectors: float32, (N, D).
        schema: What ``schema_of`` returned for D.
    """
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).ravel())
    columns = [
        pa.array(ids, pa.string()),
        pa.array(hashes, pa.string()),
        pa.FixedSizeListArray.from_arrays(flat, type=schema.field("vector").type),
    ]
    buffer = io.BytesIO()
    # Vectors do not compress. The checksums tell a damaged file that is met before a manifest names its SHA-256.
    pq.write_table(
        pa.Table.from_arrays(columns, schema=schema),
        buffer,
        compression="none",
        use_dictionary=False,
        write_page_checksum=True,
    )
    return buffer.getvalue()


def read_shard(folder: str | Path, shard: Shard, manifest: Manifest) -> Embedded:
    """Return the rows of one file of a complete folder, checked against its SHA-256.

    Raises:
        DataError: The file is missing, damaged, or of another encoder than the manifest says (it is named).
    """
    fs, root = url_to_fs(str(folder))
    path = f"{root}/{shard.file}"
    data = fs.cat_file(path) if fs.isfile(path) else b""
    if hashlib.sha256(data).hexdigest() != shard.sha256:
        raise DataError(
            f"{path} is {'damaged' if data else 'missing'}: embed the corpus again, only what is broken is computed"
        )
    table = pq.read_table(io.BytesIO(data))
    if table.schema.metadata[b"fingerprint"].decode() != manifest.fingerprint:
        raise DataError(
            f"{path} holds vectors of another encoder than {MANIFEST} says ({manifest.fingerprint}): empty "
            "the folder and embed the corpus again"
        )
    vectors = table["vector"].combine_chunks().flatten().to_numpy().reshape(-1, manifest.dimension)
    return Embedded(table["id"].to_pylist(), table["text_hash"].to_pylist(), vectors)
