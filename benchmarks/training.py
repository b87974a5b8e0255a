"""LoRA training, pairs a second and peak memory: ours against sentence-transformers, in turn, on the same pairs.

    python -m benchmarks.training --data BEIR_FOLDER --out benchmarks/results/training.json [--repeats 3] [--steps 12]
    python -m benchmarks.training --data BEIR_FOLDER --profile --steps 6      (where does our time go?)

Same articles and hard negatives, adapter, batch of 64, window, threads; and ours once more as a workspace runs it, with the
window that dev chooses. Each run is a process of its own; the first two steps of each are not counted. A batch of 1,024 is
run once, for its memory. A second call goes on where the first one stopped. Whether the models come out equally good is in
benchmarks.quality. TUTORIAL_PRECISION=float32 in the environment takes the units for bfloat16 away from both.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.machine import description, in_child, peak_mb, ratios
from benchmarks.peers import StepClock, sentence_transformers
from tutorial_lib.data.beir import read_beir
from tutorial_lib.evaluation.choose import choose_settings
from tutorial_lib.files import write_text
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.hardware import bf16_is_fast
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.mining import MinedNegatives, mine_negatives
from tutorial_lib.training.settings import LoraSettings, TrainSettings

SETTINGS = TrainSettings(dev_queries=0, dev_evaluations=1)
SKIPPED = 2
OURS, CHOSEN, LARGE = "ours", "ours, the window that dev chose", "ours, batch 1,024"


def one(system: str, data: Path, negatives: Path, model: str, steps: int, chosen: int | None) -> dict[str, Any]:
    """Train ``steps`` steps with one system; return pairs a second and this process's peak memory.

    ``chosen`` is the window that dev chose, None where it is the model's own.
    """
    dataset, mined = read_beir(data), MinedNegatives.load(negatives).negatives
    clock = StepClock(steps)
    before = peak_mb()
    settings = replace(SETTINGS, batch_size=1024) if system == LARGE else SETTINGS
    if system in (OURS, CHOSEN, LARGE):
        window = chosen if system == CHOSEN else None
        unused = BM25({"a": "unused"})  # for a dev pool, which is not asked for
        with tempfile.TemporaryDirectory() as folder:
            run = prepare_training(dataset, mined, unused, Path(folder), model=model, window=window, settings=settings)
            run.trainer.add_callback(clock)
            run.train()
    else:
        sentence_transformers(dataset, mined, model, LoraSettings(), SETTINGS, bf16=system.endswith("bf16"), clock=clock)
    return {
        "system": system,
        "pairs_per_s": clock.pairs_per_s(settings.batch_size, SKIPPED),
        "peak_mb": peak_mb(),
        "before_mb": before,
        "steps": len(clock.times) - 1,
    }


def mined_into(folder: Path, data: Path, model: str) -> int | None:
    """Mine hard negatives into ``folder``; return the window that dev chooses, None where it is the model's own."""
    dataset, base = read_beir(data), Encoder.load(model)
    mine_negatives(dataset, BM25(dataset.document_texts()), Vectors.of(dataset, base, ["train"])).save(folder)
    return choose_settings(dataset, base).training_window(TrainSettings.max_length)


def ratios_of(rows: Mapping[str, list[dict[str, Any]]], figure: str, ours: str, other: str) -> Any:
    """Return how one system's figure stands to another's, repeat by repeat."""
    return ratios([row[figure] for row in rows[ours]], [row[figure] for row in rows[other]])


def main() -> None:
    """Measure all systems in turn and write rows, ratios and the machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="prepared BEIR folder")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--negatives", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--chosen", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--profile", action="store_true", help="print the operations that our training spends its time in")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one, options.data, options.negatives, options.model, options.steps, options.chosen)))
        return
    systems = [OURS, CHOSEN, "sentence-transformers", *(["sentence-transformers bf16"] if bf16_is_fast() else [])]
    rows = json.loads(options.out.read_text())["rows"] if options.out and options.out.exists() else []
    jobs = [(repeat, system, options.steps) for repeat in range(options.repeats) for system in systems]
    with tempfile.TemporaryDirectory() as folder:
        window = mined_into(Path(folder), options.data, options.model)
        if options.profile:
            with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
                one(CHOSEN, options.data, Path(folder), options.model, options.steps, window)
            print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=15, max_name_column_width=48))
            return
        for repeat, system, steps in [*jobs, (0, LARGE, SKIPPED + 1)]:
            if any((r["repeat"], r["system"]) == (repeat, system) for r in rows):
                continue
            rows.append(
                {
                    "repeat": repeat,
                    **in_child(
                        "benchmarks.training",
                        "--one",
                        system,
                        "--data",
                        str(options.data),
                        "--model",
                        options.model,
                        "--negatives",
                        folder,
                        "--steps",
                        str(steps),
                        *(["--chosen", str(window)] if window else []),
                    ),
                }
            )
            print(json.dumps(rows[-1]), flush=True)
            if options.out:
                write_text(options.out, json.dumps({"rows": rows}, indent=1))
    of = {s: [r for r in rows if r["system"] == s] for s in (*systems, LARGE)}
    record = {
        "command": f"python -m benchmarks.training --data {options.data.name} --repeats {options.repeats} --steps "
        f"{options.steps}",
        "machine": description(),
        "rows": rows,
        "window": window,
        "speed_ratio": {s: ratios_of(of, "pairs_per_s", OURS, s) for s in systems[2:]},
        "memory_ratio": {s: ratios_of(of, "peak_mb", OURS, s) for s in systems[2:]},
        "speed_ratio_at_chosen_window": {s: ratios_of(of, "pairs_per_s", CHOSEN, s) for s in systems[2:]},
        "memory_ratio_at_chosen_window": {s: ratios_of(of, "peak_mb", CHOSEN, s) for s in systems[2:]},
        "memory_of_batch_1024": of[LARGE][0]["peak_mb"] / median(r["peak_mb"] for r in of[OURS]),
    }
    print(json.dumps({k: v for k, v in record.items() if k not in ("command", "rows")}, indent=1))
    if options.out:
        write_text(options.out, json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
