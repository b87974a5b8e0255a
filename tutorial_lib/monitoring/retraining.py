"""A new generation of a run's model from the log: gathered, trained, judged, and live only if it passes.

Every step leaves what it made in the new generation's folder, and the same call goes on from there. The folder of the old one
is only read, and it stays live until the new version of the index has been verified.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tutorial_lib.data.beir import read_beir, write_beir
from tutorial_lib.data.dataset import DataError
from tutorial_lib.files import held, new_folder
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import document_space
from tutorial_lib.monitoring.gates import CANDIDATE, KEYWORD, LIVE, Judged, judge
from tutorial_lib.monitoring.gather import Parent, gather
from tutorial_lib.monitoring.lineage import FINISHED, KEPT_BACK, SHIPPED, UNDER_WAY, Generation, Line
from tutorial_lib.monitoring.live_index import OpenIndex, live_generation, put_live
from tutorial_lib.monitoring.log_files import LogFiles
from tutorial_lib.monitoring.settings import GateSettings, RetrainSettings
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.hosted import HostedSettings
from tutorial_lib.run_marker import Marker, alone_in, claim, noted_in
from tutorial_lib.run_settings import RunSettings, as_record, from_record
from tutorial_lib.stage import record_of
from tutorial_lib.staged import check_made
from tutorial_lib.training.settings import LoraSettings, TrainSettings
from tutorial_lib.workspace import Workspace

GATHERED = "gathered"
"""In a generation's folder: the dataset it was given, as a BEIR folder."""


def retrain(
    run: str | Path, files: LogFiles, settings: RetrainSettings | None = None, open_index: OpenIndex | None = None
) -> Generation:
    """Make a new generation from the log, and put it live if it passes the gates; return what became of it.

    The generation before, its parent, is the one that is live in the index, or else the last that was shipped. After an
    interruption at any moment the same call goes on; given again after a generation was kept back, it says so again.

    Args:
        run: Folder of any generation of a line.
        files: What is new.
        settings: How.
        open_index: Opens the index; without it a generation that passes is shipped, and searched by nobody yet.

    Raises:
        DataError: There is no run, nothing is new, files cannot be used, the index cannot be opened or is another line's, or
            another generation is under way.
        ModelError: A model cannot be used.
    """
    settings, line = settings or RetrainSettings(), Line(run)
    with held(line.first / ".retrain.lock", DataError(f"{line.first} is being retrained: wait for it")):
        generation = begun(line, files, settings, open_index)
        if generation.decision != UNDER_WAY:
            return generation
        with alone_in(line.folder(generation.number)):
            return _finished(line, generation, files, settings, open_index)


def begun(line: Line, files: LogFiles, settings: RetrainSettings, open_index: OpenIndex | None) -> Generation:
    """Return the generation to make: a new one, or the last one if it was asked for with the same.

    Raises:
        DataError: Another one is under way, or what is live in the index is no generation of the line.
    """
    generations = line.generations()
    last = generations[-1]
    under_way = last.decision == UNDER_WAY
    parent = last.parent if under_way else live_generation(line, generations, open_index).number
    data, told = files.record(), as_record(settings)
    asked = hashlib.sha256(json.dumps([data, told, files.columns.record(), parent], sort_keys=True).encode()).hexdigest()[:16]
    if last.asked == asked and last.decision in (UNDER_WAY, KEPT_BACK):
        return last
    number, base = last.number + 1, generations[0].base
    if under_way:
        raise DataError(
            f"generation {last.number} is under way, and was begun with another log, other articles or settings: give that "
            f"command again, or delete {line.folder(last.number)}"
        )
    name = line.folder(number).name
    return Generation(number, name, parent, asked, base, settings=told, data=data, begun=_now())


