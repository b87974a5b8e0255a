"""How fast does the encoder turn articles into vectors, and are they still as good? Ours against sentence-transformers.

    python -m benchmarks.encoding --data workspace/aws_docs/dataset --out benchmarks/results/encoding.json
        [--repeats 3] [--peer-python /tmp/peer/venv/bin/python] [--queries-split dev] [--limit N]

Every run is a process of its own, the systems take turns, 200 texts warm each one up, and all may use the same number of
threads (``--threads``). sentence-transformers encodes at its default batch size, 32, and at the best of 16, 32 and 64,
which is looked for on 1,000 articles first. Cosines are to its fp32 vectors; nDCG@10 is that of exact search with the
system's own query vectors.

``--peer-python`` adds ONNX and OpenVINO, as they are and quantised to int8. They need older packages than the course:

    python -m venv /tmp/peer/venv
    /tmp/peer/venv/bin/pip install torch==2.13.0        # the CPU build
    /tmp/peer/venv/bin/pip install "huggingface-hub<1.0" sentence-transformers==5.7.0 transformers==4.57.6 datasets
    /tmp/peer/venv/bin/pip install "huggingface-hub<1.0" optimum==2.1.0 optimum-onnx==0.1.0 onnxruntime==1.32.0
    /tmp/peer/venv/bin/pip install "huggingface-hub<1.0" optimum-intel==1.27.0 openvino==2026.4.1 nncf==3.4.0
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.encode_peer import FILES, measure
from benchmarks.machine import description, in_child, ratios
from tutorial_lib.data.beir import read_beir
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run
from tutorial_lib.files import write_text
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.folder import resolve_model
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.dense import Vectors, dense_run

OURS, REFERENCE = "ours", "sentence-transformers"
NAMES = {
    "torch": REFERENCE,
    "torch-bf16": f"{REFERENCE}, bf16",
    "onnx": "ONNX",
    "onnx-int8": "ONNX, int8",
    "openvino": "OpenVINO",
    "openvino-int8": "OpenVINO, int8",
}
BATCH, BATCHES = 32, (16, 32, 64)
TRIAL = 1000
"""Articles on which the best batch size is looked for."""


@dataclass
class System:
    """One way to encode, and what was measured of it.

    Attributes:
        name: Name in the results.
        module: Module whose process encodes.
        arguments: Its arguments before output file and texts.
        options: Its arguments after them.
        python: Interpreter to run it with.
        runs: What each repeat printed.
        quality: Cosine to the reference and nDCG@10, from the first repeat's vectors.
    """

    name: str
    module: str
    arguments: tuple[str, ...]
    options: tuple[str, ...] = ()
    python: str = sys.executable
    runs: list[dict[str, Any]] = field(default_factory=list)
    quality: dict[str, float] = field(default_factory=dict)

    def encode(self, texts: Path, out: Path) -> dict[str, Any]:
        """Encode ``texts`` in a process of its own; its vectors are in ``out`` then."""
        return in_child(self.module, *self.arguments, str(out), str(texts), *self.options, python=self.python)

    @property
    def rates(self) -> list[float]:
        """Documents a second of each repeat."""
        return [run["docs_per_s"] for run in self.runs]

    def row(self) -> dict[str, Any]:
        """Return the measured figures."""
        last = {k: v for k, v in self.runs[-1].items() if k not in ("docs_per_s", "peak_mb")}
        return {
            "system": self.name,
            "docs_per_s": self.rates,
            "median_docs_per_s": median(self.rates),
            "peak_mb": max(run["peak_mb"] for run in self.runs),
            **self.quality,
            **last,
        }


def with_first(dataset: RetrievalDataset, limit: int | None, split: str) -> RetrievalDataset:
    """Return the dataset with ``limit`` articles, those that answer the split's queries before all others."""
    wanted = {a for _, a in dataset.pairs(split)}
    order = sorted(dataset.corpus, key=lambda a: (a not in wanted, a))
    return dataset.restrict(documents=set(order[:limit]))


