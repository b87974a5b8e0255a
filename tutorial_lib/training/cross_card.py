"""The model card of a cross-encoder."""

from __future__ import annotations

from pathlib import Path

import yaml

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.training.card import plain, published
from tutorial_lib.training.cross_settings import CrossResult, CrossSettings


def cross_card(dataset: RetrievalDataset, base: str, settings: CrossSettings, result: CrossResult) -> str:
    """Return a model card in Markdown: data, settings, dev scores, and how to use it."""
    name, counts, licence = published(base), dataset.counts(), dataset.card.get("licence") or "not stated"
    front = {
        "base_model": name,
        "library_name": "sentence-transformers",
        "pipeline_tag": "text-ranking",
        "tags": ["sentence-transformers", "cross-encoder", "reranker"],
    }
    lines = [
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---",
        "",
        f"# Cross-encoder of {plain(Path(name).name)} trained on {plain(dataset.name)}",
        "",
        f"- Data: {plain(dataset.card.get('source', dataset.name))}; {counts['articles']:,} articles, "
        f"{result.pairs:,} pairs with {settings.negatives} negatives each; licence: {plain(licence)}",
        f"- {_trained(settings)}; {result.trainable:,} of {result.parameters:,} parameters trained; the head, on the pooled "
        "token vectors, began with random weights",
        f"- Training: {', '.join(f'{k} {plain(v)}' for k, v in vars(settings).items())}",
        _dev_line(result),
        "",
        "Load it with `sentence_transformers.CrossEncoder(folder)`. Scores compare documents of one query; they are no "
        "probabilities.",
        "",
    ]
    return "\n".join(lines)


def _trained(settings: CrossSettings) -> str:
    lora = settings.lora
    if lora is None:
        return "All weights"
    return f"LoRA rank {lora.rank}, alpha {lora.alpha}, on {plain(lora.target_modules)}, merged into the weights"


def _dev_line(result: CrossResult) -> str:
    tried = ", ".join(f"{score:.3f} at a share of {weight:g}" for weight, score in result.weights)
    said = f"use it with a share of {result.weight:g}" if result.weight else "no clear rise: keep the first ranking"
    return (
        f"- Dev {MAIN_MEASURE}: {result.dev[0][1]:.3f} by the first ranking; with its first {result.depth} documents ranked "
        f"again by the model of step {result.best_step}: {tried}; {said}"
    )
