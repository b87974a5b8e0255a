"""A corpus' vectors in files that survive a kill: Parquet shards named after their content, and a manifest written last."""

from __future__ import annotations

import hashlib
import io
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.encoder import Encoder

FORMAT = 1


MANIFEST = "manifest.json"


_OURS = re.compile(r"(vectors-[0-9a-f]{24}\.parquet|manifest\.json)(\.[0-9a-f]{32}\.part)?")


T = TypeVar("T")


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


@dataclass(frozen=True)
class Embedded:
    """A corpus' vectors in memory, in the order of the corpus.

    Attributes:
        ids: Article ids, length N.
        hashes: ``text_hash`` of each article.
        vectors: float32, (N, D), unit length.
    """

    ids: list[str]
    hashes: list[str]
    vectors: NDArray[np.float32]


def text_hash(text: str) -> str:
    """Return 16 hex digits of the SHA-256 of ``text`` in UTF-8: equal for equal texts, on every machine."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_finite(ids: Sequence[str], vectors: NDArray[np.float32], advice: str) -> None:
    """Refuse vectors, one an id, that hold NaN or infinity: the DataError names the first such article, then ``advice``."""
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise DataError(f"the vector of article {ids[bad[0]]!r} holds NaN or infinity ({len(bad)} such in all): {advice}")


def embed_shard(ids: Sequence[str], texts: Sequence[str], encoder: Encoder, folder: str | Path) -> Shard:
    """Encode some articles into one file of ``folder``, unless that file is there already.

    The name of the file says what must be in it, so a file of that name that can be read whole is taken as it is. It appears
    under its name only when it is complete: a kill leaves no half of it.

    Args:
        ids: Article ids.
        texts: Their texts, one an id.
        encoder: Makes the vectors; its ``fingerprint`` is part of the name.
        folder: A path, or a URL that fsspec knows.

    Raises:
        DataError: A text is no string, or a vector holds NaN or infinity (the article is named).
    """
    for document_id, text in zip(ids, texts, strict=True):
        if not isinstance(text, str):
            raise DataError(f"the text of article {document_id!r} is {type(text).__name__}: pass a string")
    fs, root = url_to_fs(str(folder))
    hashes = [text_hash(t) for t in texts]
    digest = hashlib.sha256(json.dumps([FORMAT, encoder.fingerprint, list(ids), hashes]).encode()).hexdigest()[:24]
    path = f"{root}/vectors-{digest}.parquet"
    schema = _schema(encoder)
    data = _whole(fs, path, schema, len(ids))
    if data is None:
        vectors = encoder.encode_documents(list(texts))
        check_finite(ids, vectors, f"the encoder {encoder.name} is broken, load it again or pass another")
        data = _to_parquet(ids, hashes, vectors, schema)
        _put(fs, path, data)
    return Shard(Path(path).name, len(ids), hashlib.sha256(data).hexdigest())


def embed_corpus(
    documents: Mapping[str, str] | Iterable[tuple[str, str]], encoder: Encoder, folder: str | Path, *, shard_size: int = 1000
) -> Manifest:
    """Encode a corpus into shards of consecutive articles; after an interruption only what is missing is encoded.

    The files are the same, byte for byte, however often the work was interrupted. Shards of other content are removed when
    all new ones are there. ``read_shards`` gives the vectors.

    Args:
        documents: Article id -> text, or pairs of them; an iterator is read shard by shard.
        encoder: Makes the vectors.
        folder: Where the shards go: a path, or a URL that fsspec knows.
        shard_size: Articles a file, which is also the most that a kill can cost.

    Raises:
        DataError: An id is used twice (both places are named), an id or text is no string, a vector holds NaN, or another
            process works on the folder.
    """
    total = len(documents) if isinstance(documents, Sized) else None
    pairs = documents.items() if isinstance(documents, Mapping) else documents
    shards: list[Shard] = []
    with alone_in(folder), tqdm(total=total, desc="embed", unit="article") as bar:
        for part in batches(unique(pairs), shard_size):
            shards.append(embed_shard([a for a, _ in part], [t for _, t in part], encoder, folder))
            bar.update(len(part))
        return finish(folder, encoder.fingerprint, encoder.name, encoder.dimension, shards)


def read_shards(folder: str | Path) -> Embedded:
    """Return the vectors of a complete folder, every file checked against its SHA-256.

    Raises:
        DataError: The manifest is missing or of another format, or a file is missing or damaged (it is named).
    """
    manifest = read_manifest(folder)
    fs, root = url_to_fs(str(folder))
    ids: list[str] = []
    hashes: list[str] = []
    vectors = np.empty((manifest.documents, manifest.dimension), dtype=np.float32)
    for shard in manifest.shards:
        path = f"{root}/{shard.file}"
        data = fs.cat_file(path) if fs.exists(path) else b""
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
        rows = slice(len(ids), len(ids) + table.num_rows)
        vectors[rows] = table["vector"].combine_chunks().flatten().to_numpy().reshape(-1, manifest.dimension)
        ids += table["id"].to_pylist()
        hashes += table["text_hash"].to_pylist()
    return Embedded(ids, hashes, vectors)


def read_manifest(folder: str | Path) -> Manifest:
    """Return what a complete folder holds.

    Raises:
        DataError: There is no manifest, or one of another format.
    """
    fs, root = url_to_fs(str(folder))
    if not fs.exists(f"{root}/{MANIFEST}"):
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
    try:
        lock = FileLock(Path(root, ".lock")).acquire(timeout=0)
    except Timeout:
        raise DataError(f"another process is embedding into {folder}: wait for it to end, or pass another folder") from None
    with lock:
        yield


def unique(rows: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """Pass (article id, anything) through.

    Raises:
        DataError: An id is used twice (both places are named, counted from 1) or is no string.
    """
    place: dict[str, int] = {}
    for number, (document_id, value) in enumerate(rows, 1):
        if not isinstance(document_id, str):
            raise DataError(f"the id of article number {number} is {document_id!r}: pass a string")
        if place.setdefault(document_id, number) != number:
            raise DataError(
                f"article id {document_id!r} is used twice, by articles number {place[document_id]} and {number}: "
                "give each article an id of its own"
            )
        yield document_id, value


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield ``items`` in lists of ``size``, the last one shorter.

    Raises:
        ValueError: ``size`` is below 1.
    """
    if size < 1:
        raise ValueError(f"shard_size is {size}: pass at least 1")
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def finish(folder: str | Path, fingerprint: str, encoder: str, dimension: int, shards: Sequence[Shard]) -> Manifest:
    """Write the manifest of a complete folder, then remove the shards it does not name."""
    fs, root = url_to_fs(str(folder))
    manifest = Manifest(fingerprint, encoder, dimension, sum(s.rows for s in shards), tuple(shards))
    _put(fs, f"{root}/{MANIFEST}", json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1).encode())
    named = {MANIFEST, *(s.file for s in shards)}
    for path in fs.ls(root, detail=False):
        name = path.rsplit("/", 1)[-1]
        if name not in named and _OURS.fullmatch(name):  # the folder may hold files that are not ours
            fs.rm_file(path)
    return manifest


def _put(fs: AbstractFileSystem, path: str, data: bytes) -> None:
    temporary = f"{path}.{uuid.uuid4().hex}.part"
    fs.pipe_file(temporary, data)
    fs.mv(temporary, path)


def _schema(encoder: Encoder) -> pa.Schema:
    vector = pa.list_(pa.field("element", pa.float32()), encoder.dimension)  # "element" is what Parquet gives back
    return pa.schema({"id": pa.string(), "text_hash": pa.string(), "vector": vector}, {"fingerprint": encoder.fingerprint})


def _whole(fs: AbstractFileSystem, path: str, schema: pa.Schema, rows: int) -> bytes | None:
    """Return the bytes of a shard, or None if there is none, or none that can be read to the end."""
    try:
        data = fs.cat_file(path)
        table = pq.read_table(io.BytesIO(data), page_checksum_verification=True)
    except (OSError, pa.ArrowException):
        return None
    return data if table.num_rows == rows and table.schema.equals(schema, check_metadata=True) else None


def _to_parquet(ids: Sequence[str], hashes: Sequence[str], vectors: NDArray[np.float32], schema: pa.Schema) -> bytes:
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
