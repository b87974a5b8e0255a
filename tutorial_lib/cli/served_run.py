"""What ``serve`` reads of a run's folder. Nothing is made and nothing is written: a service trains no model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import ModelError
from tutorial_lib.run_marker import Marker, folder_of, noted_in
from tutorial_lib.serving.models import ServedModel
from tutorial_lib.stage import damage_of, record_of

TUNED, BASE = "tuned", "base"
"""What requests call the two models of a run."""


class ServedRun:
    """The folder of a run that is to be served.

    Attributes:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        """Look at the folder of a run.

        Raises:
            DataError: There is no run, or it has no model yet, or a damaged one; says what to do.
        """
        self.root = folder_of(root)
        noted = noted_in(self.root)
        if noted is None:
            raise DataError(f"there is no run in {root}: pass the folder that --out of run or train named")
        self._noted: Marker = noted
        for stage in ("dataset", "baseline", "model"):
            if damage := damage_of(self.root, stage):
                raise DataError(f"{damage}: give the command that made {root} again")
            if record_of(self.root, stage) is None:
                raise DataError(f"the run in {root} has no {stage} yet: give its command (run or train) again, it goes on")

    def models(self) -> list[ServedModel]:
        """Return the tuned model and the base model, as chapters 2 to 6 use them.

        Raises:
            ModelError: One cannot be read.
        """
        trained = record_of(self.root, "adapter") or {}
        sizes = trained.get("settings", {}).get("train", {}).get("matryoshka", ())
        tuned = Encoder.load(self.root / "model")
        return [ServedModel(TUNED, tuned, tuple(sorted(set(sizes) - {tuned.dimension}))), ServedModel(BASE, self._base())]

    def _base(self) -> Encoder:
        train: dict[str, Any] = self._noted.settings["train"]
        prompts = {side: train[side] for side in ("query_prompt", "document_prompt")}
        try:
            base = Encoder.load(self._noted.model, **prompts)
        except ModelError as error:
            raise ModelError(f"the base model of this run: {error}") from None
        window = json.loads((self.root / "baseline" / "baseline.json").read_text(encoding="utf-8"))["window"]
        return base.with_window(window) if window else base
