"""Training pairs, their order, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Sampler

from tutorial_lib.data.dataset import DataError, RetrievalDataset, relevant
from tutorial_lib.models.encoder import Encoder, length_batches
from tutorial_lib.training.settings import TrainSettings
from tutorial_lib.training.teaching import Teaching


@dataclass(frozen=True)
class Pair:
    """One training example: a query, one article that answers it, and articles that do not."""

    query_id: str
    query: str
    positive_id: str
    negative_ids: tuple[str, ...]


def documents_of(pairs: Sequence[Pair]) -> list[str]:
    """Return the ids of all articles in ``pairs``, positives and negatives, each once, in ascending order."""
    return sorted({a for p in pairs for a in (p.positive_id, *p.negative_ids)})


def training_pairs(dataset: RetrievalDataset, negatives: Mapping[str, Sequence[str]], count: int) -> list[Pair]:
    """Return one pair for each (query, positive) of the training split, each with its first ``count`` negatives.

    Raises:
        DataError: There are fewer than two pairs, or ``negatives`` names an article that is judged relevant to its query,
            or is not in the corpus.
    """
    pairs = []
    for q, positive in dataset.pairs("train"):
        mined = tuple(negatives.get(q, ()))[:count]
        for a in mined:
            if a not in dataset.corpus or dataset.qrels["train"][q].get(a, 0) > 0:
                found = "not in the corpus" if a not in dataset.corpus else "judged relevant"
                raise DataError(f"negative {a!r} of query {q!r} is {found}: mine the negatives again from this dataset")
        pairs.append(Pair(q, dataset.queries[q].text, positive, mined))
    if len(pairs) < 2:
        raise DataError(f"{len(pairs)} training pairs: in-batch negatives need at least 2")
    return pairs


class PairCollator:
    """Turns pairs into one batch: every text once, in groups of similar length, plus who answers whom."""

    def __init__(
        self,
        dataset: RetrievalDataset,
        encoder: Encoder,
        settings: TrainSettings,
        fixed_documents: Mapping[str, torch.Tensor] | None = None,
        teaching: Teaching | None = None,
    ) -> None:
        """Take what batches are made of.

        Args:
            dataset: Gives texts, judgments and near-duplicates.
            encoder: Gives tokens and prompts.
            settings: Training settings.
            fixed_documents: Article id -> float32, (D,): with these only queries are encoded, and articles keep them.
            teaching: A teacher's ranking, or None.
        """
        self._dataset, self._encoder, self._settings = dataset, encoder, settings
        self._twins = dataset.twins() if settings.mask_known_positives else {}
        self._own = {q: {a} for q, a in dataset.own_documents.items()}
        self._fixed, self._teaching = fixed_documents, teaching

    def known_positives(self, query_id: str) -> set[str]:
        """Return the articles that must not count as negatives of a query: its positives, their near-duplicates, itself."""
        positives = relevant(self._dataset.qrels["train"][query_id])
        known = set(positives).union(*(self._twins.get(a, ()) for a in positives))
        return known | self._own.get(query_id, set())

    def __call__(self, pairs: Sequence[Pair]) -> dict[str, Any]:
        """Return one batch.

        Returns:
            ``groups`` of padded inputs; ``order`` to undo their sorting, queries first; ``answers`` (B,), ``masked`` (B, M);
            ``fixed`` (M, D), the article vectors, if articles are not encoded; and ``targets`` (B, M) and their ``weight``
            if there is a teacher.
        """
        documents = list(dict.fromkeys([p.positive_id for p in pairs] + [a for p in pairs for a in p.negative_ids]))
        column = {a: n for n, a in enumerate(documents)}
        fixed = {} if self._fixed is None else {"fixed": torch.stack([self._fixed[a] for a in documents])}
        taught: dict[str, Any] = {}
        if self._teaching:
            asked = [p.query_id for p in pairs]
            taught = {"targets": self._teaching.targets(asked, column), "weight": self._teaching.weight}
        return {
            **self._grouped(self._texts(pairs, [] if fixed else documents)),
            "answers": torch.tensor([column[p.positive_id] for p in pairs]),
            "masked": self._masked(pairs, column),
            **fixed,
            **taught,
        }

    def _masked(self, pairs: Sequence[Pair], column: Mapping[str, int]) -> torch.Tensor:
        """Return which of the batch's articles are left out of each query's softmax: bool, (B, M)."""
        masked = torch.zeros(len(pairs), len(column), dtype=torch.bool)
        for row, pair in enumerate(pairs if self._settings.mask_known_positives else ()):
            known = [column[a] for a in self.known_positives(pair.query_id) if a in column and a != pair.positive_id]
            masked[row, known] = True
        return masked

    def _texts(self, pairs: Sequence[Pair], documents: Sequence[str]) -> list[str]:
        """Return the queries' texts and then the articles', with their prompts."""
        prompts, corpus = self._encoder.settings, self._dataset.corpus
        queries = [prompts.query_prompt + p.query for p in pairs]
        return queries + [prompts.document_prompt + corpus[a].full_text for a in documents]

    def _grouped(self, texts: list[str]) -> dict[str, Any]:
        """Return the texts as ``groups`` of similar length, and the ``order`` that puts their rows back in place."""
        tokens = self._encoder.tokenize(texts, max_length=self._settings.max_length)
        batches = length_batches([len(t) for t in tokens], self._settings.token_budget)
        order = torch.empty(len(tokens), dtype=torch.int64)
        order[torch.tensor([n for batch in batches for n in batch])] = torch.arange(len(tokens))
        return {"groups": [self._encoder.pad([tokens[n] for n in batch]) for batch in batches], "order": order}


class Shuffled(Sampler[int]):
    """Another order each epoch, given by seed and epoch alone: the same after an interruption and in every process.

    Attributes:
        epoch: Which epoch's order is given next, counted from 0. Whoever trains sets it.
    """

    def __init__(self, size: int, seed: int) -> None:
        self._size, self._seed, self.epoch = size, seed, 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        return iter(np.random.default_rng([self._seed, self.epoch]).permutation(self._size).tolist())
