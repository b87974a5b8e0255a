"""Reindexing in one call: from articles and an encoder to a live, verified version; work that is done is not done again."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tutorial_lib.data.dataset import DataError
from tutorial_lib.index.embedded import Embedded, corpus_hash, text_hash
from tutorial_lib.index.shards import embed_corpus, read_shards
from tutorial_lib.index.store import Damaged, VectorIndexError
from tutorial_lib.index.vector_index import VectorIndex
from tutorial_lib.index.version import FORMAT, Verification, Version
from tutorial_lib.models.settings import TextEncoder, document_space
from tutorial_lib.retrieval.calibration import Calibration

SAMPLE = 200
"""Articles that stand in for queries where none are given."""


@dataclass(frozen=True)
class Changes:
    """How the articles differ from those of the version that was live.

    Attributes:
        added: Ids that it did not have.
        changed: Ids whose text differs.
        removed: Ids that are no more.
        kept: Number of articles with the same id and text.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    kept: int

    def __str__(self) -> str:
        """Return the four counts."""
        return f"{len(self.added):,} added, {len(self.changed):,} changed, {len(self.removed):,} removed, {self.kept:,} kept"


@dataclass(frozen=True)
class Reindexed:
    """What ``reindex`` did.

    Attributes:
        version: The live version.
        changes: Against the version that was live before.
        embedded: Articles whose vector the live version did not have: those new and changed, or all for a new model.
        verification: What let the version go live; None if nothing had changed.
        seconds: Spent on encoding.
        damage: What was wrong on disk with the version that was live, if anything was: then nothing of it was used, every
            article was encoded, and it has been dropped.
    """

    version: Version
    changes: Changes
    embedded: int
    verification: Verification | None
    seconds: float
    damage: str | None = None


def reindex(
    index: VectorIndex,
    documents: Mapping[str, str],
    encoder: TextEncoder,
    work: str | Path,
    *,
    queries: Sequence[str] = (),
    smoke: Mapping[str, str] | None = None,
    calibration: Calibration | None = None,
    min_recall: float = 0.99,
    keep: int = 2,
    shard_size: int = 1000,
) -> Reindexed:
    """Make ``index`` serve ``documents`` as ``encoder`` sees them: embed, build, verify, switch, prune.

    The old version serves until the new one is verified, and stays for ``rollback``. With the model that is live, or one that
    makes the same document vectors, only new and changed articles are encoded; if nothing has changed, nothing is written.
    With another model all are, and so they are if the live version is damaged on disk, which is looked for each time
    (``VectorIndex.fault``). After an interruption at any moment the same call goes on where it was, at the cost of one shard.

    Args:
        index: An open index, empty or not.
        documents: Article id -> text: the whole corpus as it is now.
        encoder: The model to serve.
        work: Folder for vectors on their way; it survives an interruption and is emptied at the end.
        queries: Texts such as users type, to verify with; by default some articles stand in for them.
        smoke: Query text -> article that must be among its first 10, or the version does not go live.
        calibration: Of this encoder, for ``search(min_confidence=…)``; by default the live version's if it is of this model.
        min_recall: Share of the exact top 10 that the index must find.
        keep: Versions to keep.
        shard_size: Articles encoded between two saves.

    Raises:
        DataError: There are no articles, or a text or vector is broken (the article is named).
        VectorIndexError: The new version did not pass; it is dropped and the old one goes on serving.
    """
    if not documents:
        raise DataError("there are no articles to index: pass at least one, or the index would answer nothing")
    hashes = {a: text_hash(text) for a, text in documents.items()}
    folder = Path(work, f"{index.name}-{document_space(encoder)}")
    before = _before(index, encoder, hashes, calibration)
    if before.live and before.unchanged:
        _tidy(index, before, keep, folder)  # of which a kill may have left something
        return Reindexed(before.live, Changes((), (), (), len(hashes)), 0, None, 0.0)

    rows, embedded, seconds = _rows(documents, hashes, before.rows, encoder, folder, shard_size)
    built = _built(index, rows, encoder, before.calibration)
    version, verification = _made_live(index, built, rows, encoder, queries, smoke, min_recall)
    _tidy(index, before, keep, folder)
    return Reindexed(version, _compare(before.hashes, hashes), embedded, verification, seconds, before.damage)


@dataclass(frozen=True)
class _Before:
    """The version that is live, and what can be used of it.

    Attributes:
        live: It, if there is one.
        calibration: That of the version to come.
        unchanged: Whether it is just what is wanted.
        rows: Its rows, if they are this model's.
        hashes: Document id -> text hash.
        damage: What is wrong with it: then it has neither rows nor hashes.
    """

    live: Version | None
    calibration: Calibration | None
    unchanged: bool = False
    rows: Embedded | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    damage: str | None = None


