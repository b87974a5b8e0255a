"""What several test modules share: small datasets that a reader can hold in the head."""

import json
import os
import shutil
import signal
import stat
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from tutorial_lib.data.beir import write_beir
from tutorial_lib.data.dataset import Document, Query, RetrievalDataset

DOCUMENTS = {
    "account/close": ("Close your account", "Closing an account deletes its files after thirty days."),
    "account/password": ("Reset your password", "Follow the link in the e-mail to choose a new password."),
    "billing/cancel": ("Cancel a plan", "Cancelling stops the renewal. Nothing is paid back on this page."),
    "billing/refund": ("Refunds", "An annual plan is refunded in full within fourteen days of payment."),
    "devices/router": ("Restart the router", "Pull the plug, wait ten seconds, and plug the router in again."),
    "devices/wifi": ("Slow wireless network", "Move closer to the router or change the channel it sends on."),
}

JUDGED = {
    "train": {
        "t1": ("refund for annual plan", "billing/refund"),
        "t2": ("stop my subscription from renewing", "billing/cancel"),
        "t3": ("forgot my password", "account/password"),
        "t4": ("delete my account and all files", "account/close"),
        "t5": ("router keeps blinking red", "devices/router"),
        "t6": ("internet is slow upstairs", "devices/wifi"),
    },
    "dev": {
        "d1": ("money back after yearly payment", "billing/refund"),
        "d2": ("how do I turn the router off and on", "devices/router"),
    },
    "test": {
        "e1": ("can I get a refund in the second week", "billing/refund"),
        "e2": ("end the plan before it renews", "billing/cancel"),
        "e3": ("password link never arrives", "account/password"),
        "e4": ("weak signal in the bedroom", "devices/wifi"),
    },
}


def small_dataset() -> RetrievalDataset:
    """Six support-desk articles of three families; 6 train, 2 dev and 4 test queries with one positive each."""
    return make_dataset(DOCUMENTS, JUDGED, families=True)


def make_dataset(documents, judged, *, families=False, metadata=None) -> RetrievalDataset:
    """Build a dataset.

    Args:
        documents: Article id -> (title, text).
        judged: Split -> query id -> (text, article id or a list of them or a dict of grades).
        families: Take the part of the article id before "/" as its family.
        metadata: Article id -> metadata, instead of the family.
    """
    corpus = {}
    for a, (title, text) in sorted(documents.items()):
        extra = {"family": a.split("/")[0]} if families else (metadata or {}).get(a, {})
        corpus[a] = Document(a, title, text, extra)
    texts = {q: text for rows in judged.values() for q, (text, _) in rows.items()}
    qrels = {s: {q: _grades(positives) for q, (_, positives) in judged.get(s, {}).items()} for s in ("train", "dev", "test")}
    queries = {q: Query(q, text) for q, text in sorted(texts.items())}
    return RetrievalDataset("small", corpus, queries, qrels)


def _grades(positives):
    if isinstance(positives, dict):
        return dict(positives)
    return dict.fromkeys([positives] if isinstance(positives, str) else positives, 1)


def beir_folder(folder, *, corpus=None, queries=None, qrels=None):
    """Write ``small_dataset`` to ``folder``, then replace files by the given lines (str, bytes or JSON objects).

    ``qrels`` maps a split to its lines; a split mapped to None has no file.
    """
    write_beir(small_dataset(), folder)
    for name, lines in (("corpus.jsonl", corpus), ("queries.jsonl", queries)):
        if lines is not None:
            (folder / name).write_bytes(_joined(lines))
    for split, lines in (qrels or {}).items():
        path = folder / "qrels" / f"{split}.tsv"
        if lines is None:
            path.unlink()
        else:
            path.write_bytes(_joined(lines))
    return folder


def _joined(lines):
    return b"".join(_as_bytes(line) + b"\n" for line in lines)


def _as_bytes(line):
    if isinstance(line, bytes):
        return line
    return (line if isinstance(line, str) else json.dumps(line)).encode()


def tree(folder):
    """Return every file under ``folder`` with its content, to show that nothing was written."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def one_hot(words, texts):
    """Return unit vectors, float32 (N, len(words)): which of ``words`` each text holds."""
    rows = np.array([[w in text.lower().split() for w in words] for text in texts], dtype=np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms == 0, 1, norms)


def write_json(path, content):
    """Write a file of JSON in a folder that is made if need be."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def with_twins(dataset, *groups):
    """Return ``dataset`` with these groups of near-duplicate articles."""
    return replace(dataset, near_duplicates=tuple(map(tuple, groups)))


def damaged(file, how):
    """Damage a file: cut it in "half", flip one "bit" or change one "digit" in its middle, or let it be "gone"."""
    content = file.read_bytes()
    middle = len(content) // 2
    if how == "gone":
        file.unlink()
    elif how == "half":
        file.write_bytes(content[:middle])
    elif how == "bit":
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    else:
        at = min(
            (n for n, byte in enumerate(content) if chr(byte).isdecimal()), key=lambda n: abs(n - middle), default=middle
        )
        file.write_bytes(content[:at] + (b"7" if content[at : at + 1] != b"7" else b"3") + content[at + 1 :])


OBSTACLES = {"pipe": "a pipe", "socket": "a socket", "folder": "a folder", "device": "a device", "link": "a link that leads"}
"""What ``obstructed`` can put in a file's place, and how the package calls it."""


def obstructed(file, how):
    """Put something in the place of a file, if there is one, that is no plain file; return its path."""
    if file.is_dir() and not file.is_symlink():
        shutil.rmtree(file)
    else:
        file.unlink(missing_ok=True)
    if how == "folder":
        file.mkdir()
    elif how in ("device", "link"):
        file.symlink_to("/dev/zero" if how == "device" else "nowhere")
    else:
        os.mknod(file, 0o600 | (stat.S_IFIFO if how == "pipe" else stat.S_IFSOCK))
    return file


@contextmanager
def in_time(seconds=30):
    """Fail if the block takes longer: it waits for a pipe."""

    def ring(*_):
        pytest.fail(f"still waiting after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
