"""Where a run's artifacts live: one folder a stage, made when first asked for and remade when its inputs change."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from tutorial_lib.asked_for import ASKED_FOR, RERANKER, read_reranker
from tutorial_lib.baselines import Baselines
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.help_desk import HelpDesk
from tutorial_lib.data.registry import AWS_DOCS, find_source
from tutorial_lib.evaluation.choose import at_best_window, choose_share, choose_system
from tutorial_lib.evaluation.reranked import find_system
from tutorial_lib.files import write_json
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import merge_adapter
from tutorial_lib.models.saving import save_model
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.cross_encoder import CrossReranker
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.retrieval.runs import Run, write_trec_qrels, write_trec_run
from tutorial_lib.retrieval.systems import BASELINE, CANDIDATE, KEYWORD, SYSTEMS
from tutorial_lib.retrieval.untrained import Untrained
from tutorial_lib.run_marker import Marker, claim, folder_of, noted_in
from tutorial_lib.run_settings import RunSettings, from_record
from tutorial_lib.stage import Processes, Stage
from tutorial_lib.training.adapter import train_adapter
from tutorial_lib.training.distill_settings import TeacherSettings
from tutorial_lib.training.mining import MinedNegatives, MiningSettings, mine_negatives
from tutorial_lib.training.settings import LoraSettings, TrainResult, TrainSettings
from tutorial_lib.training.taught import teach


class Workspace(Baselines):
    """All artifacts of one dataset and one base model, in one folder.

    Every method that returns an artifact makes it first if it is missing or stale, and the stages before it; what is
    being made is said on stderr. A stage's folder appears only when it is complete.
    """

    def __init__(
        self,
        root: str | Path = "workspace/aws_docs",
        dataset: str | Path = AWS_DOCS,
        model: str | Path = DEFAULT_MODEL,
        *,
        help_desk: HelpDesk | None = None,
        settings: RunSettings | None = None,
        device: torch.device | None = None,
    ) -> None:
        """Open or create the workspace at ``root``; options are noted in it, so that only the first call must pass them.

        Args:
            root: Folder of the artifacts. The variable TUTORIAL_WORKSPACE, where set, replaces its parent.
            dataset: "aws_docs", "support_desk", a BEIR folder, or the ticket file of ``help_desk``.
            model: Base model: a name, folder or Hub id.
            help_desk: The files of a help desk whose tickets are ``dataset``.
            settings: Settings of all stages; what was made with other ones is made again.
            device: Where to encode and train, a GPU if there is one; not noted.

        Raises:
            DataError: ``root`` holds another dataset's, base model's or help desk's run, one that was trained with other
                settings, or files that are no workspace.
        """
        folder, told = folder_of(root), settings is not None
        self.model_name = str(Path(model).resolve()) if Path(model).is_dir() else str(model)
        self.device, self.processes = device, Processes.of_this_run()
        self._fresh: dict[str, Vectors] = {}
        noted = noted_in(folder, told=told)
        if noted and noted.help_desk:
            help_desk = help_desk or HelpDesk.from_record(noted.help_desk)
        super().__init__(folder, settings or from_record(RunSettings, noted.settings if noted else {}), told=told)
        self.origin, self.help_desk = find_source(dataset, help_desk), help_desk
        record = help_desk.record() if help_desk else None
        if self.processes.first:
            claim(self.root, Marker(self.source, self.model_name, record, self.settings.record()), told=told)

    # --- without training -----------------------------------------------------------------------------------------

    def _make_untrained(self, folder: Path) -> None:
        write_json(folder / "untrained.json", asdict(self._choose_untrained()))

    def _choose_untrained(self) -> Untrained:
        return choose_system(self.dataset(), self.baseline_runs("dev"), self.baseline())

    def untrained(self) -> Untrained:
        """Return the best that can be had without training, chosen on dev; its run is ``run_of("untrained", split)``."""
        record = self._told_by("untrained")
        if "share" not in record:  # an older version chose it, among other rankings: it fused by ranks
            return self.while_unchanged("untrained, chosen anew", self._choose_untrained)
        return Untrained.from_record(record)

    # --- training -------------------------------------------------------------------------------------------------

    def _make_negatives(self, folder: Path, mining: MiningSettings) -> None:
        mine_negatives(self.dataset(), self.bm25(), self.base_vectors(), mining).save(folder)

    def negatives(self, settings: MiningSettings | None = None) -> MinedNegatives:
        """Return the mined hard negatives; with ``settings``, mined with those."""
        return MinedNegatives.load(self.need("negatives", mining=settings))

    def _make_adapter(self, folder: Path, lora: LoraSettings, train: TrainSettings) -> None:
        checkpoints = self.root / f"checkpoints.{folder.name.split('.')[1]}"  # of this key: another run's never match
        train_adapter(
            self.dataset(),
            self.negatives().negatives,
            self.bm25(),
            folder,
            checkpoints,
            model=self.model_name,
            window=self.baseline().training_window(train.max_length),
            base=self.base_vectors(),
            lora=lora,
            settings=train,
            device=self.device,
            writes=self.processes.first,
        )

    def adapter(self, lora: LoraSettings | None = None, train: TrainSettings | None = None) -> Path:
        """Return the folder of the trained PEFT adapter; an interrupted training goes on from its last checkpoint."""
        return self.need("adapter", lora=lora, train=train)

    def training(self) -> TrainResult:
        """Return the record of the training run."""
        return TrainResult.load(self.need("adapter") / "training.json")

    def _make_model(self, folder: Path, teaching: TeacherSettings) -> None:
        adapter = self.need("adapter")
        teaching.check_fits(train_documents=self._trains_documents())
        tuned, card = merge_adapter(adapter), (adapter / "README.md").read_text(encoding="utf-8")
        if self._trains_documents():  # a model of queries alone is scored with the base model's documents
            most = self._trained_with()["max_length"]
            trained = self.baseline().training_window(most) or most
            tuned = at_best_window(self.dataset(), self.bm25(), tuned, self.base_vectors(), trained=trained)
        if teaching.teacher:
            settings = teaching.distilling(self._trained_with()["seed"])
            taught = teach(self.dataset(), tuned, settings, teaching.teacher)
            tuned, card = taught.encoder, f"{card}\n{taught.card_line}\n"
            taught.announce()
            self._fresh = {tuned.fingerprint: taught.vectors}
        save_model(tuned, folder, card)

    def _trained_with(self) -> dict[str, Any]:
        """Return the settings that the adapter was trained with."""
        return (self.record("adapter") or {})["settings"]["train"]

    def _trains_documents(self) -> bool:
        return bool(self._trained_with()["train_documents"])

    def tuned_encoder(self) -> Encoder:
        """Return the fine-tuned, merged model, with its matrix if it was taught one, loaded anew at each call."""
        return Encoder.load(self.need("model"), device=self.device)

    def _make_tuned_vectors(self, folder: Path) -> None:
        if not self._trains_documents():
            raise DataError(
                "train_documents=False tunes queries only, and a workspace encodes queries and articles with one model: call "
                "prepare_training yourself"
            )
        encoder = self.tuned_encoder()
        vectors = self._fresh.pop(encoder.fingerprint, None)  # where a matrix was taught, they are made already
        (vectors or Vectors.of(self.dataset(), encoder)).save(folder)

    def tuned_vectors(self) -> Vectors:
        """Return the fine-tuned model's vectors."""
        return Vectors.load(self.need("tuned_vectors"))

    def _make_fusion(self, folder: Path) -> None:
        runs = [self.run_of(name, "dev") for name in (KEYWORD, CANDIDATE)]
        write_json(folder / "fusion.json", {"share": choose_share(self.dataset(), *runs)})

    def tuned_share(self) -> float:
        """Return what the fine-tuned model counts beside keyword search in "bm25+tuned", chosen on dev, 0 to 1."""
        return float(self._told_by("fusion")["share"])

    def _make_runs(self, folder: Path) -> None:
        runs = {name: self.run_of(name, "test") for name in SYSTEMS}
        for name, run in runs.items():
            write_trec_run(run, folder / f"{name}.trec", name)
        write_trec_qrels(self.dataset().qrels["test"], folder / "qrels.trec")
        write_json(folder / "runs.json", runs)

    def run_of(self, name: str, split: str) -> Run:
        """Return a run of one of ``SYSTEMS`` or ``RERANKED``, 100 documents a query; made once while no stage changes."""
        return self.while_unchanged((name, split), lambda: find_system(name).run(self, split))

    def baseline_runs(self, split: str) -> dict[str, Run]:
        """Return the runs of BM25 and of the base model (exact search) on one split, 100 documents a query."""
        return {name: self.run_of(name, split) for name in (KEYWORD, BASELINE)}

    def runs(self) -> dict[str, Run]:
        """Return the test runs of all ``SYSTEMS``, and of the hosted model if the settings name one."""
        return {**self._told_by("runs"), **{name: self.run_of(name, "test") for name in self.settings.hosted.systems}}

    def reranker(self) -> CrossReranker:
        """Return the cross-encoder that ranks again, trained at its first use, with the depth and share that dev chose."""
        return read_reranker(self.need(RERANKER), self.dataset(), self.device)


