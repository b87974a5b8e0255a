"""Saving a tuned model so that others load it: sentence-transformers' folder and a model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.files import CHECKSUM_FILE, sha256_of
from tutorial_lib.models.lora import LoraSettings
from tutorial_lib.models.prompts import PROMPT_FILE, prompts_record
from tutorial_lib.trainer import DEV_METRIC

if TYPE_CHECKING:
    from tutorial_lib.finetune import TrainResult, TrainSettings


def save_model(encoder: Encoder, folder: Path, card: str) -> None:
    """Write ``encoder`` as a folder that ``SentenceTransformer(folder)`` and ``Encoder.load(folder)`` both read.

    The SHA-256 of the weights is written beside them and checked by ``Encoder.load``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    encoder.model.save_pretrained(str(folder), safe_serialization=True)
    encoder.tokenizer.save_pretrained(str(folder))
    s = encoder.settings
    prefix = "sentence_transformers.models"
    files: dict[str, Any] = {
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": f"{prefix}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{prefix}.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{prefix}.Normalize"},
        ],
        "sentence_bert_config.json": {"max_seq_length": s.max_length, "do_lower_case": False},
        PROMPT_FILE: prompts_record(s),
        "1_Pooling/config.json": {"word_embedding_dimension": encoder.dimension,
                                  **{f"pooling_mode_{k}": s.pooling == v for k, v in
                                     {"cls_token": "cls", "mean_tokens": "mean", "lasttoken": "lasttoken"}.items()}},
        CHECKSUM_FILE: {f.name: sha256_of(f) for f in sorted(folder.glob("*.safetensors"))},
    }
    (folder / "2_Normalize").mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=2), encoding="utf-8")
    (folder / "README.md").write_text(card, encoding="utf-8")


def model_card(
    dataset: RetrievalDataset, base: str, lora: LoraSettings | None, settings: TrainSettings, result: TrainResult
) -> str:
    """Return a model card in Markdown: data, settings, dev scores; test figures live in the run's report."""
    counts = dataset.counts()
    lines = [
        "---", f"base_model: {base}", "library_name: sentence-transformers", "pipeline_tag: sentence-similarity",
        "tags: [sentence-transformers, feature-extraction, lora, retrieval]", "---", "",
        f"# {Path(base).name} fine-tuned on {dataset.name}", "",
        f"- Data: {dataset.card.get('source', dataset.name)}; {counts['articles']:,} articles, {counts['train']:,} "
        f"training queries, {result.pairs:,} pairs; licence: {dataset.card.get('licence', 'not stated')}",
        (f"- Adapter: LoRA rank {lora.rank}, alpha {lora.alpha}, on {lora.target_modules}; " if lora else "- All weights; ")
        + f"{result.trainable:,} of {result.parameters:,} parameters trained",
        f"- Training: {', '.join(f'{k} {v}' for k, v in vars(settings).items())}",
        f"- Loss: InfoNCE, {result.losses[0][1]:.3f} at step {result.losses[0][0]}, {result.losses[-1][1]:.3f} at "
        f"step {result.losses[-1][0]}" if result.losses else "- Loss: no step was logged",
        _dev_line(result),
        "", "Load it with `SentenceTransformer(folder)`; vectors are unit length, compare them by dot product.", "",
    ]
    return "\n".join(lines)


def _dev_line(result: TrainResult) -> str:
    if not result.dev:
        return "- Dev: no part in this training"
    kept = dict(result.strengths).get(result.strength, result.dev[0][1])
    return (f"- Dev {DEV_METRIC} on a fixed pool: {result.dev[0][1]:.3f} before, {kept:.3f} with {result.strength:.0%} of "
            f"the update of step {result.best_step}")
