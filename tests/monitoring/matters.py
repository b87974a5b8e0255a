"""A made-up help centre of ten matters: its searches, what training learned of them, and a model that counts words."""

from datetime import UTC, datetime, timedelta

import numpy as np

from tutorial_lib.data.dataset import Document, Query, RetrievalDataset
from tutorial_lib.monitoring.finder import Finder
from tutorial_lib.monitoring.known import Known
from tutorial_lib.monitoring.searches import Click, Search, SearchLog
from tutorial_lib.retrieval.calibration import Calibration
from tutorial_lib.text import tokenize

MATTERS = ("refund", "router", "password", "invoice", "coupon", "backup", "printer", "webhook", "domain", "camera")
ASKS = ("price", "broken", "change", "delete", "copy", "missing", "slow", "export", "limit", "share", "open", "cancel")
START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""


class CountsWords:
    """Encodes a text as how often it holds each matter, and a little of everything else."""

    def encode_queries(self, texts):
        counts = np.array([[text.count(matter) for matter in MATTERS] + [0.3] for text in texts], dtype=np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def articles():
    """One article a matter, which holds all that is asked of it."""
    return {f"help/{m}": Document(f"help/{m}", m, " ".join(ASKS)) for m in sorted(MATTERS)}


def dataset():
    """What training learned: the articles, and one query a matter."""
    queries = {f"q{n}": Query(f"q{n}", f"{m} {ASKS[n]}", {"source": "search"}) for n, m in enumerate(MATTERS)}
    train = {q: {f"help/{query.text.split()[0]}": 1} for q, query in queries.items()}
    return RetrievalDataset("desk", articles(), queries, {"train": train, "dev": {}, "test": {}})


def finder(*, calibrated=True):
    encoder = CountsWords()
    vectors = encoder.encode_queries([f"{m}" for m in sorted(MATTERS)])
    return Finder(encoder, sorted(articles()), vectors, Calibration(10.0, -5.0, 50, 0.5) if calibrated else None)


def known():
    return Known.of(dataset())


def search(n, query, *, article=None, ticket=False, when=None, session=None):
    """Return search ``n``: with a click that answers, unless ``article`` is ""."""
    matter = next((word for word in tokenize(query) if word in MATTERS), "refund")
    clicked = f"help/{matter}" if article is None else article
    clicks = (Click(clicked, 1, 60.0),) if clicked else ()
    return Search(session or f"s{n}", when or START + timedelta(hours=8 * n), query, clicks, ticket)


def week(monday, count, rng, query=None, **changes):
    """Return ``count`` searches of one week, each a session of its own; ``query`` makes some of them other than usual."""
    found = []
    for n in range(count):
        asked = f"{rng.choice(MATTERS)} {rng.choice(ASKS)} {rng.choice(ASKS)}"
        when = monday + timedelta(minutes=(7 * 24 * 60 // count) * n)
        said = (query(n, rng) if query else None) or asked
        drawn = {name: value(n, rng) if callable(value) else value for name, value in changes.items()}
        found.append(search(n, said, when=when, session=f"{monday:%Y%m%d}-{n}", **drawn))
    return found


def log(weeks, *, start=START, count=20, seed=0, query=None, path="log.jsonl", **changes):
    """Return a log of so many weeks."""
    from pathlib import Path

    rng = np.random.default_rng(seed)
    rows = [s for w in range(weeks) for s in week(start + timedelta(weeks=w), count, rng, query, **changes)]
    return SearchLog(Path(path), tuple(rows))
