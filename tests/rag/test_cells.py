"""Tables of cells made by hand; those of a whole experiment are in test_experiment."""

import json

import numpy as np
import pandas as pd
import pytest

from tutorial_lib.rag.cells import Cell, Experiment

NUMBERS = ("context_tokens", "prompt_tokens", "completion_tokens", "cost", "seconds")


def cell(template, recalls):
    queries = pd.DataFrame(
        {"fact_recall": recalls, "context_recall": recalls, "all_facts": np.floor(recalls), "answer": "text"}
    )
    queries[list(NUMBERS)] = 2.0
    queries.index = pd.Index([f"q{n}" for n in range(len(recalls))], name="query_id")
    return Cell(template, "tuned", 3, queries)


@pytest.fixture
def experiment():
    cells = (cell("plain.v1", [0.0, 0.5, 1.0]), cell("guarded.v1", [0.5, 1.0, 1.0]))
    return Experiment(cells, {f"q{n}": f"a{n}" for n in range(3)}, {"model": "none"})


def test_rows_are_means_and_differences_from_the_first(experiment):
    first, second = experiment.rows()
    assert (first["fact_recall"], first["all_facts"], first["cost"], first["p"]) == (0.5, pytest.approx(1 / 3), 6, None)
    assert second["difference"] == pytest.approx(1 / 3)
    assert second["difference_low"] <= second["difference"] <= second["difference_high"]
    assert second["p"] == second["p_adjusted"] == 0.5  # 2 of the 4 ways to swap two changed queries


def test_a_cost_that_is_known_of_some_queries_alone_is_not_known(experiment, tmp_path):
    experiment.cells[0].queries.loc["q0", "cost"] = np.nan
    assert np.isnan(experiment.rows()[0]["cost"])
    experiment.write(tmp_path / "experiment.json")
    record = json.loads((tmp_path / "experiment.json").read_text(), parse_constant=pytest.fail)
    assert record["cells"][0]["cost"] is None
    assert list(record["queries"]) == ["plain.v1, tuned, k=3", "guarded.v1, tuned, k=3"]
