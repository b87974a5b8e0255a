"""The model card of a training run."""

from __future__ import annotations

import html
import re
from pathlib import Path

import yaml

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.training.settings import LoraSettings, TrainResult, TrainSettings


def model_card(
    dataset: RetrievalDataset, base: str, lora: LoraSettings | None, settings: TrainSettings, result: TrainResult
) -> str:
    """Return a model card in Markdown: data, settings, dev scores; test figures live in the run's report."""
    counts, source, licence = dataset.counts(), dataset.card.get("source", dataset.name), dataset.card.get("licence")
    name = published(base)
    lines = [
        _front_matter(name),
        "",
        f"# {plain(Path(name).name)} fine-tuned on {plain(dataset.name)}",
        "",
        f"- Data: {plain(source)}; {counts['articles']:,} articles, {counts['train']:,} training queries, "
        f"{result.pairs:,} pairs; licence: {plain(licence or 'not stated')}",
        (
            f"- Adapter: LoRA rank {lora.rank}, alpha {lora.alpha}, on {plain(lora.target_modules)}{_summed(lora, result)}; "
            if lora
            else "- All weights; "
        )
        + f"{result.trainable:,} of {result.parameters:,} parameters trained",
        f"- Training: {', '.join(f'{k} {plain(v)}' for k, v in vars(settings).items())}",
        _loss_line(result),
        _dev_line(result),
        "",
        *_use(settings),
        "",
    ]
    return "\n".join(lines)


def _front_matter(base: str) -> str:
    entries = {
        "base_model": base,
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "feature-extraction", "lora", "retrieval"],
    }
    return f"---\n{yaml.safe_dump(entries, sort_keys=False, allow_unicode=True)}---"


def published(base: str) -> str:
    """Return the name of a base model for others: of a folder its last part, since where it lies is nobody's business."""
    folder = Path(base)
    local = folder.is_absolute() or base.startswith((".", "~")) or len(folder.parts) > 2 or folder.is_dir()
    return (folder.name or folder.resolve().name) if local else base


def plain(value: object) -> str:
    r"""Return a text of others' on one line, so that neither Markdown nor HTML in it takes effect.

    >>> plain("<img src=x> [a](b)")
    '&lt;img src=x&gt; \\[a\\](b)'
    """
    return re.sub(r"([\\`\[\]])", r"\\\1", html.escape(" ".join(str(value).split()), quote=False))


def _use(settings: TrainSettings) -> list[str]:
    lines = [
        "Load it with `SentenceTransformer(folder)`, which for an adapter's folder needs the base model as well; "
        "vectors are unit length, compare them by dot product.",
    ]
    if settings.matryoshka:
        sizes = ", ".join(str(size) for size in settings.matryoshka)
        lines += [
            "",
            f"Vectors may be cut to {sizes} numbers (`truncate_dim`). A cut vector is no longer of unit length: compare by "
            "cosine, or encode with `normalize_embeddings=True`.",
        ]
    return lines


def _summed(lora: LoraSettings, result: TrainResult) -> str:
    trainings = len(result.runs)
    return f", in each of {trainings} trainings; rank {trainings * lora.rank} in their mean" if trainings else ""


def _loss_line(result: TrainResult) -> str:
    if not result.losses:
        return "- Loss: no step was logged"
    (first, loss), (last, final) = result.losses[0], result.losses[-1]
    return f"- Loss: InfoNCE, {loss:.3f} at step {first}, {final:.3f} at step {last}"


def _dev_line(result: TrainResult) -> str:
    if not result.dev:
        return "- Dev: no part in this training"
    scores = f"- Dev {MAIN_MEASURE} on a fixed pool: {result.dev[0][1]:.3f} before, {result.dev_kept:.3f} after"
    return f"{scores}; {result.what_was_kept}"
