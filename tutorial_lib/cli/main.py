"""The command line's entry: which verb, its options, and the exit status of whatever goes wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import tyro

from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.settings import ModelError

PROGRAM = "python -m tutorial_lib"
VERBS = {
    "run": "run the notebooks on a dataset and write a report",
    "check": "read a dataset and say what it holds",
    "train": "mine, check, train and merge, without a notebook; under torchrun too",
}
"""Verb -> what it does. ``tutorial_lib.cli.<verb>`` holds its options, a class of the verb's name with a method ``run``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse ``arguments`` and carry out a verb.

    Returns:
        The exit status: 0; 1 for a failure, of a cell or a file; 2 for unusable input; 3 for "do not ship" where ``run`` was
        asked to ``--gate``; 130 after Ctrl-C.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.pop("TUTORIAL_WORKSPACE", None)  # it moves the notebooks' workspace in tests; here --out decides
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in VERBS:
        return _usage(given)
    options: Any = import_module(f"tutorial_lib.cli.{given[0]}").__dict__[given[0].capitalize()]
    return _status(tyro.cli(options, prog=f"{PROGRAM} {given[0]}", args=given[1:]).run)


def _usage(given: Sequence[str]) -> int:
    """Say which verbs there are: on stdout where that was asked for, else with what was found instead."""
    asked = list(given) in (["-h"], ["--help"])
    lines = [f"usage: {PROGRAM} VERB [OPTIONS]     ({PROGRAM} VERB --help lists the options)", ""]
    lines += [f"  {verb:8}{text}" for verb, text in VERBS.items()]
    if not asked:
        lines += ["", f"error: {f'there is no verb {given[0]!r}' if given else 'no verb was given'}"]
    print("\n".join(lines), file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


def _status(run: Callable[[], int]) -> int:
    try:
        return run()
    except (DataError, ModelError) as error:
        _say(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        _say("interrupted: the same command goes on where this one stopped")
        return 130
    except OSError as error:
        _say(f"error: {error} — nothing half-made is kept; the same command goes on where this one stopped")
        return 1
    except Exception as error:
        if type(error).__name__ != "PapermillExecutionError":  # papermill is loaded only by the verb that needs it
            raise
        _say(f"error: a cell failed; read it at the end of the newest executed notebook\n{str(error)[-1500:]}")
        return 1


def _say(line: str) -> None:
    if os.environ.get("LOCAL_RANK", "0") == "0":  # once on each machine
        print(line, file=sys.stderr, flush=True)
