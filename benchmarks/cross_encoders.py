"""A cross-encoder's scores: ours beside ``sentence_transformers.CrossEncoder.predict`` on the same pairs, in turn.

    python -m benchmarks.cross_encoders --data workspace/support_desk/dataset            # the base model with a fresh head
    python -m benchmarks.cross_encoders --data DATASET --model FOLDER --queries 50 --depth 30

Time is this process's CPU time as well as the clock's: on a busy machine the one says more. The peer is called as its
documentation does: once for all pairs ("all"), and query by query ("each"), as behind a search box; so is ours.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import description, ratios

Pairs = list[tuple[str, str]]


def shortlists(data: Path, queries: int, depth: int) -> list[Pairs]:
    """Return for each of the first test queries of a dataset in BEIR's form its pairs with what keyword search finds."""
    from tutorial_lib.data.beir import read_beir
    from tutorial_lib.retrieval.bm25 import BM25
    from tutorial_lib.retrieval.reranking import candidates

    dataset = read_beir(data)
    texts = dict(list(dataset.query_texts("test").items())[:queries])
    documents = dataset.document_texts()
    found = candidates(BM25(documents).search(texts, k=depth), texts, depth)
    return [[(texts[q], documents[a]) for a in ids] for q, ids in found.items()]


def timed(score: Callable[[Pairs], Any], calls: list[Pairs]) -> tuple[dict[str, float], np.ndarray]:
    """Return CPU and clock seconds of one round over ``calls``, and all scores."""
    cpu, clock = time.process_time(), time.perf_counter()
    scores = [np.asarray(score(call)) for call in calls]
    return {"cpu": time.process_time() - cpu, "clock": time.perf_counter() - clock}, np.concatenate(scores)


def measure(folder: Path, lists: list[Pairs], repeats: int) -> dict[str, Any]:
    """Return seconds of both ways, their ratio (above 1: ours is faster) and the largest difference of two scores."""
    from sentence_transformers import CrossEncoder as Peer

    from tutorial_lib.models.cross_encoder import CrossEncoder

    ours, peer = CrossEncoder.load(folder), Peer(str(folder))
    measured: dict[str, Any] = {"pairs": sum(map(len, lists)), "device": str(ours.device)}
    for name, calls in {"all": [[pair for pairs in lists for pair in pairs]], "each": lists}.items():
        ours.scores(calls[0][:8]), peer.predict(calls[0][:8])  # warm
        rounds: list[tuple[dict[str, float], dict[str, float]]] = []
        for _ in range(repeats):
            (own, found), (other, expected) = timed(ours.scores, calls), timed(peer.predict, calls)
            rounds.append((own, other))
        speed = {clock: ratios([o[clock] for _, o in rounds], [s[clock] for s, _ in rounds]) for clock in ("cpu", "clock")}
        worst = float(np.abs(found - expected).max())
        measured[name] = {"ours_s": [s for s, _ in rounds], "peer_s": [o for _, o in rounds], "faster": speed, "worst": worst}
    return measured


def fresh(max_length: int, folder: Path) -> Path:
    """Write the base model with a head of random weights, which takes as long as a trained one."""
    from tutorial_lib.models.encoder import Encoder
    from tutorial_lib.training.cross_encoder import save_cross_encoder, with_fresh_head

    save_cross_encoder(with_fresh_head(Encoder.load().with_window(max_length)), folder, "")
    return folder


def main() -> None:
    """Measure, and print one JSON object."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a dataset in BEIR's form")
    parser.add_argument("--model", help="a cross-encoder's folder; without it the base model with a fresh head")
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--depth", type=int, default=30)
    parser.add_argument("--max-length", type=int, default=192, help="window of the model with a fresh head")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as bare:
        folder = Path(options.model) if options.model else fresh(options.max_length, Path(bare, "model"))
        measured = measure(folder, shortlists(options.data, options.queries, options.depth), options.repeats)
    print(json.dumps({**vars(options), "data": options.data.name, **measured, "machine": description()}, indent=1))


if __name__ == "__main__":
    main()
