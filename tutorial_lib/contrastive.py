"""Contrastive learning: training pairs, batches of them, and the InfoNCE loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from tutorial_lib.data.dataset import DataError, RetrievalDataset, relevant
from tutorial_lib.mining import near_duplicates_of
from tutorial_lib.models.encoder import Encoder, length_batches

if TYPE_CHECKING:
    from tutorial_lib.finetune import TrainSettings


@dataclass(frozen=True)
class Pair:
    """One training example: a query, one article that answers it, and articles that do not."""

    query_id: str
    query: str
    positive_id: str
    negative_ids: tuple[str, ...]


def articles_of(pairs: Sequence[Pair]) -> list[str]:
    """Return the ids of all articles in ``pairs``, positives and negatives, each once, in ascending order."""
    return sorted({a for p in pairs for a in (p.positive_id, *p.negative_ids)})


def training_pairs(
    dataset: RetrievalDataset, negatives: Mapping[str, Sequence[str]], count: int
) -> list[Pair]:
    """Return one pair for each (query, positive) of the training split, each with its first ``count`` negatives.

    Raises:
        DataError: ``negatives`` names an article that is judged relevant to its query, or is not in the corpus.
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


def contrastive_loss(
    query_vectors: torch.Tensor, article_vectors: torch.Tensor, answers: torch.Tensor, masked: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """Return InfoNCE: the mean over queries of -log softmax of the own positive among all articles of the batch.

    Args:
        query_vectors: float32, (B, D), unit length.
        article_vectors: float32, (M, D), unit length; M counts each article of the batch once.
        answers: int64, (B,): the column of each query's positive.
        masked: bool, (B, M): other known positives of a query (and near-duplicates), left out of its softmax.
        temperature: Divides the cosines.

    Reference: van den Oord et al. 2018, arXiv:1807.03748, equation 4; Karpukhin et al. 2020, arXiv:2004.04906, eq. 2.
    """
    cosines = query_vectors @ article_vectors.T  # (B, M)
    logits = (cosines / temperature).masked_fill(masked, float("-inf"))
    return torch.nn.functional.cross_entropy(logits, answers)


def matryoshka_loss(
    query_vectors: torch.Tensor, article_vectors: torch.Tensor, answers: torch.Tensor, masked: torch.Tensor,
    temperature: float, dimensions: Sequence[int],
) -> torch.Tensor:
    """Return the mean of ``contrastive_loss`` over the whole vectors and their first ``dimensions`` numbers.

    Arguments as in ``contrastive_loss``; what is cut off is scaled to unit length again.

    Reference: Kusupati et al. 2022, "Matryoshka representation learning", arXiv:2205.13147, section 3.
    """
    losses = [contrastive_loss(query_vectors, article_vectors, answers, masked, temperature)]
    for size in dimensions:
        queries, articles = (torch.nn.functional.normalize(v[:, :size], dim=1) for v in (query_vectors, article_vectors))
        losses.append(contrastive_loss(queries, articles, answers, masked, temperature))
    return torch.stack(losses).mean()


class PairCollator:
    """Turns pairs into one batch: every text once, in groups of similar length, plus who answers whom."""

    def __init__(
        self, dataset: RetrievalDataset, encoder: Encoder, settings: TrainSettings,
        fixed_articles: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        """Take texts, judgments and near-duplicates from ``dataset``, tokens and prompts from ``encoder``.

        With ``fixed_articles`` (id -> vector of shape (D,)) only queries are encoded; articles keep these vectors.
        """
        self._dataset, self._encoder, self._settings = dataset, encoder, settings
        self._twins = near_duplicates_of(dataset) if settings.mask_known_positives else {}
        self._fixed = fixed_articles

    def known_positives(self, query_id: str) -> set[str]:
        """Return the articles that must not count as negatives of a query: its positives and their near-duplicates."""
        positives = relevant(self._dataset.qrels["train"][query_id])
        return set(positives).union(*(self._twins.get(a, ()) for a in positives))

    def __call__(self, pairs: Sequence[Pair]) -> dict[str, Any]:
        """Return one batch.

        Returns:
            ``groups`` of padded inputs; ``order`` to undo their sorting, queries first; ``answers`` (B,), ``masked`` (B, M);
            and ``fixed`` (M, D), the article vectors, if articles are not encoded.
        """
        articles = list(dict.fromkeys([p.positive_id for p in pairs] + [a for p in pairs for a in p.negative_ids]))
        column = {a: n for n, a in enumerate(articles)}
        masked = torch.zeros(len(pairs), len(articles), dtype=torch.bool)
        for row, pair in enumerate(pairs if self._settings.mask_known_positives else ()):
            known = [column[a] for a in self.known_positives(pair.query_id) if a in column and a != pair.positive_id]
            masked[row, known] = True
        prompts = self._encoder.settings
        texts = [prompts.query_prompt + p.query for p in pairs]
        if self._fixed is None:
            texts += [prompts.document_prompt + self._dataset.corpus[a].full_text for a in articles]
        tokens = self._encoder.tokenize(texts, max_length=self._settings.max_length)
        batches = length_batches([len(t) for t in tokens], self._settings.token_budget)
        order = torch.empty(len(tokens), dtype=torch.int64)
        order[torch.tensor([n for batch in batches for n in batch])] = torch.arange(len(tokens))
        fixed = {} if self._fixed is None else {"fixed": torch.stack([self._fixed[a] for a in articles])}
        return {
            "groups": [self._encoder.pad([tokens[n] for n in batch]) for batch in batches],
            "order": order,
            "answers": torch.tensor([column[p.positive_id] for p in pairs]),
            "masked": masked,
            **fixed,
        }
