"""The model card of a training run."""

from __future__ import annotations

from pathlib import Path

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.training.settings import LoraSettings, TrainResult, TrainSettings


def model_card(
    dataset: RetrievalDataset, base: str, lora: LoraSettings | None, settings: TrainSettings, result: TrainResult
) -> str:
    """Return a model card in Markdown: data, settings, dev scores; test figures live in the run's report."""
    counts = dataset.counts()
    lines = [
        "---",
        f"base_model: {base}",
        "library_name: sentence-transformers",
        "pipeline_tag: sentence-similarity",
        "tags: [sentence-transformers, feature-extraction, lora, retrieval]",
        "---",
        "",
        f"# {Path(base).name} fine-tuned on {dataset.name}",
        "",
        f"- Data: {dataset.card.get('source', dataset.name)}; {counts['articles']:,} articles, {counts['train']:,} "
        f"training queries, {result.pairs:,} pairs; licence: {dataset.card.get('licence', 'not stated')}",
        (f"- Adapter: LoRA rank {lora.rank}, alpha {lora.alpha}, on {lora.target_modules}; " if lora else "- All weights; ")
        + f"{result.trainable:,} of {result.parameters:,} parameters trained",
        f"- Training: {', '.join(f'{k} {v}' for k, v in vars(settings).items())}",
        f"- Loss: InfoNCE, {result.losses[0][1]:.3f} at step {result.losses[0][0]}, {result.losses[-1][1]:.3f} at "
        f"step {result.losses[-1][0]}"
        if result.losses
        else "- Loss: no step was logged",
        _dev_line(result),
        "",
        "Load it with `SentenceTransformer(folder)`; vectors are unit length, compare them by dot product.",
        "",
    ]
    return "\n".join(lines)


def _dev_line(result: TrainResult) -> str:
    if not result.dev:
        return "- Dev: no part in this training"
    kept = dict(result.strengths).get(result.strength, result.dev[0][1])
    return (
        f"- Dev {MAIN_MEASURE} on a fixed pool: {result.dev[0][1]:.3f} before, {kept:.3f} with {result.strength:.0%} of "
        f"the update of step {result.best_step}"
    )
