"""Where a run's artifacts live: one folder a stage, made when first asked for and remade when its inputs change."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock

from tutorial_lib.cleaning.prepare import collect, dataset_of, prepare
from tutorial_lib.cleaning.report import clean
from tutorial_lib.cleaning.steps import DOCUMENTATION_STEPS
from tutorial_lib.data.aws_docs import AWSCLI_VERSION, aws_docs
from tutorial_lib.data.beir import read_beir, write_beir
from tutorial_lib.data.dataset import DataError, RetrievalDataset
from tutorial_lib.data.help_desk import Export
from tutorial_lib.data.splits import split as split_at_random
from tutorial_lib.data.support_desk import SUPPORT_DESK as DESK_FOLDER
from tutorial_lib.data.support_desk import support_desk
from tutorial_lib.files import write_whole
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import merge_adapter, save_adapter
from tutorial_lib.models.saving import save_model
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.runs import Run, reciprocal_rank_fusion, write_trec_qrels, write_trec_run
from tutorial_lib.training.card import model_card
from tutorial_lib.training.checks import preflight
from tutorial_lib.training.finetune import prepare_training, remove_checkpoints
from tutorial_lib.training.mining import MinedNegatives, MiningSettings, mine_negatives
from tutorial_lib.training.settings import LoraSettings, TrainResult, TrainSettings

AWS_DOCS = "aws_docs"
SUPPORT_DESK = "support_desk"
BUILT_IN = (AWS_DOCS, SUPPORT_DESK)
STAGES = ("dataset", "base_vectors", "negatives", "adapter", "model", "tuned_vectors", "runs")


class Workspace:
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
        drop_blank: bool = False,
        export: Export | None = None,
    ) -> None:
        """Open or create the workspace at ``root``.

        Args:
            root: Folder of the artifacts. The variable TUTORIAL_WORKSPACE, where set, replaces its parent.
            dataset: "aws_docs", "support_desk", a BEIR folder, or the ticket file of ``export``.
            model: Base model: a name, folder or Hub id.
            drop_blank: Leave out articles and queries without a letter or digit.
            export: The files of a help desk whose tickets are ``dataset``; noted in the workspace, so that only the first
                call must pass it.

        Raises:
            DataError: ``root`` holds another dataset's or base model's run, or files that are no workspace.
        """
        elsewhere = os.environ.get("TUTORIAL_WORKSPACE")
        self.root = Path(elsewhere, Path(root).name) if elsewhere else Path(root)
        self.source = str(dataset) if str(dataset) in BUILT_IN else str(Path(dataset).resolve())
        self.export = export
        self.model_name = str(Path(model).resolve()) if Path(model).is_dir() else str(model)
        self.drop_blank = drop_blank
        self._claim()

    def _claim(self) -> None:
        marker = self.root / "workspace.json"
        mine = {"dataset": self.source, "model": self.model_name}
        if marker.exists():
            found = json.loads(marker.read_text(encoding="utf-8"))
            noted = Export.from_record(found["export"]) if found.get("export") else None
            if self.export and noted != self.export:
                raise DataError(
                    f"{self.root} holds a run of other files or another mapping: pass another folder, or delete this one"
                )
            self.export = noted
            for key in mine:
                if found[key] != mine[key]:
                    raise DataError(
                        f"{self.root} holds a run of {key} {found[key]}, not {mine[key]}: pass another "
                        "folder, or delete this one"
                    )
            return
        if self.export is None and self.source not in BUILT_IN and not Path(self.source).is_dir():
            help_desk = " (a ticket export needs its articles too: --articles)" if Path(self.source).is_file() else ""
            raise DataError(
                f"{self.source} is not a folder: pass {' or '.join(map(repr, BUILT_IN))}, a BEIR folder "
                f"(corpus.jsonl, queries.jsonl, qrels/train.tsv), or a ticket export{help_desk}"
            )
        if self.root.is_file() or (self.root.is_dir() and any(self.root.iterdir())):
            raise DataError(f"{self.root} exists and is no workspace: pass a new or empty folder")
        self.root.mkdir(parents=True, exist_ok=True)
        _write_json(marker, {**mine, "export": self.export.record() if self.export else None})

    # --- stages ---------------------------------------------------------------------------------------------------

    def need(self, stage: str, **settings: Any) -> Path:
        """Return the folder of ``stage`` (one of ``STAGES``), making it and what it stands on if need be.

        Without settings, an artifact made with any settings is taken as it is; with settings it is remade if they
        differ from those that made it.

        Raises:
            ValueError: There is no such stage.
        """
        if stage not in STAGES:
            raise ValueError(f"no stage {stage!r}: there are {', '.join(STAGES)}")
        return getattr(self, f"_need_{stage}")(**settings)

    def _stage(
        self,
        name: str,
        inputs: dict[str, str],
        make: Callable[[Path], None],
        settings: dict[str, Any] | None,
        defaults: dict[str, Any] | None = None,
    ) -> Path:
        folder = self.root / name
        with FileLock(self.root / f".{name}.lock"):
            record = self.record(name)
            made_by = version("tutorial-lib")
            current = record and record["inputs"] == inputs and record["version"] == made_by
            if record and current and settings in (None, record["settings"]):
                return folder
            used = _plain(settings if settings is not None else defaults or {})
            key = hashlib.sha256(json.dumps([name, inputs, used, made_by], sort_keys=True).encode()).hexdigest()[:16]
            print(f"making {name} …", file=sys.stderr, flush=True)  # noqa: T201
            started = time.monotonic()
            part = self.root / f"{name}.{key}.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            try:
                make(part)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
            seconds = time.monotonic() - started
            _write_json(
                part / "stage.json",
                {"stage": name, "key": key, "inputs": inputs, "settings": used, "version": made_by, "seconds": seconds},
            )
            shutil.rmtree(folder, ignore_errors=True)
            part.rename(folder)
        return folder

    def record(self, stage: str) -> dict[str, Any] | None:
        """Return what is noted about a stage's artifact (settings, inputs, version, seconds), or None."""
        path = self.root / stage / "stage.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def _key(self, stage: str) -> str:
        self.need(stage)
        record = self.record(stage)
        assert record is not None
        return str(record["key"])

    def seconds(self) -> dict[str, float]:
        """Return the seconds each stage took when it was made, and those noted by ``timed``."""
        noted = self.root / "seconds.json"
        extra = json.loads(noted.read_text()) if noted.exists() else {}
        return {**{s: r["seconds"] for s in STAGES if (r := self.record(s))}, **extra}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Note the seconds a block takes under ``name``."""
        started = time.monotonic()
        yield
        noted = self.root / "seconds.json"
        extra = json.loads(noted.read_text()) if noted.exists() else {}
        _write_json(noted, {**extra, name: time.monotonic() - started})

    # --- dataset --------------------------------------------------------------------------------------------------

    def _need_dataset(self) -> Path:
        return self._stage("dataset", {"source": self._source_key}, self._make_dataset, None)

    @cached_property
    def _source_key(self) -> str:
        if self.source == AWS_DOCS:
            return f"{AWS_DOCS} {AWSCLI_VERSION}"
        digest = hashlib.sha256(str(self.drop_blank).encode())
        if self.export:
            digest.update(json.dumps(self.export.columns.record(), sort_keys=True).encode())
            paths = [p for p in (self.export.tickets, self.export.articles, self.export.searches) if p]
        else:
            folder = DESK_FOLDER if self.source == SUPPORT_DESK else Path(self.source)
            paths = [p for p in sorted(folder.rglob("*")) if p.suffix in {".jsonl", ".tsv", ".csv"} and p.is_file()]
        for path in paths:
            digest.update(path.name.encode())
            with _readable(path).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:16]

    def _make_dataset(self, folder: Path) -> None:
        if self.source == AWS_DOCS:
            dataset = split_at_random(clean(aws_docs(), DOCUMENTATION_STEPS).dataset)
        elif self.export or self.source == SUPPORT_DESK:
            report = collect(self.export.read() if self.export else support_desk())
            dataset = dataset_of(report)
            report.save(folder / "cleaning")
        else:
            dataset = prepare(read_beir(self.source, drop_blank=self.drop_blank))
        write_beir(dataset, folder)

    def dataset(self) -> RetrievalDataset:
        """Return the clean, split dataset."""
        folder = self.need("dataset")
        if self._dataset is None or self._dataset[0] != self._key("dataset"):
            self._dataset = (self._key("dataset"), read_beir(folder))
        return self._dataset[1]

    _dataset: tuple[str, RetrievalDataset] | None = None
    _bm25: tuple[str, BM25] | None = None

    def bm25(self) -> BM25:
        """Return the keyword index over the dataset's articles."""
        key = self._key("dataset")
        if self._bm25 is None or self._bm25[0] != key:
            self._bm25 = (key, BM25(self.dataset().document_texts()))
        return self._bm25[1]

    # --- vectors --------------------------------------------------------------------------------------------------

    @cached_property
    def base_encoder(self) -> Encoder:
        """The base model."""
        return Encoder.load(self.model_name)

    def tuned_encoder(self) -> Encoder:
        """Return the fine-tuned, merged model."""
        return Encoder.load(self.need("model"))

    def _need_base_vectors(self) -> Path:
        inputs = {"dataset": self._key("dataset"), "encoder": self.base_encoder.fingerprint}
        return self._stage("base_vectors", inputs, lambda f: self._make_vectors(f, self.base_encoder), None)

    def _need_tuned_vectors(self) -> Path:
        inputs = {"dataset": self._key("dataset"), "model": self._key("model")}
        return self._stage("tuned_vectors", inputs, lambda f: self._make_vectors(f, self.tuned_encoder()), None)

    def _make_vectors(self, folder: Path, encoder: Encoder) -> None:
        Vectors.of(self.dataset(), encoder).save(folder)

    def base_vectors(self) -> Vectors:
        """Return the base model's vectors."""
        return Vectors.load(self.need("base_vectors"))

    def tuned_vectors(self) -> Vectors:
        """Return the fine-tuned model's vectors."""
        return Vectors.load(self.need("tuned_vectors"))

    # --- training -------------------------------------------------------------------------------------------------

    def _need_negatives(self, settings: MiningSettings | None = None) -> Path:
        inputs = {"dataset": self._key("dataset"), "base_vectors": self._key("base_vectors")}
        used = settings or self._settings("negatives", MiningSettings)

        def make(folder: Path) -> None:
            vectors = self.base_vectors()
            mine_negatives(self.dataset(), self.bm25(), vectors, used).save(folder)

        return self._stage("negatives", inputs, make, asdict(settings) if settings else None, asdict(used))

    def negatives(self, settings: MiningSettings | None = None) -> MinedNegatives:
        """Return the mined hard negatives; with ``settings``, mined with those."""
        return MinedNegatives.load(self.need("negatives", settings=settings))

    def _need_adapter(self, lora: LoraSettings | None = None, train: TrainSettings | None = None) -> Path:
        inputs = {
            "dataset": self._key("dataset"),
            "negatives": self._key("negatives"),
            "encoder": self.base_encoder.fingerprint,
        }
        given = {"lora": asdict(lora or LoraSettings()), "train": asdict(train or TrainSettings())}
        record = self.record("adapter")
        if lora is None and train is None and record and all(set(record["settings"][k]) <= set(given[k]) for k in given):
            given = record["settings"]  # unless an older version made it, with settings that are no more
        if train is not None and not train.train_documents:
            raise DataError(
                "train_documents=False tunes queries only, and a workspace encodes queries and articles with one "
                "model: call prepare_training yourself"
            )
        lora, train = LoraSettings(**_tuples(given["lora"])), TrainSettings(**_tuples(given["train"]))
        return self._stage("adapter", inputs, lambda folder: self._make_adapter(folder, lora, train), _plain(given))

    def _make_adapter(self, folder: Path, lora: LoraSettings, train: TrainSettings) -> None:
        checkpoints = self.root / f"checkpoints.{folder.name.split('.')[1]}"  # of this key: another run's never match
        run = prepare_training(
            self.dataset(),
            self.negatives().negatives,
            self.bm25(),
            checkpoints,
            model=self.model_name,
            lora=lora,
            settings=train,
        )
        if run.last_checkpoint() is None:
            preflight(run, self.dataset()).announce()
        result = run.train(resume=True)
        card = model_card(self.dataset(), self.model_name, lora, train, result)
        save_adapter(run.encoder, folder, card)
        result.save(folder / "training.json")
        for stale in self.root.glob("checkpoints.*"):
            remove_checkpoints(stale)

    def adapter(self, lora: LoraSettings | None = None, train: TrainSettings | None = None) -> Path:
        """Return the folder of the trained PEFT adapter; an interrupted training goes on from its last checkpoint."""
        return self.need("adapter", lora=lora, train=train)

    def training(self) -> TrainResult:
        """Return the record of the training run."""
        return TrainResult.load(self.need("adapter") / "training.json")

    def _need_model(self) -> Path:
        adapter = self.need("adapter")
        inputs = {"adapter": self._key("adapter")}
        return self._stage(
            "model",
            inputs,
            lambda folder: save_model(merge_adapter(adapter), folder, (adapter / "README.md").read_text(encoding="utf-8")),
            None,
        )

    # --- runs -----------------------------------------------------------------------------------------------------

    def _need_runs(self) -> Path:
        inputs = {s: self._key(s) for s in ("dataset", "base_vectors", "tuned_vectors")}
        return self._stage("runs", inputs, self._make_runs, None)

    def _make_runs(self, folder: Path) -> None:
        dataset = self.dataset()
        runs = self.baseline_runs("test")
        runs["tuned"] = self.search_run(self.tuned_vectors(), "test")
        runs["hybrid"] = reciprocal_rank_fusion([runs["bm25"], runs["tuned"]])
        for name, run in runs.items():
            write_trec_run(run, folder / f"{name}.trec", name)
        write_trec_qrels(dataset.qrels["test"], folder / "qrels.trec")
        _write_json(folder / "runs.json", runs)

    def baseline_runs(self, split: str) -> dict[str, Run]:
        """Return the runs of BM25 and of the base model (exact search) on one split, 100 articles a query."""
        dataset = self.dataset()
        return {"bm25": self.bm25().search(dataset.query_texts(split)), "base": self.search_run(self.base_vectors(), split)}

    def search_run(self, vectors: Vectors, split: str) -> Run:
        """Return the run of exact search with ``vectors`` on one split, 100 articles a query."""
        return dense_run(self.dataset(), vectors, split)

    def runs(self) -> dict[str, Run]:
        """Return the test runs of bm25, base, tuned and hybrid (reciprocal rank fusion of bm25 and tuned)."""
        return json.loads((self.need("runs") / "runs.json").read_text(encoding="utf-8"))

    def _settings(self, stage: str, kind: Any) -> Any:
        """Return the settings a stage was last made with, so that remaking it keeps them; else the defaults."""
        record = self.record(stage)
        return kind(**record["settings"]) if record else kind()


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    return path


def _plain(value: Any) -> Any:
    """Return ``value`` as JSON would give it back (tuples become lists), so that records compare equal."""
    return json.loads(json.dumps(value))


def _tuples(settings: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}


def _write_json(path: Path, value: Any) -> None:
    write_whole(path, json.dumps(value, indent=1, ensure_ascii=False))
