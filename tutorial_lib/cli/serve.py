"""``serve``: embeddings, reranking and search over HTTP, by the models of a run."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro

from tutorial_lib.cli.options import Flat
from tutorial_lib.data.dataset import DataError
from tutorial_lib.run_marker import folder_of

try:
    from tutorial_lib.serving.limits import Limits
except ImportError:
    raise DataError("to serve takes more packages: pip install 'tutorial-lib[serve]'") from None


@dataclass(frozen=True)
class Serve:
    """Serve the models of a run: embeddings, reranking, search, and a search page at /; /docs says how to ask.

    Keys are read from TUTORIAL_API_KEYS, with commas between; without any, only this machine can be listened at.

    Attributes:
        folder: Folder of a run, made by run or train.
        host: Address to listen at.
        port: Port to listen at; 0: a free one.
        index: A Milvus file (.db) or address, or the folder of a flat index; by default MILVUS_URI, else the run's own file.
            A file is one process's alone: to reindex while it is served takes one of the others.
        index_name: Name of the index there.
        events: Folder to record searches and clicks in, for chapter 1 to read; by default events in the run's folder.
        no_events: Record nothing.
        candidate: Number of another version of the index: each search shows the live version and this one as one list, and
            the events say whose documents were clicked (verdict tells who is preferred).
        keywords: Let keyword search count beside the model, as far as dev chose (bm25+tuned in the report). The words are
            those of the documents there when the service starts; a search can leave them out ("keywords": false).
        log_queries: Log what was searched too.
        limits: What a request may ask for.
    """

    folder: Annotated[Path, tyro.conf.Positional]
    host: str = "127.0.0.1"
    port: int = 8000
    index: str | None = None
    index_name: str = "articles"
    events: Path | None = None
    no_events: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    candidate: int | None = None
    keywords: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    log_queries: bool = False
    limits: Annotated[Limits, Flat] = field(default_factory=Limits)

    def run(self) -> int:
        """Serve until Ctrl-C or SIGTERM; return the exit status.

        Raises:
            DataError: The folder holds no run with a model, or none that says how far keywords count; the index is another
                run's, the port is in use, others would be let in without a key, or another service records in the same
                folder.
            ModelError: A model cannot be read.
        """
        from tutorial_lib.serving.app import create_app
        from tutorial_lib.serving.keys import Keys
        from tutorial_lib.serving.logs import log_as_json
        from tutorial_lib.serving.server import bound, check_address, run

        keys = Keys.from_environment()
        check_address(self.host, keys)
        with bound(self.host, self.port) as listening:
            service = self._service(keys)
            log_as_json()
            name = f"[{self.host}]" if ":" in self.host else self.host
            print(
                f"listening at http://{name}:{listening.getsockname()[1]}/ (what it can be asked: /docs)",
                file=sys.stderr,
                flush=True,
            )
            run(create_app(service), listening, self.limits.seconds)
        return 0

    def _service(self, keys: Any) -> Any:
        from tutorial_lib.cli.served_run import BASE, ServedRun, check_index, open_index
        from tutorial_lib.models.onnx import load_encoder
        from tutorial_lib.serving.live import Live
        from tutorial_lib.serving.models import Models
        from tutorial_lib.serving.searching import log_query
        from tutorial_lib.serving.server import names_of
        from tutorial_lib.serving.service import Service

        if self.candidate is not None and self.no_events:
            raise DataError("--candidate is compared by clicks, and --no-events records none: leave one of the two out")
        source = ServedRun(self.folder)
        place = source.index_place(self.index)
        models, documents = Models(source.models(), load_encoder), source.documents()
        if place:
            held = {model.encoder.fingerprint: name for name, model in models.named.items()}
            check_index(place, self.index_name, documents, held, self.candidate)
        else:
            build = f"python -m tutorial_lib index {self.folder}"
            print(f"this run has no index: /search answers 503 until one is built, {build}", file=sys.stderr, flush=True)
        shown = source.shown(documents)
        live = Live(partial(open_index, place, self.index_name), models) if place else None
        if live:
            live.also = self.candidate
        return Service(
            models,
            self.limits,
            keys,
            names_of(self.host),
            live=live,
            documents=shown,
            record=log_query if self.log_queries else None,
            events=self._events(documents) if place and not self.no_events else None,
            base=source.base_search(models.named[BASE], documents),
            candidate=self.candidate,
            keywords=source.keywords(shown) if self.keywords else None,
        )

    def _events(self, documents: Any) -> Any:
        from tutorial_lib.serving.event_log import EventLog
        from tutorial_lib.serving.redaction import redactor

        folder = self.events or folder_of(self.folder) / "events"
        made = EventLog(folder, redactor(documents))
        print(f"searches and clicks are recorded in {folder}", file=sys.stderr, flush=True)
        return made
