"""The command line's entry: which verb, its options, and the exit status of whatever goes wrong."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
    "rerank": "train a cross-encoder that ranks again what a run's model finds",
    "export": "a run's fine-tuned model as ONNX, with a table of what it finds",
    "index": "a run's articles into the index that serve answers from",
    "serve": "embeddings, reranking and search over HTTP, by the models of a run",
    "verdict": "which of two versions people prefer, from the clicks of serve --candidate",
    "retrain": "a new generation of a run's model from the log, live only if it passes",
    "history": "the generations of a run's model, as a table",
    "watch": "is a search log still like the searches that a run's model learned from? a decision a week",
}
"""Verb -> what it does. ``tutorial_lib.cli.<verb>`` holds its options, a class of the verb's name with a method ``run``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse ``arguments`` and carry out a verb.

    Returns:
        The exit status: 0; 1 for a failure, of a cell or a file; 2 for unusable input; 3 for "do not ship" where ``run`` was
        asked to ``--gate``, or ``retrain`` has kept the old model; 10 for "look" and 20 for "retrain" where ``watch`` says
        so; 130 after Ctrl-C, 143 after SIGTERM.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.pop("TUTORIAL_WORKSPACE", None)  # it moves the notebooks' workspace in tests; here --out decides
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in VERBS:
        return _usage(given)
    return _status(lambda: _carried_out(given[0], given[1:]))


def _carried_out(verb: str, arguments: Sequence[str]) -> int:
    options: Any = import_module(f"tutorial_lib.cli.{verb}").__dict__[verb.capitalize()]
    status: int = tyro.cli(options, prog=f"{PROGRAM} {verb}", args=arguments).run()
    return status


def _usage(given: Sequence[str]) -> int:
    """Say which verbs there are: on stdout where that was asked for, else with what was found instead."""
    asked = list(given) in (["-h"], ["--help"])
    lines = [f"usage: {PROGRAM} VERB [OPTIONS]     ({PROGRAM} VERB --help lists the options)", ""]
    lines += [f"  {verb:8}{text}" for verb, text in VERBS.items()]
    if not asked:
        lines += ["", f"error: {f'there is no verb {given[0]!r}' if given else 'no verb was given'}"]
    print("\n".join(lines), file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


AGAIN = "the same command goes on where this one stopped"


def _status(run: Callable[[], int]) -> int:
    try:
        with _told_to_end():
            return run()
    except (DataError, ModelError) as error:
        _say(f"error: {error}")
        return 2
    except (KeyboardInterrupt, _TerminatedError) as ended:
        _say(f"{'terminated' if isinstance(ended, _TerminatedError) else 'interrupted'}: {AGAIN}")
        return 143 if isinstance(ended, _TerminatedError) else 130
    except OSError as error:
        _say(f"error: {error} — nothing half-made is kept; {AGAIN}")
        return 1
    except Exception as error:
        status, line = _of_a_notebook(error)
        if not status:
            raise
        _say(line)
        return status


def _of_a_notebook(error: Exception) -> tuple[int, str]:
    """Return status and message for what a notebook's kernel raised, or 0. Only the verb that needs papermill loads it."""
    kind = type(error).__name__
    if kind == "DeadKernelError":
        return 1, (
            "error: a notebook's process was killed, most likely because memory ran out (dmesg tells): free some, or pass a "
            f"smaller --token-budget and --activation-tokens; {AGAIN}"
        )
    if kind != "PapermillExecutionError":
        return 0, ""
    raised, said = getattr(error, "ename", ""), getattr(error, "evalue", "")
    if raised in ("DataError", "ModelError"):
        return 2, f"error: {said}"
    if raised == "OSError":
        return 1, f"error: {said} — nothing half-made is kept; {AGAIN}"
    return 1, f"error: a cell failed; read it at the end of the newest executed notebook\n{str(error)[-1500:]}"


class _TerminatedError(BaseException):
    """SIGTERM came."""


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Within the block SIGTERM ends what is done as Ctrl-C does, so that nothing half-made and no kernel stays behind."""

    def end(*_: Any) -> None:
        raise _TerminatedError

    alone = os.environ.get("WORLD_SIZE", "1") == "1"  # who waits for other processes of a torchrun hears no signal in Python
    if not alone or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(line: str) -> None:
    if os.environ.get("LOCAL_RANK", "0") == "0":  # once on each machine
        print(line, file=sys.stderr, flush=True)
