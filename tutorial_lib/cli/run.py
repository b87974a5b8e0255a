"""``run``: the notebooks on a dataset, from clean pairs to a report that says ship or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tutorial_lib.cli.options import DataOptions, Flat
from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.hosted import HOSTED_VECTORS
from tutorial_lib.run_settings import RunSettings


@dataclass(frozen=True, kw_only=True)
class Run:
    """Run the notebooks on a dataset and write a report; finished stages of an earlier try are kept.

    Attributes:
        out: Folder of this run: artifacts, executed notebooks, report.
        source: What to read.
        model: Base model: name, folder or Hub id.
        gate: End with status 3 if the decision is not to ship.
        chapters: Numbers of the notebooks to run, such as 02 03; by default all that lead to the report.
        through: Number of the last notebook to run where ``chapters`` names none; 07 and 08 go on beyond the report.
        facts: What an answer to each test query must contain, JSON Lines, for notebook 08; support_desk brings its own.
        settings: Settings of all stages.
    """

    out: Path
    source: Annotated[DataOptions, Flat] = field(default_factory=DataOptions)
    model: str = DEFAULT_MODEL
    gate: bool = False
    chapters: tuple[str, ...] = ()
    through: str = "06"
    facts: str | None = None
    settings: Annotated[RunSettings, Flat] = field(default_factory=RunSettings)

    def run(self) -> int:
        """Execute the notebooks and print the before/after table; return the exit status.

        Raises:
            DataError: The data, the settings or the output folder cannot be used.
            ModelError: The model cannot be used.
            papermill.PapermillExecutionError: A cell failed; the executed notebook shows it.
        """
        from tutorial_lib.cli.chapters import facts_file, named_chapters, run_chapters, told
        from tutorial_lib.cli.opening import opened

        if not self.settings.train.train_documents:
            raise DataError(
                "--no-train-documents tunes queries only, and the notebooks encode queries and articles with one model: "
                "pass it to the verb train"
            )
        named = named_chapters(self.chapters, self.through)
        facts = facts_file(self.source.data, self.facts, named)
        with opened(self.out, self.source, self.model, self.settings) as space:
            if self.settings.hosted.systems:  # what costs too much, or is refused, is told before hours of training
                space.need(HOSTED_VECTORS)
            done = run_chapters(space, named, facts)
            return told(space, gate=self.gate) if done else 0