_SEARCHED = ("dataset", "baseline", "base_vectors")
"""Stages that a search without training hangs on."""
STAGES = {
    "dataset": Stage(Workspace._make_dataset, ("source",), ("cleaning", "read")),
    "baseline": Stage(Workspace._make_baseline, ("dataset", "encoder")),
    "base_vectors": Stage(Workspace._make_base_vectors, ("dataset", "encoder", "baseline")),
    "untrained": Stage(Workspace._make_untrained, _SEARCHED),
    "negatives": Stage(Workspace._make_negatives, _SEARCHED, ("mining",)),
    "adapter": Stage(Workspace._make_adapter, (*_SEARCHED, "negatives", "encoder"), ("lora", "train"), together=True),
    "model": Stage(Workspace._make_model, (*_SEARCHED, "adapter"), ("teaching",)),
    "tuned_vectors": Stage(Workspace._make_tuned_vectors, ("dataset", "model")),
    "fusion": Stage(Workspace._make_fusion, ("dataset", "baseline", "tuned_vectors")),
    "runs": Stage(Workspace._make_runs, ("dataset", "baseline", "base_vectors", "untrained", "tuned_vectors", "fusion")),
}
"""Every stage of a run by name, in the order of the loop."""

Workspace.stages = {**STAGES, **ASKED_FOR}
