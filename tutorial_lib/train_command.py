"""Mine hard negatives, check, train an adapter and merge it into a model, from one BEIR folder and without a notebook.

Under torchrun each batch is shared among the processes, and the first of them mines and writes; --out must then be a folder
that all of them see. An interrupted run goes on from its last checkpoint when the same command is given again.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import re
import shutil
import sys
import typing
from collections.abc import Callable, Sequence
from dataclasses import Field, asdict, dataclass, fields
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState

from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.data.beir import read_beir
from tutorial_lib.data.dataset import DataError, RetrievalDataset
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.files import write_whole
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.hardware import default_device
from tutorial_lib.models.lora import merge_adapter, save_adapter
from tutorial_lib.models.saving import save_model
from tutorial_lib.models.settings import DEFAULT_MODEL, ModelError
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.training.card import model_card
from tutorial_lib.training.checks import preflight
from tutorial_lib.training.finetune import prepare_training, remove_checkpoints
from tutorial_lib.training.mining import MinedNegatives, MiningSettings, mine_negatives
from tutorial_lib.training.settings import LoraSettings, TrainResult, TrainSettings

SETTINGS = (TrainSettings, LoraSettings, MiningSettings)
POSITIVE = {"epochs", "learning_rate", "temperature"}
LEAST = {
    "min_steps": 0,
    "batch_size": 2,
    "negatives": 0,
    "warmup": 0,
    "max_length": 3,
    "dev_evaluations": 1,
    "dev_queries": 0,
    "dev_pool_per_query": 1,
    "matryoshka": 1,
    "activation_tokens": 0,
    "token_budget": 1,
    "seed": 0,
    "rank": 1,
    "alpha": 1,
    "dropout": 0,
    "upper_layers": 0,
}
MOST = {"warmup": 1.0, "dropout": 0.9}
TRAINED_WITH = ("train.", "lora.")
"""What begins so has no part in mining."""


@dataclass(frozen=True)
class Job:
    """What to train on what, and where to leave it.

    Attributes:
        data: BEIR folder.
        out: Folder of the run.
        model: Base model: a name, folder or Hub id.
        device: Where to train.
        drop_blank: Leave out articles and queries without a letter or digit.
        train: Training settings.
        lora: Shape of the adapter.
        mining: How hard negatives are chosen.
    """

    data: Path
    out: Path
    model: str
    device: torch.device
    drop_blank: bool
    train: TrainSettings
    lora: LoraSettings
    mining: MiningSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says and return the exit status: 0, 2 for unusable input, 1 if a file cannot be written."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        line = train(job_of(arguments))
    except (DataError, ModelError, OSError) as error:
        if os.environ.get("LOCAL_RANK", "0") == "0":  # once on each machine
            _say(f"error: {error}")
        return 1 if isinstance(error, OSError) else 2
    except KeyboardInterrupt:
        _say("interrupted: the same command goes on where this one stopped")
        return 130
    if _is_first():
        print(line)  # noqa: T201
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    return 0


# --- options ------------------------------------------------------------------------------------------------------


def job_of(arguments: Sequence[str] | None = None) -> Job:
    """Parse the command line.

    Raises:
        DataError: A setting is nothing to train with, or there is no such device.
    """
    parser = argparse.ArgumentParser(prog="python -m tutorial_lib.finetune", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="BEIR folder: corpus.jsonl, queries.jsonl, qrels/train.tsv; missing dev and test splits are drawn from train",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of this run: checkpoints, then adapter and model")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="base model: name, folder or Hub id (default: %(default)s)")
    parser.add_argument("--device", help="cpu, cuda or cuda:N (default: a GPU if there is one)")
    parser.add_argument("--drop-blank", action="store_true", help="leave out articles and queries without a letter or digit")
    for kind in SETTINGS:
        add_settings(parser, kind)
    given = vars(parser.parse_args(arguments))
    made = [_settings(kind, {f.name: given[f.name] for f in fields(kind) if f.name in given}) for kind in SETTINGS]
    model = str(Path(given["model"]).resolve()) if Path(given["model"]).is_dir() else given["model"]
    return Job(given["data"], given["out"], model, _device(given["device"]), given["drop_blank"], *made)


def add_settings(parser: argparse.ArgumentParser, kind: Any) -> None:
    """Give ``parser`` an option for each field of a settings class; what is not passed does not show in the result."""
    said, hints = descriptions(kind), typing.get_type_hints(kind)
    group = parser.add_argument_group(kind.__name__)
    for field in fields(kind):
        option: dict[str, Any] = {
            "default": argparse.SUPPRESS,
            "help": f"{said[field.name]} (default: {_shown(field)})".replace("%", "%%"),
        }
        if hints[field.name] is bool:
            option["action"] = argparse.BooleanOptionalAction
        else:
            option |= {"type": converter(hints[field.name]), "metavar": "X"}
        group.add_argument(_option(field.name), **option)


def descriptions(kind: type) -> dict[str, str]:
    """Return what the Attributes section of a class's docstring says about each attribute."""
    section = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2].split("\n\n")[0]
    entries = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", section, re.MULTILINE)
    return {name: " ".join(words.replace("`", "").split()) for name, words in entries}


