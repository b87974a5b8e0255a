"""Which of very many texts say nearly the same: MinHash proposes pairs, every one of them is compared.

Memory is what counts at a million texts: of each are kept its shingles as numbers of 8 bytes, and one number a band.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from tqdm.auto import tqdm

PERMUTATIONS = 128

_FACTORS = np.random.default_rng(0).integers(2**63, size=PERMUTATIONS, dtype=np.uint64) * 2 + 1
"""Odd numbers: a band's sum of its numbers by these, modulo 2^64, tells it from another one."""


@dataclass(frozen=True)
class NearDuplicates:
    """Which of some texts are near-duplicates of each other: found once, asked for any part of them.

    Attributes:
        kind_of: Id -> number of its shingle set, by ascending id; equal sets have one number.
        links: Pairs of numbers of different sets whose Jaccard similarity reaches the threshold.
    """

    kind_of: Mapping[str, int]
    links: Sequence[tuple[int, int]]

    def groups(self, ids: Collection[str] | None = None) -> list[list[str]]:
        """Return the groups among ``ids`` (by default all), just as if these alone had been compared.

        Returns:
            Groups of at least two ids, each sorted, ordered by their first id. Links are transitive, but only through
            texts that are among ``ids``.

        Raises:
            KeyError: An id is none of the texts compared.
        """
        chosen = sorted(self.kind_of if ids is None else set(ids))
        first: dict[int, int] = {}
        joined = [(m, n) for n, id_ in enumerate(chosen) if (m := first.setdefault(self.kind_of[id_], n)) != n]
        joined += [(first[m], first[n]) for m, n in self.links if m in first and n in first]
        return _components(chosen, joined)


class Shingled(Mapping[str, frozenset[str]]):
    """Shingle sets of texts, each made when it is asked for: as strings they take many times the memory of the texts."""

    def __init__(self, texts: Mapping[str, str], shingles: Callable[[str], frozenset[str]]) -> None:
        """Take texts by id, and what makes the shingle set of one."""
        self._texts, self._shingles = texts, shingles

    def __getitem__(self, id_: str) -> frozenset[str]:
        """Return the shingle set of one text."""
        return self._shingles(self._texts[id_])

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def near_duplicates(
    shingles: Mapping[str, frozenset[str]], threshold: float, *, label: str = "near-duplicates"
) -> NearDuplicates:
    """Return which ids have shingle sets with a Jaccard similarity >= ``threshold``.

    MinHash and locality-sensitive hashing propose the pairs; every proposed pair is then checked exactly,
    so there is never a false alarm; a pair at the threshold is missed once in a thousand times.

    Args:
        shingles: Shingle set of each id; each is asked for once, so that of very many texts ``Shingled`` holds none.
        threshold: Least Jaccard similarity of a linked pair, above 0, at most 1.
        label: Name of the progress bar.

    Raises:
        ValueError: ``threshold`` is not between 0 and 1.

    Reference: Broder 1997, "On the resemblance and containment of documents".

    >>> from tutorial_lib.text import char_shingles
    >>> texts = {"a": "restart the router", "b": "Restart a router!", "c": "pay by card"}
    >>> near_duplicates(Shingled(texts, char_shingles), 0.9).groups()
    [['a', 'b']]
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}: pass a Jaccard similarity above 0, at most 1")
    kind_of: dict[str, int] = {}
    # Identical sets are one kind: thousands of them would all be proposed to each other.
    number: dict[bytes, int] = {}
    keys, empty = np.empty((len(shingles), _bands(threshold)[0]), dtype=np.uint64), MinHash(num_perm=PERMUTATIONS)
    for id_ in tqdm(sorted(shingles), desc=label, disable=len(shingles) < 5000, leave=False):
        found = shingles[id_]
        kind = kind_of[id_] = number.setdefault(_packed(found), len(number))
        if kind == len(number) - 1:
            keys[kind] = _band_keys(found, empty, *_bands(threshold))
    return NearDuplicates(kind_of, _linked(list(number), keys[: len(number)], threshold))


def near_duplicate_groups(
    shingles: Mapping[str, frozenset[str]], threshold: float, *, label: str = "near-duplicates"
) -> list[list[str]]:
    """Return the groups of ``near_duplicates(shingles, threshold)``: of at least two ids, each sorted, by their first id.

    Raises:
        ValueError: ``threshold`` is not between 0 and 1.
    """
    return near_duplicates(shingles, threshold, label=label).groups()


def _bands(threshold: float) -> tuple[int, int]:
    """Return (bands, rows): the most selective choice that misses a pair at the threshold less than once in 1,000."""
    # datasketch's own choice for a threshold balances misses and false alarms: at 0.9 it misses some 40 % of the pairs
    # there. False alarms cost us a comparison, misses a leak.
    for rows in (32, 16, 8, 4, 2, 1):
        bands = PERMUTATIONS // rows
        if (1 - threshold**rows) ** bands < 0.001:
            return bands, rows
    return PERMUTATIONS, 1


def _packed(shingles: frozenset[str]) -> bytes:
    """Return a set as int64 numbers in ascending order; that two of its shingles share one is as good as impossible."""
    return np.sort(np.fromiter(map(hash, shingles), np.int64, len(shingles))).tobytes()


def _band_keys(shingles: frozenset[str], empty: MinHash, bands: int, rows: int) -> NDArray[np.uint64]:
    """Return one number for each band of a set's MinHash signature, uint64, (bands,): equal bands have equal numbers."""
    signature = empty.copy()  # with its permutations, which are drawn once
    signature.update_batch([s.encode() for s in shingles])
    return (signature.hashvalues[: bands * rows].reshape(bands, rows).astype(np.uint64) * _FACTORS[:rows]).sum(axis=1)


