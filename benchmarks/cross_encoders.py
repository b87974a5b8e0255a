"""A cross-encoder: what it is worth behind a fine-tuned model, and how fast its pairs are scored.

    python -m benchmarks.cross_encoders quality --workspace workspace/support_desk --out RECORD
        [--rank 32] [--learning-rate 1e-3] [--max-length 96] … [--top 30]
    python -m benchmarks.cross_encoders speed --data workspace/aws_docs/dataset --out RECORD

"quality" trains one in ``<workspace>/cross`` unless it is there, on negatives from the fine-tuned model's own first
documents, and scores dev and test, query by query: a second call goes on where the first one stopped. Dev chooses the share
of its scores in the fusion, 0 unless dev rises by more than the standard error of the difference. With ``--handful 8`` it is
asked to learn so many lists by heart instead: whoever cannot do that has made a mistake.

"speed" scores the same pairs by us and by ``sentence_transformers.CrossEncoder.predict``, in turn. Time is this process's CPU
time as well as the clock's: on a busy machine the one says more. The peer is called as its documentation does: once for all
pairs ("all"), and query by query ("each"), as behind a search box; so are we.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from benchmarks.machine import description, peak_mb, ratios
from tutorial_lib.cli.options import Flat
from tutorial_lib.files import write_text
from tutorial_lib.training.cross_settings import RESULT_FILE, CrossResult, CrossSettings

Pairs = list[tuple[str, str]]
SHARES = (0.1, 0.2, 0.3, 0.5, 0.7)
"""Of the cross-encoder in the fused score; dev chooses among them."""
TIMED = 5
"""So many queries are timed, each alone."""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Train a cross-encoder and measure what it adds.

    Attributes:
        workspace: Folder of a run that has a fine-tuned model.
        out: JSON file that the row is added to.
        top: How many documents of each query are ranked again.
        handful: Learn so many lists by heart, and measure that alone.
        settings: How it is trained.
    """

    workspace: Path
    out: Path
    top: int = 30
    handful: int = 0
    settings: Annotated[CrossSettings, Flat] = field(default_factory=CrossSettings)

    def run(self) -> None:
        """Add a row to the record."""
        found = {"dataset": self.workspace.name, "settings": asdict(self.settings)}
        if self.handful:
            add(self.out, "handful", {**found, "lists": self.handful, **self.by_heart()})
        else:
            add(self.out, "quality", {**found, **self.measured(), "peak_mb": peak_mb()})

    def trained(self) -> tuple[Path, CrossResult]:
        """Return the folder of the cross-encoder and how it was trained, which happens now unless it is there."""
        from tutorial_lib.training.cross_encoder import train_cross_encoder

        folder, checkpoints = self.workspace / "cross", self.workspace / "cross_checkpoints"
        if not (folder / RESULT_FILE).exists():
            dataset, pairs, first = self.material()
            train_cross_encoder(dataset, pairs, first, folder, checkpoints, **self.how())
        return folder, CrossResult.load(folder / RESULT_FILE)

    def how(self) -> dict[str, Any]:
        """Return what the training is told."""
        return {"model": self.workspace / "model", "settings": self.settings}

    def material(self) -> tuple[Any, Any, Any]:
        """Return dataset, training pairs and the fine-tuned model's ranking of dev."""
        from tutorial_lib.data.beir import read_beir
        from tutorial_lib.models.encoder import Encoder
        from tutorial_lib.retrieval.dense import Vectors, VectorScorer, dense_run
        from tutorial_lib.training.cross_encoder import reranking_pairs

        dataset, tuned = read_beir(self.workspace / "dataset"), Vectors.load(self.workspace / "tuned_vectors")
        scorer = VectorScorer(list(dataset.corpus), tuned.documents, Encoder.load(self.workspace / "model"))
        pairs = reranking_pairs(dataset, scorer, Vectors.load(self.workspace / "base_vectors"))
        return dataset, pairs, dense_run(dataset, tuned, "dev")

    def by_heart(self) -> dict[str, Any]:
        """Return the losses of a training on a few lists: by chance the first is ln(1 + negatives)."""
        from tutorial_lib.training.cross_encoder import prepare_cross_training

        dataset, pairs, first = self.material()
        few = pairs[:: len(pairs) // self.handful][: self.handful]
        with tempfile.TemporaryDirectory() as checkpoints:
            result = prepare_cross_training(dataset, few, first, Path(checkpoints), **self.how()).train()
        return {"losses": result.losses, "chance": float(np.log(1 + self.settings.negatives)), "seconds": result.seconds}

    def measured(self) -> dict[str, Any]:
        """Return how training went, dev by share, and test by the fine-tuned model, the cross-encoder and both."""
        from tutorial_lib.data.beir import read_beir
        from tutorial_lib.evaluation.significance import compare
        from tutorial_lib.models.cross_encoder import CrossEncoder
        from tutorial_lib.retrieval.cross_encoder import CrossReranker
        from tutorial_lib.retrieval.dense import Vectors, dense_run
        from tutorial_lib.retrieval.reranking import reranked

        folder, result = self.trained()
        dataset, tuned = read_beir(self.workspace / "dataset"), Vectors.load(self.workspace / "tuned_vectors")
        reranker = CrossReranker(CrossEncoder.load(folder), dataset.document_texts(), self.top)
        runs = {split: dense_run(dataset, tuned, split) for split in ("dev", "test")}
        texts = {split: dataset.query_texts(split) for split in runs}
        scores = {s: kept_scores(folder / f"scores.{s}.json", reranker, texts[s], runs[s]) for s in runs}
        by_share, share = chosen(dataset.qrels["dev"], runs["dev"], scores["dev"])
        after = {
            "tuned": runs["test"],
            "cross": reranked(runs["test"], scores["test"], 1.0),
            "fused": reranked(runs["test"], scores["test"], share),
        }
        test = {}
        for name in ("cross", "fused"):
            comparison = compare(dataset.qrels["test"], after, "tuned", name)
            test[name] = {**vars(comparison.main), **comparison.outcome()}
        spread = float(np.mean([np.std(list(found.values())) for found in scores["test"].values()]))
        return {
            "training": asdict(result),
            "top": self.top,
            "dev": {"queries": len(texts["dev"]), "by_share": by_share, "share": share},
            "test": {**test, "spread": spread},
            **seconds_a_query(reranker, texts["test"], runs["test"]),
        }


def chosen(qrels: Any, run: Any, scores: Any) -> tuple[dict[str, float], float]:
    """Return nDCG@10 of dev by the cross-encoder's share, 0 and 1 among them, and the share that dev chooses."""
    from tutorial_lib.evaluation.dev_pool import rises
    from tutorial_lib.evaluation.measures import main_scores
    from tutorial_lib.retrieval.reranking import reranked
    from tutorial_lib.training.dev import mean_score

    by_query = {share: main_scores(qrels, reranked(run, scores, share)) for share in (0.0, *SHARES, 1.0)}
    best = max(SHARES, key=lambda share: (mean_score(by_query[share]), -share))
    means = {f"{share:g}": mean_score(found) for share, found in by_query.items()}
    return means, best if rises(by_query[0.0], by_query[best]) else 0.0


def kept_scores(path: Path, reranker: Any, queries: Mapping[str, str], run: Any) -> dict[str, dict[str, float]]:
    """Return the scores of each query's first documents; those that ``path`` holds are not made again."""
    found = json.loads(path.read_text()) if path.exists() else {}
    left = [q for q in queries if q not in found]
    for start in range(0, len(left), 10):
        part = left[start : start + 10]
        found |= reranker.scores({q: queries[q] for q in part}, {q: run[q] for q in part})
        write_text(path, json.dumps(found))
    return {q: found[q] for q in queries}


def seconds_a_query(reranker: Any, queries: Mapping[str, str], run: Any) -> dict[str, float]:
    """Return the medians of clock and CPU seconds of a few queries, each alone."""
    taken = []
    for q in list(queries)[: TIMED + 1]:
        cpu, clock = time.process_time(), time.perf_counter()
        reranker.scores({q: queries[q]}, {q: run[q]})
        taken.append((time.process_time() - cpu, time.perf_counter() - clock))
    cpu_s, clock_s = np.median(taken[1:], axis=0).tolist()  # the first one warms up
    return {"cpu_s_a_query": cpu_s, "clock_s_a_query": clock_s}


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Score pairs by us and by sentence-transformers, in turn.

    Attributes:
        data: A dataset in BEIR's form.
        out: JSON file that the row is added to.
        model: A cross-encoder's folder; without it the base model with a fresh head, which takes as long as a trained one.
        queries: How many test queries.
        depth: How many documents of each, those that keyword search finds first.
        max_length: Window of the model with a fresh head.
        repeats: Rounds of both.
    """

    data: Path
    out: Path
    model: Path | None = None
    queries: int = 20
    depth: int = 30
    max_length: int = 192
    repeats: int = 3

    def run(self) -> None:
        """Add a row to the record."""
        with tempfile.TemporaryDirectory() as bare:
            folder = self.model or fresh(self.max_length, Path(bare, "model"))
            measured = measure(folder, shortlists(self.data, self.queries, self.depth), self.repeats)
        told = {"queries": self.queries, "depth": self.depth, "max_length": self.max_length}
        add(self.out, "speed", {"dataset": self.data.parent.name, **told, **measured})


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


def add(out: Path, kind: str, row: dict[str, Any]) -> None:
    """Add a row to the record, and print it."""
    record = json.loads(out.read_text()) if out.exists() else {}
    row = {**row, "machine": description()}
    write_text(out, json.dumps({**record, kind: [*record.get(kind, []), row]}, indent=1))
    print(json.dumps(row))


def main() -> None:
    """Measure what the first argument names."""
    tyro.extras.subcommand_cli_from_dict({"quality": Quality, "speed": Speed}, description=__doc__).run()


if __name__ == "__main__":
    main()
