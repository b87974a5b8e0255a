"""Embedding a corpus too large for one process: Ray Data hands shards to workers, each of which holds the model.

What a worker writes is what ``embed_corpus`` writes, byte for byte on machines of one kind, so each goes on where the
other stopped.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tutorial_lib.data.dataset import DataError
from tutorial_lib.index.article_files import Piece, joined, locate, read
from tutorial_lib.index.shard_files import Manifest, Shard, alone_in, finish
from tutorial_lib.index.shards import batches, embed_shard, unique
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.folder import resolve_model

OBJECT_STORE_BYTES = 200_000_000
"""Shared memory of a Ray started here: only the places of shards pass through it, never texts or vectors."""


_LOCAL = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # whatever its name: Ray listens on 127.0.0.1 only, as it does there
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}  # workers see the GPU that a single process would use


def embed_with_ray(
    source: str | Sequence[str],
    model: str,
    folder: str,
    *,
    workers: int | None = None,
    gpus: float = 0,
    shard_size: int = 1000,
    id_column: str = "_id",
    text_columns: Sequence[str] = ("title", "text"),
) -> Manifest:
    """Encode a corpus with several workers into the files that ``embed_corpus`` would write; an interrupted run goes on.

    This process only reads where each article stands and its id (about 200 bytes of memory an article); texts and vectors
    stay between files and workers. A Ray that the caller has initialised, a cluster perhaps, is used as it is; otherwise one
    is started on this machine without a network and stopped at the end.

    Args:
        source: JSONL (.jsonl) or Parquet (.parquet) files in order; local paths or URLs that fsspec knows. Parquet in row
            groups of about 10,000 articles is read best: a worker reads whole row groups.
        model: What ``Encoder.load`` takes; on a cluster every node must find it.
        folder: Where the shards go; on a cluster every node must see it, so a shared path or URL.
        workers: Processes with a model each, one CPU core each; by default all cores there are.
        gpus: GPUs a worker.
        shard_size: Articles a file.
        id_column: Field or column with the article id, a string or whole number.
        text_columns: Fields or columns that make up the text, joined by line breaks; the defaults are BEIR's.

    Raises:
        DataError: A file is missing or of another kind, a line is broken (named), a column is missing, an id is used twice,
            or another process works on the folder.
        ModelError: There is no such model (DataError if a worker cannot load it).
        ImportError: Ray is not installed.
    """
    urls = [_absolute(url) for url in ([source] if isinstance(source, str) else source)]
    columns = (id_column, *text_columns)
    specs = _specs(urls, columns, shard_size)
    if not specs:
        raise DataError(f"{source} holds no article: pass files with at least one")
    resolve_model(model)  # refuses what is missing or damaged before anything is started
    folder, weights = _absolute(folder), str(Path(model).resolve()) if Path(model).is_dir() else model
    with alone_in(folder), _running(workers) as ray:
        processes = min(workers or int(ray.cluster_resources()["CPU"]), len(specs))
        done = _embedded(ray, specs, (weights, folder, columns), processes, gpus)
        shards = [Shard(**r["shard"]) for r in sorted(done, key=lambda r: r["number"])]
        return finish(folder, done[0]["fingerprint"], model, done[0]["dimension"], shards)


def _specs(urls: Sequence[str], columns: tuple[str, ...], shard_size: int) -> list[dict[str, Any]]:
    """Return the number of every shard, and where its articles stand, as rows for Ray."""
    found = unique(row for url in urls for row in locate(url, columns))
    return [{"number": n, "pieces": json.dumps(joined(part))} for n, part in enumerate(batches(found, shard_size))]


def _embedded(
    ray: Any, specs: list[dict[str, Any]], arguments: tuple[Any, ...], processes: int, gpus: float
) -> list[dict[str, Any]]:
    """Have ``Worker(*arguments)`` embed every shard, and return what it says of each; its first error is raised.

    Args:
        ray: A running Ray.
        specs: What ``_specs`` returned.
        arguments: Of ``Worker``.
        processes: How many of them.
        gpus: GPUs a process.
    """
    pool = ray.data.ActorPoolStrategy(size=processes)
    work = ray.data.from_items(specs, override_num_blocks=len(specs)).map_batches(
        Worker, batch_size=1, compute=pool, num_cpus=1, num_gpus=gpus, fn_constructor_args=arguments
    )
    done = []
    for row in tqdm(work.iter_rows(), total=len(specs), desc="embed", unit="shard"):
        done.append(json.loads(row["done"]))
        if "error" in done[-1]:
            raise DataError(done[-1]["error"])
    return done


class Worker:
    """A process of Ray that holds the model from shard to shard."""

    def __init__(self, model: str, folder: str, columns: tuple[str, ...]) -> None:
        """Note what every shard needs."""
        self.model, self.folder, self.columns = model, folder, columns

    @cached_property
    def encoder(self) -> Encoder:
        """The model, loaded with the first shard."""
        torch.set_num_threads(1)  # the other cores have workers of their own
        return Encoder.load(self.model)

    def __call__(self, batch: Mapping[str, NDArray[Any]]) -> dict[str, list[str]]:
        """Read one shard's articles, encode them, write the file; return what the manifest must know, as a row."""
        try:
            done = self._embed(int(batch["number"][0]), json.loads(batch["pieces"][0]))
        except (ValueError, OSError) as error:  # raised here, it would reach the caller as a page of Ray's own frames
            done = {"error": str(error)}
        return {"done": [json.dumps(done)]}

    def _embed(self, number: int, pieces: list[Piece]) -> dict[str, Any]:
        documents = [document for url, start, stop in pieces for document in read(url, start, stop, self.columns)]
        ids, texts = zip(*documents, strict=True)
        shard = embed_shard(ids, texts, self.encoder, self.folder)
        return {
            "number": number,
            "shard": asdict(shard),
            "fingerprint": self.encoder.document_fingerprint,
            "dimension": self.encoder.dimension,
        }