def write_texts(folder: Path, dataset: RetrievalDataset, split: str) -> tuple[Path, Path]:
    """Write what is encoded: everything, and the part on which the batch size is chosen."""
    documents = list(dataset.document_texts().values())
    paths = folder / "texts.json", folder / "trial.json"
    for path, step in zip(paths, (1, max(1, len(documents) // TRIAL)), strict=True):
        queries = list(dataset.query_texts(split).values())
        path.write_text(json.dumps({"documents": documents[::step], "queries": queries}), encoding="utf-8")
    return paths


def peers(backend: str, model: str, python: str, folder: Path, texts: Path, trial: Path) -> list[System]:
    """Return sentence-transformers on ``backend`` at its default batch size and, where another is faster, at that."""
    if backend in FILES:
        exported = str(folder / backend)
        in_child("benchmarks.encode_peer", "export", backend, model, exported, str(texts), python=python)
        model = exported
    tried = {
        n: System(
            f"{NAMES[backend]}, batch {n}",
            "benchmarks.encode_peer",
            ("encode", backend, model),
            ("--batch-size", str(n)),
            python,
        )
        for n in BATCHES
    }
    speed = {n: system.encode(trial, folder / "trial.npz")["docs_per_s"] for n, system in tried.items()}
    best = max(BATCHES, key=lambda n: (speed[n], n == BATCH))
    tried[BATCH].name = NAMES[backend]
    return [tried[n] for n in dict.fromkeys((BATCH, best))]


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows at unit length: bf16 and int8 leave them a little off."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def quality(out: Path, reference: Path, dataset: RetrievalDataset, split: str) -> dict[str, float]:
    """Return mean and least cosine of the document vectors to the reference's, and nDCG@10 of the split's queries."""
    with np.load(out) as own, np.load(reference) as other:
        vectors, expected = Vectors(unit(own["documents"]), {split: unit(own["queries"])}), unit(other["documents"])
    cosines = (vectors.documents * expected).sum(axis=1, dtype=np.float64)
    run = dense_run(dataset, vectors, split)
    return {
        "cosine_mean": float(cosines.mean()),
        "cosine_min": float(cosines.min()),
        MAIN_MEASURE: evaluate_run(dataset.qrels[split], run)[MAIN_MEASURE],
    }


def hold_threads(threads: int) -> None:
    """Give this process and all it starts the same number of threads (rayon is the tokenizers'), and no network."""
    count = str(threads)
    os.environ.update(
        OMP_NUM_THREADS=count,
        MKL_NUM_THREADS=count,
        RAYON_NUM_THREADS=count,
        TOKENIZERS_PARALLELISM="true" if threads > 1 else "false",
        HF_HUB_OFFLINE="1",
        HF_DATASETS_OFFLINE="1",
    )
    torch.set_num_threads(threads)


def record(systems: list[System], dataset: RetrievalDataset, threads: int) -> dict[str, Any]:
    """Return everything measured so far."""
    ours = next(s for s in systems if s.name == OURS)
    return {
        "command": " ".join(["python -m benchmarks.encoding", *sys.argv[1:]]),
        "machine": description(),
        "threads": threads,
        "dataset": dataset.name,
        "articles": len(dataset.corpus),
        "rows": [s.row() for s in systems],
        "ratios": {f"{OURS} / {s.name}": ratios(ours.rates, s.rates) for s in systems if s is not ours},
    }


def main() -> None:
    """Measure all systems in turn; the figures so far are written after every round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="workspace/aws_docs/dataset", type=Path, help="BEIR folder")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--queries-split", default="dev")
    parser.add_argument("--limit", type=int, help="encode only so many articles")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--peer-python", help="interpreter of an environment with ONNX and OpenVINO, see above")
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)  # OUT.npz TEXTS.json: encode with ours
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(Encoder.load(options.model).encode_documents, options.child[1], options.child[0])))
        return
    if not options.out:
        parser.error("--out is missing")
    hold_threads(options.threads)
    split, model = options.queries_split, str(resolve_model(options.model))
    dataset = with_first(read_beir(options.data), options.limit, split)
    backends = ("torch", "torch-bf16", *(FILES if options.peer_python else ()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts, trial = write_texts(folder, dataset, split)
        systems = [System(OURS, "benchmarks.encoding", ("--model", model, "--child"))]
        for backend in backends:
            python = options.peer_python if backend in FILES else sys.executable
            systems += peers(backend, model, python, folder, texts, trial)
        systems.sort(key=lambda s: s.name != REFERENCE)  # the others' cosines need its vectors
        for repeat in range(options.repeats):
            for system in systems:
                out = folder / ("reference.npz" if system.name == REFERENCE else "vectors.npz")
                system.runs.append(system.encode(texts, out))
                if not repeat:
                    system.quality = quality(out, folder / "reference.npz", dataset, split)
                print(json.dumps(system.row()), flush=True)
            write_text(options.out, json.dumps(record(systems, dataset, options.threads), indent=1) + "\n")


if __name__ == "__main__":
    main()
