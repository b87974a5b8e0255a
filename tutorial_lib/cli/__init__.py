"""``python -m tutorial_lib VERB``: one module a verb (``main.VERBS``)."""

from tutorial_lib.cli.main import main

__all__ = ["main"]