@contextmanager
def _running(workers: int | None) -> Iterator[Any]:
    """Give Ray: the caller's, or for the time of the block one of this machine alone."""
    ray = _ray()
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ours = not ray.is_initialized()
    if ours:
        start_ray(workers)
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()


def _ray() -> Any:
    for name, value in _LOCAL.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError:
        raise ImportError(
            'Ray is not installed: pip install "tutorial-lib[scale]", or use tutorial_lib.index.embed_corpus'
        ) from None
    return ray


def start_ray(cpus: int | None = None, attempts: int = 3) -> None:
    """Start a Ray of this machine alone, without a network; ``ray.shutdown()`` stops it.

    A node now and then does not report within Ray's half minute, on a loaded machine above all; the next start mostly does.

    Args:
        cpus: How many CPU cores Ray may give to workers; by default all.
        attempts: How often to try.

    Raises:
        RuntimeError: Ray did not start; the message says where it has written why.
        ImportError: Ray is not installed.
    """
    ray = _ray()
    options = {
        "address": "local",
        "num_cpus": cpus,
        "include_dashboard": False,
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "object_store_memory": OBJECT_STORE_BYTES,
    }
    for attempt in range(1, attempts + 1):
        try:
            ray.init(**options)
            return
        except (ValueError, TypeError):  # of the arguments: they will not be better the next time
            raise
        except Exception as error:  # a node that timed out is of no narrower class
            ray.shutdown()
            if attempt == attempts:
                raise RuntimeError(
                    f"Ray did not start in {attempts} attempts ({error}): look into raylet.err below "
                    "/tmp/ray/session_latest/logs, or use tutorial_lib.index.embed_corpus without Ray"
                ) from error
            logging.getLogger(__name__).warning(
                "Ray did not start (%s); attempt %d of %d follows", error, attempt + 1, attempts
            )


def _absolute(url: str) -> str:
    """Return a path or URL that means the same file whatever folder a process works in."""
    fs, path = url_to_fs(url)
    return path if isinstance(fs, LocalFileSystem) else url