def _linked(sets: Sequence[bytes], keys: NDArray[np.uint64], threshold: float) -> list[tuple[int, int]]:
    """Return the pairs of different ``sets`` that reach the threshold, by their places, in ascending order."""
    sizes = np.array([len(s) for s in sets])
    links = []
    for m, n in _proposed(keys):
        smaller, larger = np.minimum(sizes[m], sizes[n]), np.maximum(sizes[m], sizes[n])
        near = smaller / larger >= threshold  # sets of other sizes cannot reach it
        pairs = zip(m[near].tolist(), n[near].tolist(), strict=True)
        links += [(a, b) for a, b in pairs if _similarity(sets[a], sets[b]) >= threshold]
    return sorted(links)


def _proposed(keys: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield pairs of rows of ``keys`` (texts, bands) that agree in a band, the first before the second, each pair once."""
    for band in range(keys.shape[1]):
        order = np.argsort(keys[:, band], kind="stable")
        ordered, first = keys[order, band], np.arange(len(order))
        for apart in itertools.count(1):  # the next one, the one after it, …: equal keys stand together
            first = first[first + apart < len(order)]
            first = first[ordered[first] == ordered[first + apart]]
            if not len(first):
                break
            m, n = order[first], order[first + apart]
            new = ~(keys[m, :band] == keys[n, :band]).any(axis=1)
            yield m[new], n[new]


def _similarity(a: bytes, b: bytes) -> float:
    """Return the Jaccard similarity of two packed sets, not both empty."""
    one, other = np.frombuffer(a, np.int64), np.frombuffer(b, np.int64)
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def _components(ids: Sequence[str], links: Sequence[tuple[int, int]]) -> list[list[str]]:
    """Return the ids that ``links`` of their places join, in groups."""
    rows, columns = np.array(links, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(len(ids), len(ids)))
    component = connected_components(graph, directed=False)[1]
    members: dict[int, list[str]] = {}
    for n in np.union1d(rows, columns).tolist():  # who has no link is in no group
        members.setdefault(int(component[n]), []).append(ids[n])
    return sorted(members.values())
