"""The loss of lists of documents, and a training step that takes them side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from sentence_transformers.cross_encoder.losses import ListNetLoss

from tutorial_lib.models.cross_encoder import CrossEncoder
from tutorial_lib.models.hardware import side_by_side

_TOKENIZING = threading.Lock()
"""Held by the thread that uses the tokenizer, which serves one at a time."""


class ListLoss(ListNetLoss):
    """ListNet's loss of lists of one length, read as they are read to be scored: in one batch, padded by tokens.

    Reference: Cao et al. 2007, "Learning to rank: from pairwise approach to listwise approach", ICML 2007.
    """

    def __init__(self, cross_encoder: CrossEncoder) -> None:
        """Take the model that is trained."""
        super().__init__(cross_encoder.model)
        self.cross_encoder = cross_encoder

    def forward(
        self, inputs: Sequence[Any], labels: Sequence[torch.Tensor], prompt: str | None = None, task: str | None = None
    ) -> torch.Tensor:
        """Return the mean over lists of the cross entropy between the softmax of the labels and that of the scores.

        Args:
            inputs: B queries, and for each the texts of its N documents.
            labels: For each query its N labels.
            prompt: None: it is sentence-transformers' own.
            task: None, as well.
        """
        queries, lists = inputs
        pairs = [(query, document) for query, documents in zip(queries, lists, strict=True) for document in documents]
        with _TOKENIZING:
            read = self.cross_encoder.read(pairs)
        scores = self.cross_encoder.model(read)["scores"].float().reshape(len(queries), -1)  # (B, N)
        target = torch.stack(list(labels)).to(scores.device, torch.float32).softmax(dim=1)  # (B, N)
        return torch.nn.functional.cross_entropy(scores, target)


def backward_side_by_side(
    loss_of: Callable[[dict[str, Any]], torch.Tensor], inputs: dict[str, Any], model: torch.nn.Module
) -> torch.Tensor:
    """Give the parameters of ``model`` their gradients of the mean loss of a batch on a CPU, and return that loss.

    As many parts of the batch are taken at a time as torch has threads, one thread each: threads that share every product
    wait for each other. Gradients are added up in the order of the parts, so that a run repeats to the last bit.

    Args:
        loss_of: Returns the mean loss of some rows.
        inputs: The batch: a list of B items by the name of its column.
        model: What ``loss_of`` computes with; its gradients are empty.
    """
    rows = len(next(iter(inputs.values())))
    count = min(rows, torch.get_num_threads())
    parts = [{name: column[n::count] for name, column in inputs.items()} for n in range(count)]
    trained = [p for p in model.parameters() if p.requires_grad]

    def backward(part: dict[str, Any]) -> tuple[torch.Tensor, tuple[torch.Tensor | None, ...]]:
        loss = loss_of(part) * (len(next(iter(part.values()))) / rows)
        return loss.detach(), torch.autograd.grad(loss, trained, allow_unused=True)

    with side_by_side(torch.device("cpu"), count) as run:
        done = list(run(backward, parts))
    for parameter, *gradients in zip(trained, *(gradients for _, gradients in done), strict=True):
        if found := [g for g in gradients if g is not None]:
            parameter.grad = torch.stack(found).sum(0) if len(found) > 1 else found[0]
    return torch.stack([loss for loss, _ in done]).sum()
