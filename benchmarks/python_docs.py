"""Write a real collection with oddities as a BEIR folder: ``python -m benchmarks.python_docs FOLDER``.

Articles are docstrings of the installed scientific packages without their first sentence; the sentence is the query. It
is for trying the course on data it was not made with: ids hold spaces and letters beyond ASCII, some articles have no
title, one is over 100,000 characters long, grades are 1 and 2, and there is no dev or test split.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from pathlib import Path

MODULES = (
    "numpy",
    "numpy.linalg",
    "numpy.fft",
    "numpy.random",
    "scipy.stats",
    "scipy.signal",
    "scipy.optimize",
    "scipy.sparse",
    "scipy.linalg",
    "scipy.ndimage",
    "scipy.special",
    "scipy.spatial",
    "scipy.interpolate",
    "pandas",
    "sklearn.metrics",
    "sklearn.preprocessing",
    "sklearn.linear_model",
    "sklearn.cluster",
    "sklearn.decomposition",
    "torch",
    "torch.nn",
    "torch.nn.functional",
    "itertools",
    "os",
    "os.path",
    "shutil",
    "pathlib",
    "collections",
)


def summary_and_rest(docstring: str) -> tuple[str, str] | None:
    """Return the first paragraph that reads as a sentence, and the other paragraphs; None if there is too little."""
    paragraphs = [" ".join(p.split()) for p in re.split(r"\n\s*\n", docstring)]
    first = next((p for p in paragraphs if re.match(r"[A-Z][^(]{15,150}$", p)), None)
    rest = " ".join(p for p in paragraphs if p is not first)
    return (first.rstrip("."), rest) if first and len(rest.split()) >= 15 else None


def main() -> None:
    """Collect docstrings and write corpus, queries and training judgments."""
    folder = Path(sys.argv[1])
    answers: dict[str, list[tuple[str, str]]] = {}
    for name in MODULES:
        module = importlib.import_module(name)
        for item in (i for i in dir(module) if not i.startswith("_") and callable(getattr(module, i))):
            found = summary_and_rest(inspect.getdoc(getattr(module, item)) or "")
            if found:
                answers.setdefault(found[0], []).append((f"{name} π/{item}", found[1][:2000]))
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    corpus, queries, qrels = [], [], ["query-id\tcorpus-id\tscore"]
    for n, (query, documents) in enumerate(answers.items()):
        queries.append(json.dumps({"_id": f"q {n}", "text": query}))
        for id_, text in documents:
            record = {"_id": id_, "text": text if n else text + " x" * 60_000}
            corpus.append(json.dumps({**record, "title": id_.split("/")[1]} if n % 3 else record, ensure_ascii=False))
            qrels.append(f"q {n}\t{id_}\t{1 + n % 2}")
    for name, lines in (("corpus.jsonl", corpus), ("queries.jsonl", queries), ("qrels/train.tsv", qrels)):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(corpus):,} articles and {len(queries):,} queries in {folder}")


if __name__ == "__main__":
    main()