def _before(index: VectorIndex, encoder: TextEncoder, hashes: Mapping[str, str], calibration: Calibration | None) -> _Before:
    """Look at what is live: by its rows only where that is needed."""
    live = index.live
    own = live if live and live.fingerprint == document_space(encoder) else None
    # What its scores are worth hangs on the queries too, which a matrix of their own may have turned since.
    known = own.calibration if own and own.queries == encoder.fingerprint else None
    before = _Before(live, calibration or known)
    corpus = corpus_hash(list(hashes), list(hashes.values()))
    calibrated = calibration is None or calibration == known
    if own and own.corpus == corpus and calibrated:
        damage = index.fault(own)
        return replace(before, unchanged=not damage, damage=damage)
    if live is None or live.format < FORMAT:
        return before
    try:
        if own and own.corpus:
            rows = index.stored(own)
            return replace(before, rows=rows, hashes=dict(zip(rows.ids, rows.hashes, strict=True)))
        return replace(before, hashes=index.stored_hashes(live))
    except VectorIndexError as error:
        if index.store.shared and not isinstance(error, Damaged):
            raise  # a server that is away: nothing is known of the version
        return replace(before, damage=str(error))


def _built(index: VectorIndex, rows: Embedded, encoder: TextEncoder, calibration: Calibration | None) -> Version:
    """Return a version of these rows: what a run that was killed after its build has left, not yet live, or a new one."""
    wanted = (encoder.fingerprint, corpus_hash(rows.ids, rows.hashes), calibration)
    for version in index.versions():
        if not version.served and (version.queries, version.corpus, version.calibration) == wanted:
            return version
    return index.build(rows.ids, rows.vectors, encoder, hashes=rows.hashes, calibration=calibration)


def _made_live(
    index: VectorIndex,
    version: Version,
    rows: Embedded,
    encoder: TextEncoder,
    queries: Sequence[str],
    smoke: Mapping[str, str] | None,
    min_recall: float,
) -> tuple[Version, Verification]:
    """Verify a version of these rows and switch to it, or drop it where it did not pass; return it as it is now, and why."""
    sample = encoder.encode_queries(list(queries)) if queries else rows.vectors[:: max(1, len(rows.ids) // SAMPLE)]
    verification = index.verify(version, rows.ids, rows.vectors, sample, min_recall=min_recall, smoke=smoke, encoder=encoder)
    try:
        return index.switch(verification), verification
    except VectorIndexError:
        if not verification.passed:
            index.drop(version)
        raise


def _compare(before: Mapping[str, str], now: Mapping[str, str]) -> Changes:
    changed = tuple(a for a, h in now.items() if a in before and before[a] != h)
    return Changes(
        tuple(a for a in now if a not in before),
        changed,
        tuple(a for a in before if a not in now),
        sum(a in before for a in now) - len(changed),
    )


def _rows(
    documents: Mapping[str, str],
    hashes: Mapping[str, str],
    old: Embedded | None,
    encoder: TextEncoder,
    folder: Path,
    shard_size: int,
) -> tuple[Embedded, int, float]:
    """Return the articles with a vector each, that of an unchanged one from ``old``; how many were encoded; the seconds."""
    started = time.monotonic()
    known = {pair: n for n, pair in enumerate(zip(old.ids, old.hashes, strict=True))} if old else {}
    source = [known.get(pair, -1) for pair in hashes.items()]
    vectors = np.empty((len(source), encoder.dimension), dtype=np.float32)
    for n, place in enumerate(source):
        if old and place >= 0:
            vectors[n] = old.vectors[place]
    missing = [n for n, place in enumerate(source) if place < 0]
    if missing:
        todo = [pair for pair, place in zip(documents.items(), source, strict=True) if place < 0]
        embed_corpus(todo, encoder, folder, shard_size=shard_size)
        vectors[missing] = read_shards(folder).vectors
    return Embedded(list(hashes), list(hashes.values()), vectors), len(missing), time.monotonic() - started


def _tidy(index: VectorIndex, before: _Before, keep: int, folder: Path) -> None:
    """Drop what is kept no longer, first a version that is damaged, which is of no use to ``rollback``."""
    if before.live and before.damage:
        number = before.live.number
        logging.getLogger(__name__).warning("version %d of %r was damaged and has been built anew", number, index.name)
        with suppress(VectorIndexError):  # another alias points to it
            index.drop(before.live)
    index.prune(keep)
    _remove(folder)


def _remove(folder: Path) -> None:
    """Remove what was on its way, and the work folder if nothing else is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()