def converter(annotation: Any) -> Callable[[str], Any]:
    """Return what turns an option's text into a field's value; commas divide the items of a tuple, "none" is None."""
    kinds = typing.get_args(annotation)
    if typing.get_origin(annotation) is tuple:

        def convert(text: str) -> Any:
            return tuple(kinds[0](part) for part in text.split(",") if part.strip() and text.lower() != "none")
    elif type(None) in kinds:

        def convert(text: str) -> Any:
            return None if text.lower() == "none" else kinds[0](text)
    elif kinds:  # target_modules: the one word as it is, the names of layers as a tuple

        def convert(text: str) -> Any:
            return text if text == "all-linear" else tuple(text.split(","))
    else:
        return annotation
    convert.__name__ = "value or list of values"  # argparse: "invalid value or list of values value: 'x'"
    return convert


def _shown(field: Field[Any]) -> str:
    return (",".join(map(str, field.default)) or "none") if isinstance(field.default, tuple) else str(field.default)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _settings(kind: Any, given: dict[str, Any]) -> Any:
    for name, value in given.items():
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float) and not _usable(name, number):
                least = "a number above 0" if name in POSITIVE else f"at least {LEAST[name]}"
                most = f" and at most {MOST[name]}" if name in MOST else ""
                raise DataError(f"{_option(name)} is {number}: pass {least}{most}")
    try:
        return kind(**given)
    except ValueError as error:
        raise DataError(str(error)) from error


def _usable(name: str, number: float) -> bool:
    if name in POSITIVE:
        return 0 < number < float("inf")  # a NaN is not
    return name not in LEAST or LEAST[name] <= number <= MOST.get(name, float("inf"))


def _device(name: str | None) -> torch.device:
    if name is None:
        return default_device()
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DataError(f"--device is {name!r}: pass cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DataError(
            f"--device is {name}, and this machine has {torch.cuda.device_count()} GPUs that torch can use: pass "
            "--device cpu, or leave it out"
        )
    if device.type == "cuda" and device.index:
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise DataError(f"--device is {name}, and torchrun gives each process a GPU of its own: pass --device cuda")
        return _only_gpu(device.index)
    return device


def _only_gpu(index: int) -> torch.device:
    """Hide every other GPU from this process: Trainer takes the first that it sees."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[index].strip() if visible else str(index)
    return torch.device("cuda")


# --- training -----------------------------------------------------------------------------------------------------


def train(job: Job) -> str:
    """Do what is left to do of a job and return one line on how it went.

    Raises:
        DataError: The data cannot be used, a check found an error, or ``job.out`` holds something else.
        ModelError: The model cannot be used.
    """
    _join_processes(job.device)
    dataset = prepare(read_beir(job.data, drop_blank=job.drop_blank))
    base = Encoder.load(
        job.model, device=job.device, query_prompt=job.train.query_prompt, document_prompt=job.train.document_prompt
    )
    settings = settings_record(job, dataset, base)
    found = found_settings(job.out, settings)
    _wait()  # until every process has looked, and nothing is written before
    if not (job.out / "adapter").is_dir():
        bm25 = BM25(dataset.document_texts())
        if _is_first():
            for note in dataset.card["notes"]:
                _say(f"note: {note}")
            _mine(job, dataset, bm25, base, settings, found)
        _wait()
        _train_adapter(job, dataset, bm25)
    if _is_first():
        _merge(job.out)
    _wait()
    return result_line(TrainResult.load(job.out / "adapter" / "training.json"), job)


def settings_record(job: Job, dataset: RetrievalDataset, base: Encoder) -> dict[str, Any]:
    """Return what a run's result hangs on, by name, as JSON gives it back."""
    record = {
        "version": version("tutorial-lib"),
        "dataset": dataset.fingerprint(),
        "model": job.model,
        "weights": base.fingerprint,
    }  # the prompts are part of this
    for group, settings in (("train", job.train), ("lora", job.lora), ("mining", job.mining)):
        record |= {f"{group}.{name}": value for name, value in asdict(settings).items()}
    return json.loads(json.dumps(record))


