"""From texts to files of vectors that survive a kill, and back: what is done is never done again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from fsspec.core import url_to_fs
from tqdm.auto import tqdm

from tutorial_lib.data.dataset import DataError
from tutorial_lib.index.embedded import Embedded, check_finite, text_hash
from tutorial_lib.index.shard_files import (
    FORMAT,
    Manifest,
    Shard,
    alone_in,
    finish,
    put,
    read_manifest,
    read_shard,
    schema_of,
    to_parquet,
    whole,
)
from tutorial_lib.models.settings import TextEncoder, document_space

_T = TypeVar("_T")


def embed_shard(ids: Sequence[str], texts: Sequence[str], encoder: TextEncoder, folder: str | Path) -> Shard:
    """Encode some articles into one file of ``folder``, unless that file is there already.

    The name of the file says what must be in it, so a file of that name that can be read whole is taken as it is. It appears
    under its name only when it is complete: a kill leaves no half of it.

    Args:
        ids: Article ids.
        texts: Their texts, one an id.
        encoder: Makes the vectors; its ``document_space`` is part of the name.
        folder: A path, or a URL that fsspec knows.

    Raises:
        DataError: A text is no string, or a vector holds NaN or infinity (the article is named).
    """
    for document_id, text in zip(ids, texts, strict=True):
        if not isinstance(text, str):
            raise DataError(f"the text of article {document_id!r} is {type(text).__name__}: pass a string")
    fs, root = url_to_fs(str(folder))
    hashes = [text_hash(t) for t in texts]
    digest = hashlib.sha256(json.dumps([FORMAT, document_space(encoder), list(ids), hashes]).encode()).hexdigest()[:24]
    path = f"{root}/vectors-{digest}.parquet"
    schema = schema_of(encoder.dimension, document_space(encoder))
    data = whole(fs, path, schema, len(ids))
    if data is None:
        vectors = encoder.encode_documents(list(texts))
        check_finite(ids, vectors, f"the encoder {encoder.name} is broken, load it again or pass another")
        data = to_parquet(ids, hashes, vectors, schema)
        put(fs, path, data)
    return Shard(Path(path).name, len(ids), hashlib.sha256(data).hexdigest())


def embed_corpus(
    documents: Mapping[str, str] | Iterable[tuple[str, str]],
    encoder: TextEncoder,
    folder: str | Path,
    *,
    shard_size: int = 1000,
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
        return finish(folder, document_space(encoder), encoder.name, encoder.dimension, shards)


def read_shards(folder: str | Path) -> Embedded:
    """Return the vectors of a complete folder, every file checked against its SHA-256.

    Raises:
        DataError: The manifest is missing or of another format, or a file is missing or damaged (it is named).
    """
    manifest = read_manifest(folder)
    ids: list[str] = []
    hashes: list[str] = []
    vectors = np.empty((manifest.documents, manifest.dimension), dtype=np.float32)
    for shard in manifest.shards:
        part = read_shard(folder, shard, manifest)
        vectors[len(ids) : len(ids) + shard.rows] = part.vectors
        ids += part.ids
        hashes += part.hashes
    return Embedded(ids, hashes, vectors)


def unique(rows: Iterable[tuple[str, _T]]) -> Iterator[tuple[str, _T]]:
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


def batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Yield ``items`` in lists of ``size``, the last one shorter.

    Raises:
        ValueError: ``size`` is below 1.
    """
    if size < 1:
        raise ValueError(f"shard_size is {size}: pass at least 1")
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
