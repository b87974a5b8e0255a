"""Losses of a batch of pairs. A new one is a function here, and the setting that ``batch_loss`` chooses it by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tutorial_lib.training.settings import TrainSettings


def batch_loss(vectors: torch.Tensor, batch: Mapping[str, Any], settings: TrainSettings) -> torch.Tensor:
    """Return the loss that ``settings`` ask for of one batch: a scalar, lower is better.

    Args:
        vectors: float32, (rows, D), unit length: of the batch's texts, in the order of its groups.
        batch: What ``PairCollator`` made of pairs: ``order`` tells which row is whose, queries first; ``answers``,
            ``masked`` and ``fixed`` are what ``contrastive_loss`` takes; ``targets`` and ``weight`` are a teacher's.
        settings: Temperature and matryoshka sizes.
    """
    vectors = vectors[batch["order"]]
    size = len(batch["answers"])
    queries, documents = vectors[:size], batch.get("fixed", vectors[size:])
    loss = matryoshka_loss(queries, documents, batch["answers"], batch["masked"], settings.temperature, settings.matryoshka)
    if "targets" in batch:
        loss = loss + batch["weight"] * teaching_loss(queries @ documents.T, batch["targets"], settings.temperature)
    return loss


def contrastive_loss(
    query_vectors: torch.Tensor,
    document_vectors: torch.Tensor,
    answers: torch.Tensor,
    masked: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """Return InfoNCE: the mean over queries of -log softmax of the own positive among all articles of the batch.

    >>> query, articles = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.6, 0.8], [0.8, 0.6]])
    >>> nothing = torch.zeros(1, 2, dtype=torch.bool)
    >>> loss = contrastive_loss(query, articles, torch.tensor([1]), nothing, temperature=0.2)
    >>> round(loss.item(), 4)  # -log(e**4 / (e**3 + e**4)): cosines 0.6 and 0.8, divided by 0.2
    0.3133

    Args:
        query_vectors: float32, (B, D), unit length.
        document_vectors: float32, (M, D), unit length; M counts each article of the batch once.
        answers: int64, (B,): the column of each query's positive.
        masked: bool, (B, M): other known positives of a query (and near-duplicates), left out of its softmax.
        temperature: Divides the cosines.

    Reference: van den Oord et al. 2018, arXiv:1807.03748, equation 4; Karpukhin et al. 2020, arXiv:2004.04906, eq. 2.
    """
    cosines = query_vectors @ document_vectors.T  # (B, M)
    logits = (cosines / temperature).masked_fill(masked, float("-inf"))
    return torch.nn.functional.cross_entropy(logits, answers)


def matryoshka_loss(
    query_vectors: torch.Tensor,
    document_vectors: torch.Tensor,
    answers: torch.Tensor,
    masked: torch.Tensor,
    temperature: float,
    dimensions: Sequence[int],
) -> torch.Tensor:
    """Return the mean of ``contrastive_loss`` over the whole vectors and their first ``dimensions`` numbers.

    Arguments as in ``contrastive_loss``; what is cut off is scaled to unit length again.

    Reference: Kusupati et al. 2022, "Matryoshka representation learning", arXiv:2205.13147, section 3.
    """
    losses = [contrastive_loss(query_vectors, document_vectors, answers, masked, temperature)]
    for size in dimensions:
        queries, documents = (torch.nn.functional.normalize(v[:, :size], dim=1) for v in (query_vectors, document_vectors))
        losses.append(contrastive_loss(queries, documents, answers, masked, temperature))
    return torch.stack(losses).mean()


def teacher_shares(
    ranked: Sequence[tuple[Sequence[int], Sequence[float]]], documents: int, temperature: float
) -> torch.Tensor:
    """Return what share a teacher gives each document of a batch: float32, (B, ``documents``), 1 in all for each query.

    >>> teacher_shares([([2, 0], [0.5, 0.5]), ([], [])], documents=3, temperature=0.5).tolist()
    [[0.5, 0.0, 0.5], [0.0, 0.0, 0.0]]

    Args:
        ranked: For each query the columns of the documents that the teacher ranks, and their scores.
        documents: Columns of the batch.
        temperature: Divides the scores before the softmax; lower is sharper.
    """
    made = torch.zeros(len(ranked), documents)
    for line, (columns, scores) in enumerate(ranked):
        made[line, list(columns)] = torch.softmax(torch.tensor(scores, dtype=torch.float32) / temperature, 0)
    return made


def teaching_loss(cosines: torch.Tensor, targets: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the mean over queries of the Kullback-Leibler divergence of the cosines' softmax from a teacher's shares.

    >>> cosines, targets = torch.tensor([[0.8, 0.6, 0.9]]), torch.tensor([[0.5, 0.5, 0.0]])
    >>> round(teaching_loss(cosines, targets, temperature=0.2).item(), 4)  # softmax of 4 and 3: 0.7311 and 0.2689
    0.1201

    Args:
        cosines: float32, (B, M).
        targets: float32, (B, M): the share of each document among those that the teacher ranks for a query, which make 1
            together; 0 of all others, which are not compared. Queries without any are left out of the mean.
        temperature: Divides the cosines.

    Reference: Hinton, Vinyals and Dean 2015, arXiv:1503.02531.
    """
    taught = targets.sum(1) > 0
    if not taught.any():
        return cosines.new_zeros(())
    shares = targets[taught]
    logs = torch.log_softmax((cosines[taught] / temperature).masked_fill(shares == 0, float("-inf")), 1)
    return (torch.xlogy(shares, shares) - shares * logs.masked_fill(shares == 0, 0.0)).sum(1).mean()
