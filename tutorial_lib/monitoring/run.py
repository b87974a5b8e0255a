"""A run as the thing that is watched: what it learned, its model, and the log that it learned from. Nothing is made."""

from __future__ import annotations

from pathlib import Path

import torch

from tutorial_lib.data.beir import read_beir
from tutorial_lib.data.columns import Columns
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.data.help_desk import HelpDesk
from tutorial_lib.data.paths import is_there
from tutorial_lib.data.registry import SUPPORT_DESK
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_FILES
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.monitoring.drift import watch
from tutorial_lib.monitoring.finder import Finder
from tutorial_lib.monitoring.known import Known
from tutorial_lib.monitoring.searches import read_searches
from tutorial_lib.monitoring.watch_settings import WatchSettings
from tutorial_lib.monitoring.watched import Watched
from tutorial_lib.retrieval.calibration import Calibration, calibrate
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.run_marker import Marker
from tutorial_lib.stage import record_of
from tutorial_lib.staged import check_made, finished_run

FOLDER = "watch"
"""In a run's folder: what watching found."""


class WatchedRun:
    """The folder of a run with a fine-tuned model.

    Attributes:
        root: The folder.
        columns: Which column of its logs holds what.
        searches: The log that it learned from, if there is one.
    """

    def __init__(self, root: str | Path) -> None:
        """Look at the folder.

        Raises:
            DataError: There is no run, or it has no model yet, or a damaged one; says what to do.
        """
        self.root, noted = finished_run(root, ("dataset", "model"))
        self.columns, self.searches = _log_of(noted)

    def parts(self, device: torch.device | None = None) -> tuple[Known, Finder]:
        """Return what the run learned, and its model.

        Raises:
            DataError: The vectors of its articles are damaged.
            ModelError: The model cannot be read.
        """
        dataset, encoder = read_beir(self.root / "dataset"), Encoder.load(self.root / "model", device=device)
        vectors = self._vectors(dataset, encoder)
        return Known.of(dataset), Finder(encoder, list(dataset.corpus), vectors.documents, _calibration(dataset, vectors))

    def _vectors(self, dataset: RetrievalDataset, encoder: Encoder) -> Vectors:
        """Return the vectors that ``run`` has left; ``train`` leaves none, and they are made then, and not kept."""
        if record_of(self.root, "tuned_vectors") is None:
            return Vectors.of(dataset, encoder, ("dev",))
        check_made(self.root, ("tuned_vectors",))
        return Vectors.load(self.root / "tuned_vectors")


def watch_run(
    root: str | Path,
    log: str | Path,
    *,
    before: str | Path | None = None,
    columns: Columns | None = None,
    settings: WatchSettings | None = None,
    device: torch.device | None = None,
) -> Watched:
    """Return what watching a log finds, for a run.

    Args:
        root: Folder of the run.
        log: Searches since its model was made.
        before: Searches of the time before; by default the log that the run learned from, if there is one.
        columns: Which column of both logs holds what; by default as the run read its own.
        settings: How searches are watched.
        device: Where to encode, a GPU if there is one.

    Raises:
        DataError: As ``WatchedRun``, ``read_searches`` and ``watch``.
        ModelError: The model cannot be read.
    """
    run = WatchedRun(root)
    own = columns or run.columns
    searches = read_searches(log, own)
    earlier = before or run.searches
    past = read_searches(earlier, own if before else run.columns) if earlier else None
    return watch(searches, past, *run.parts(device), settings)


def _log_of(noted: Marker) -> tuple[Columns, Path | None]:
    if noted.help_desk:
        desk = HelpDesk.from_record(noted.help_desk)
        return desk.columns, desk.searches if desk.searches and is_there(desk.searches) else None
    return Columns(), SUPPORT_DESK_FILES / "search_log.jsonl" if noted.dataset == SUPPORT_DESK else None


def _calibration(dataset: RetrievalDataset, vectors: Vectors) -> Calibration | None:
    """Return how the run's scores become probabilities, by its dev queries; None where it has none."""
    return calibrate(dataset.qrels["dev"], dense_run(dataset, vectors, "dev")) if dataset.qrels["dev"] else None
