"""``index``: a run's articles, as its fine-tuned model sees them, in the index that ``serve`` answers from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class Index:
    """Put a run's articles, as its fine-tuned model sees them, into the index that serve answers from.

    Chapter 5 does so in a run of the notebooks; this is for what train has made, and for another place. Where the model
    is live already, only new and changed articles are encoded. A new version is verified before it is live, and the one
    before stays to go back to.

    Attributes:
        folder: Folder of a run, made by run or train.
        index: A Milvus file (.db) or address, or the folder of a flat index; by default MILVUS_URI, else the run's own file.
        index_name: Name of the index there.
    """

    folder: Annotated[Path, tyro.conf.Positional]
    index: str | None = None
    index_name: str = "articles"

    def run(self) -> int:
        """Embed, build, verify and switch, and say what is live; return the exit status.

        Raises:
            DataError: The folder holds no run with a model, another command is at work in it, the index cannot be opened, or
                the new version did not pass.
            ModelError: The model cannot be read.
        """
        from tutorial_lib.cli.served_run import open_index, place_of
        from tutorial_lib.monitoring.live_index import put_live
        from tutorial_lib.run_marker import alone_in
        from tutorial_lib.staged import finished_run
        from tutorial_lib.workspace import Workspace

        folder, noted = finished_run(self.folder, ("dataset", "baseline", "model"))
        place = place_of(folder, self.index)
        if place.endswith(".db"):
            Path(place).parent.mkdir(parents=True, exist_ok=True)
        with alone_in(folder):
            space = Workspace(self.folder, noted.dataset, noted.model)
            live = put_live(space, partial(open_index, place, self.index_name))
            space.tuned_share()  # for serve --keywords: train leaves none
        back = f"; version {live['before']} stays to go back to" if live["before"] else ""
        print(f"{live['articles']}; version {live['version']} of the index at {live['place']} is live{back}")
        return 0
