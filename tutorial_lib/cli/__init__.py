"""The command line: ``python -m tutorial_lib run | check | train | rerank | serve | watch``, one module a verb."""

from tutorial_lib.cli.main import main

__all__ = ["main"]