def found_settings(out: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of an earlier run in ``out``; an empty dict if there was none.

    Raises:
        DataError: ``out`` holds something else, or checkpoints or an adapter made with other settings.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / "settings.json").is_file()):
        raise DataError(f"{out} exists and is no training run: pass a new or empty folder")
    if not out.is_dir() or not any(out.iterdir()):
        return {}
    found: dict[str, Any] = json.loads((out / "settings.json").read_text(encoding="utf-8"))
    trained = (out / "adapter").is_dir() or any((out / "checkpoints").glob("checkpoint-*"))
    differing = [
        f"{name} {found.get(name)!r} there and {settings.get(name)!r} here"
        for name in {**found, **settings}
        if found.get(name) != settings.get(name)
    ]
    if trained and differing:
        raise DataError(f"{out} holds a run with other settings: {', '.join(differing)}; pass the same, or another --out")
    return found


def _mine(
    job: Job, dataset: RetrievalDataset, bm25: BM25, base: Encoder, settings: dict[str, Any], found: dict[str, Any]
) -> None:
    """Note the settings, and leave hard negatives mined with the base model in the run's folder."""
    folder = job.out / "negatives"
    if any(found.get(name) != value for name, value in settings.items() if not name.startswith(TRAINED_WITH)):
        shutil.rmtree(folder, ignore_errors=True)
    job.out.mkdir(parents=True, exist_ok=True)
    write_whole(job.out / "settings.json", json.dumps(settings, indent=1))
    if not folder.is_dir():
        mined = mine_negatives(dataset, bm25, Vectors.of(dataset, base, ["train"]), job.mining)
        _write_folder(folder, mined.save)


def _train_adapter(job: Job, dataset: RetrievalDataset, bm25: BM25) -> None:
    negatives = MinedNegatives.load(job.out / "negatives").negatives
    run = prepare_training(
        dataset,
        negatives,
        bm25,
        job.out / "checkpoints",
        model=job.model,
        lora=job.lora,
        settings=job.train,
        device=job.device,
    )
    if run.last_checkpoint() is None:
        report = preflight(run, dataset)
        if _is_first():
            report.announce()
        report.raise_if_bad()
    result = run.train(resume=True)

    def save(folder: Path) -> None:
        save_adapter(run.encoder, folder, model_card(dataset, job.model, job.lora, job.train, result))
        result.save(folder / "training.json")

    if _is_first():
        _write_folder(job.out / "adapter", save)


def _merge(out: Path) -> None:
    """Make the merged model of the run's adapter, if there is none, and drop its checkpoints."""
    card = (out / "adapter" / "README.md").read_text(encoding="utf-8")
    if not (out / "model").is_dir():
        _write_folder(out / "model", lambda folder: save_model(merge_adapter(out / "adapter"), folder, card))
    remove_checkpoints(out / "checkpoints")


def result_line(result: TrainResult, job: Job) -> str:
    """Return what dev said of the training, and where the model is."""
    what = "queries, for the base model's articles" if not job.train.train_documents else "queries and articles"
    where = f"{job.out / 'model'} encodes {what}"
    if not result.dev:
        return f"{result.steps} steps, dev not scored: {where}"
    before = result.dev[0][1]
    after = dict(result.strengths).get(result.strength, before)
    kept = (
        f"{result.strength:.0%} of the update of step {result.best_step} of {result.steps} kept"
        if result.best_step
        else f"none of {result.steps} steps kept, since dev did not rise by more than its standard error"
    )
    return f"dev {MAIN_MEASURE} {before:.3f} -> {after:.3f}, {kept}: {where}"


def _write_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a folder under a temporary name, and rename it when it is complete."""
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    write(part)
    part.rename(folder)


# --- processes ----------------------------------------------------------------------------------------------------


def _join_processes(device: torch.device) -> None:
    """Join the processes that torchrun has started; they wait for each other as long as mining may take."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        on_cpu = device.type == "cpu"
        PartialState(cpu=on_cpu, backend="gloo" if on_cpu else None, timeout=timedelta(hours=12))


def _is_first() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _wait() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.barrier()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
