"""``serve``: embeddings, reranking and search over HTTP, by the models of a run."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from tutorial_lib.cli.options import Flat
from tutorial_lib.data.dataset import DataError

try:
    from tutorial_lib.serving.limits import Limits
except ImportError:
    raise DataError("to serve takes more packages: pip install 'tutorial-lib[serve]'") from None


@dataclass(frozen=True)
class Serve:
    """Serve the models of a run: /v1/embeddings as OpenAI does; /docs lists the rest.

    Keys are read from TUTORIAL_API_KEYS, with commas between; without any, only this machine may be listened at.

    Attributes:
        folder: Folder of a run, made by run or train.
        host: Address to listen at.
        port: Port to listen at; 0: a free one.
        limits: What a request may ask for.
    """

    folder: Annotated[Path, tyro.conf.Positional]
    host: str = "127.0.0.1"
    port: int = 8000
    limits: Annotated[Limits, Flat] = field(default_factory=Limits)

    def run(self) -> int:
        """Serve until Ctrl-C or SIGTERM; return the exit status.

        Raises:
            DataError: The folder holds no run with a model, the port is in use, or others would be let in without a key.
            ModelError: A model cannot be read.
        """
        from tutorial_lib.cli.served_run import ServedRun
        from tutorial_lib.serving.app import create_app
        from tutorial_lib.serving.keys import Keys
        from tutorial_lib.serving.logs import log_as_json
        from tutorial_lib.serving.models import Models
        from tutorial_lib.serving.server import bound, check_address, names_of, run
        from tutorial_lib.serving.service import Service

        keys = Keys.from_environment()
        check_address(self.host, keys)
        source = ServedRun(self.folder)
        with bound(self.host, self.port) as listening:
            service = Service(Models(source.models()), self.limits, keys, names_of(self.host))
            log_as_json()
            print(f"http://{self.host}:{listening.getsockname()[1]}/docs", file=sys.stderr, flush=True)
            run(create_app(service), listening, self.limits.seconds)
        return 0
