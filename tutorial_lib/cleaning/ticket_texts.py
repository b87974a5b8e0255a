"""The texts that customers wrote, taken out of a dataset and put back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tutorial_lib.data.dataset import Query, RetrievalDataset
from tutorial_lib.text import has_words


def ticket_texts(dataset: RetrievalDataset) -> dict[str, str]:
    """Return the text of each ticket by query id; queries from elsewhere (searches, a golden set) are left out."""
    return {q: v.text for q, v in dataset.queries.items() if v.metadata.get("source") == "ticket"}


def with_texts(dataset: RetrievalDataset, texts: Mapping[str, str]) -> RetrievalDataset:
    """Return the dataset with these query texts; a query left without words goes."""
    queries = {q: Query(q, texts.get(q, v.text), v.metadata) for q, v in dataset.queries.items()}
    kept = {q for q, v in queries.items() if has_words(v.text)}
    return replace(dataset, queries=queries).restrict(queries=kept)