def _finished(
    line: Line, generation: Generation, files: LogFiles, settings: RetrainSettings, open_index: OpenIndex | None
) -> Generation:
    """Carry out what is left of a generation, noting what is found after each step."""
    clock = _Cpu(generation.cpu_seconds)
    space, generation = prepared(line, generation, files, settings)
    space.need("model")
    generation = line.save(replace(generation, cpu_seconds=clock.seconds))
    judged = judged_by_exams(space, line.folder(generation.parent) / "model", settings.gates)
    decision = judged.decision
    own, figures = document_space(space.tuned_encoder()), judged.figures()
    generation = replace(generation, space=own, figures=figures, gates=tuple(decision.reasons), cpu_seconds=clock.seconds)
    line.save(generation)
    if not decision.ship:
        return line.save(replace(generation, decision=KEPT_BACK, ended=_now(), cpu_seconds=clock.seconds))
    index = put_live(space, open_index) if open_index else {}
    return line.save(replace(generation, decision=SHIPPED, index=index, ended=_now(), cpu_seconds=clock.seconds))


def prepared(line: Line, generation: Generation, files: LogFiles, settings: RetrainSettings) -> tuple[Workspace, Generation]:
    """Return the workspace of a generation, its dataset gathered, and the generation as it is noted now.

    It is trained with the settings of its parent, on the pairs that ``gather`` gives it.

    Raises:
        DataError: The parent has no model, the files cannot be used, or the folder holds something else.
    """
    parent, folder = line.folder(generation.parent), line.folder(generation.number)
    check_made(parent, FINISHED)
    told = settings_of(parent)
    if settings.train_seed is not None:
        told = replace(told, train=replace(told.train, seed=settings.train_seed))
    model = generation.base if settings.start == "base" else str((parent / "model").resolve())
    gathered = (folder / GATHERED).resolve()
    claim(folder, Marker(str(gathered), model, None, told.record()), told=True)
    if not (generation.gathered and gathered.is_dir()):
        line.save(generation)
        before = Parent(read_beir(parent / "dataset"), generation.parent)
        new = files.cleaned(files.corpus(before.dataset.corpus), told.read.clicks, told.cleaning, before.until)
        dataset = gather(before, new, files.judged(), settings.gather, seed=told.train.seed, number=generation.number)
        with new_folder(gathered) as part:
            write_beir(dataset, part)
        counts = dict(dataset.card["gathered"])
        generation = replace(generation, since=before.until, until=counts.pop("until"), gathered=counts)
        line.save(generation)
    return Workspace(folder, gathered, model, settings=told), generation


def settings_of(run: Path) -> RunSettings:
    """Return the settings that the model in a run's folder was trained with; no hosted model is asked again.

    Raises:
        DataError: There is no run.
    """
    noted = noted_in(run)
    if noted is None:
        raise DataError(f"there is no run in {run}")
    trained = (record_of(run, "adapter") or {"settings": {}})["settings"]
    told = from_record(RunSettings, noted.settings)
    kinds = {"train": TrainSettings, "lora": LoraSettings}
    used = {part: from_record(kind, trained[part]) for part, kind in kinds.items() if part in trained}
    return replace(told, **used, hosted=HostedSettings())


def judged_by_exams(space: Workspace, live: Path, gates: GateSettings) -> Judged:
    """Return what the exams say of a workspace's model against the one in the folder ``live``.

    Raises:
        ModelError: The live model cannot be read.
    """
    dataset = space.dataset()
    vectors = Vectors.of(dataset, Encoder.load(live, device=space.device), ("test",))
    runs = {
        LIVE: dense_run(dataset, vectors, "test"),
        CANDIDATE: space.run_of("tuned", "test"),
        KEYWORD: space.run_of("bm25", "test"),
    }
    return judge(dataset, runs, gates)


class _Cpu:
    """Processor time of this process and of those that it has waited for, on top of what earlier attempts took."""

    def __init__(self, before: float) -> None:
        self._before = before - sum(os.times()[:4])

    @property
    def seconds(self) -> float:
        return round(self._before + sum(os.times()[:4]), 1)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
