"""What does a report decide on each collection: is the fine-tuned model to be shipped, by itself or beside keyword search?

    python -m benchmarks.deciding --workspace NAME[:SEED]=FOLDER … --out benchmarks/results/deciding.json

FOLDER holds ``dataset/`` (BEIR) and ``model/``: a run, or one of those that ``benchmarks.quality --models`` keeps. A row has
test nDCG@10 of what needs no training, of the model, and of both by their scores; and for the latter two the decision, what
they gain over the first with its 95 % interval, and the requirements that failed. Dev chooses every setting, test reports.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.quality import Collection
from benchmarks.rows import Rows
from tutorial_lib.evaluation.assess import Assessment, assess
from tutorial_lib.evaluation.choose import choose_share
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.fusion import convex_combination
from tutorial_lib.retrieval.systems import BASELINE, CANDIDATE, KEYWORD, KEYWORD_AND_TUNED, UNTRAINED
from tutorial_lib.retrieval.untrained import rankings


def row_of(name: str, folder: Path, model: str = DEFAULT_MODEL, vectors: Path | None = None) -> dict[str, Any]:
    """Return the row of one fine-tuned model.

    Args:
        name: Of the collection, with the seed after a colon where there are several.
        folder: Its ``dataset/`` and ``model/``.
        model: The base model.
        vectors: Folder in which calls share the base model's vectors.
    """
    home = Collection(name.split(":")[0], folder / "dataset", model, vectors=vectors)
    made = Vectors.of(home.dataset, Encoder.load(folder / "model"), ["dev", "test"])
    tuned = {split: dense_run(home.dataset, made, split) for split in ("dev", "test")}
    parts = {split: home.parts(split) for split in tuned}
    share = choose_share(home.dataset, parts["dev"][0], tuned["dev"])
    runs = {
        KEYWORD: parts["test"][0],
        BASELINE: parts["test"][1],
        UNTRAINED: rankings(*parts["test"], home.base_share)[home.untrained.system],
        CANDIDATE: tuned["test"],
        KEYWORD_AND_TUNED: convex_combination(parts["test"][0], tuned["test"], share),
    }
    return {
        "dataset": name,
        "share": share,
        "test": {system: evaluate_run(home.dataset.qrels["test"], run)[MAIN_MEASURE] for system, run in runs.items()},
        **{system: told(assess(home.dataset, runs, system)) for system in (CANDIDATE, KEYWORD_AND_TUNED)},
    }


def told(assessed: Assessment) -> dict[str, Any]:
    """Return the decision, the gain over what needs no training, and the requirements that failed."""
    return {
        "decision": assessed.decision.decision,
        "gain": assessed.against[UNTRAINED].main.record(),
        "failed": [check.text for check in assessed.decision.checks if not check.passed],
    }


def main() -> None:
    """Write the rows that the file does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", nargs="+", default=[], metavar="NAME[:SEED]=FOLDER")
    parser.add_argument("--vectors", type=Path, help="folder in which calls share the base model's vectors")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    made = Rows(options.out, "python -m benchmarks.deciding")
    for name, folder in made.missing(options.workspace):
        row = row_of(name, folder, vectors=options.vectors)
        made.add(row)
        print(name, {s: (round(row["test"][s], 3), row[s]["decision"]) for s in (CANDIDATE, KEYWORD_AND_TUNED)}, flush=True)


if __name__ == "__main__":
    main()
