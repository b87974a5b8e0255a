"""A grid of prompts: each cell's figures can be worked out by hand, and a broken run goes on."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.helpers import small_dataset
from tests.rag.replies import completion
from tutorial_lib.data.dataset import DataError
from tutorial_lib.evaluation.slices import query_slices
from tutorial_lib.http import EndpointError
from tutorial_lib.rag.answer import Answer, Prices
from tutorial_lib.rag.context import ContextError, ContextSettings
from tutorial_lib.rag.endpoint import ChatEndpoint, ChatSettings
from tutorial_lib.rag.experiment import Grid, run_experiment
from tutorial_lib.rag.prompts import PromptTemplate
from tutorial_lib.rag.tokens import TokenCounter

WORDS = TokenCounter("words", lambda text: len(text.split()))
PLAIN, GROUNDED = (PromptTemplate.read(f"{name}.v1") for name in ("plain", "grounded"))
FACTS = {
    "e1": (("fourteen days",), ("in full",)),
    "e2": (("stops the renewal",),),
    "e3": (("link in the e-mail",),),
    "e4": (("change the channel", "another channel"),),
}
RIGHT = {"e1": "billing/refund", "e2": "billing/cancel", "e3": "account/password", "e4": "devices/wifi"}
GOOD = {q: {a: 1.0} for q, a in RIGHT.items()}
BAD = {**GOOD, "e1": {"billing/cancel": 1.0}, "e4": {}}


class Parrot:
    """Repeats its prompt, at a token a word."""

    name = "parrot"

    def __init__(self):
        self.asked = []

    def answer(self, messages):
        text = messages[-1]["content"]
        self.asked.append(text)
        return Answer(text, len(text.split()), 10, seconds=0.5)


def experiment(runs, *, templates=(PLAIN,), ks=(1,), answerer=None, **options):
    return run_experiment(
        small_dataset(), Grid(templates, runs, ks), FACTS, answerer or Parrot(), count=WORDS, workers=1, **options
    )


def test_a_cell_has_recall_tokens_cost_and_latency():
    (row,) = experiment({"bad": BAD}, prices=Prices(prompt=1e6, completion=0)).rows()
    assert (row["template"], row["system"], row["k"], row["queries"], row["empty"]) == ("plain.v1", "bad", 1, 4, 1)
    assert row["fact_recall"] == row["context_recall"] == row["all_facts"] == 0.5  # e2 and e3 of four
    assert 0 <= row["low"] <= 0.5 <= row["high"] <= 1
    assert row["completion_tokens"] == 7.5  # nothing is asked without a context
    assert row["cost"] == 4 * row["prompt_tokens"]
    assert row["seconds"] == 0.5
    assert row["difference"] is None


def test_cells_are_compared_with_the_first_on_the_same_queries():
    found = experiment({"bad": BAD, "good": GOOD}, templates=(PLAIN, GROUNDED), ks=(1, 2))
    assert [cell.name for cell in found.cells][:3] == ["plain.v1, bad, k=1", "plain.v1, bad, k=2", "plain.v1, good, k=1"]
    table = found.table().set_index(["template", "system", "k"])
    assert table.loc[("plain.v1", "good", 1), "fact_recall"] == 1
    assert table.loc[("plain.v1", "good", 1), "difference"] == 0.5
    assert table.loc[("plain.v1", "bad", 2), "difference"] == 0
    assert table["p_adjusted"][1:].ge(table["p"][1:]).all()
    assert len(table) == 8


def test_slices_compare_each_cell_with_the_first():
    found = experiment({"bad": BAD, "good": GOOD})
    slices = found.slices(query_slices(small_dataset()))
    assert set(slices["cell"]) == {"plain.v1, good, k=1"}
    by_length = slices[slices["slice"] == "length"].set_index("value")
    assert by_length["queries"].sum() == 4
    with pytest.raises(DataError, match="there is one cell"):
        experiment({"good": GOOD}).slices(query_slices(small_dataset()))


def test_the_file_holds_settings_cells_slices_and_answers(tmp_path):
    found = experiment({"bad": BAD, "good": GOOD})
    path = tmp_path / "prompts" / "experiment.json"
    found.write(path, query_slices(small_dataset()))
    record = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert record["settings"]["model"] == "parrot"
    assert record["settings"]["templates"] == {"plain.v1": PLAIN.digest}
    assert record["settings"]["tokens counted by"] == "words"
    assert [cell["fact_recall"] for cell in record["cells"]] == [0.5, 1.0]
    assert record["cells"][0]["cost"] is None
    assert record["slices"][0]["cell"] == "plain.v1, good, k=1"
    answers = {row["query_id"]: row["answer"] for row in record["queries"]["plain.v1, bad, k=1"]}
    assert answers["e4"] is None
    assert "Cancelling stops the renewal" in answers["e1"]
    assert [p.name for p in path.parent.iterdir()] == ["experiment.json"]
    found.write(path)
    assert json.loads(path.read_text())["slices"] == []


def test_texts_can_be_passages():
    passages = {f"{a}#1": text for a, text in small_dataset().document_texts().items()}
    run = {q: {f"{a}#1": 1.0} for q, a in RIGHT.items()}
    (row,) = experiment({"passages": run}, texts=passages).rows()
    assert row["fact_recall"] == 1


def test_all_prompts_are_made_before_the_first_is_sent():
    parrot = Parrot()
    with pytest.raises(ContextError, match=r"^plain\.v1, gone, k=1: query e1: nowhere was found and has no text"):
        experiment({"good": GOOD, "gone": {"e1": {"nowhere": 1.0}}}, answerer=parrot)
    with pytest.raises(ContextError, match=r"^plain\.v1, good, k=1: query e1: the budget of 3 tokens holds not one part"):
        experiment({"good": GOOD}, answerer=parrot, context=ContextSettings(budget=3))
    with pytest.raises(ContextError, match=r"^plain\.v1, empty, k=1: the run answers no query"):
        experiment({"empty": {}}, answerer=parrot)
    assert parrot.asked == []


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (([], {"a": GOOD}, [1]), "an empty grid"),
        (([PLAIN, PLAIN], {"a": GOOD}, [1]), "a cell stands twice"),
        (([PLAIN], {"a": GOOD}, [1, 1]), "a cell stands twice"),
    ],
)
def test_a_grid_that_cannot_be(grid, message):
    with pytest.raises(DataError, match=message):
        Grid(*grid)


def test_facts_of_other_queries_are_refused():
    with pytest.raises(DataError, match="no query of test in small has facts"):
        run_experiment(small_dataset(), Grid([PLAIN], {"a": GOOD}, [1]), {"zz": (("x",),)}, Parrot())
    with pytest.raises(DataError, match="no query of gold in small has facts"):
        run_experiment(small_dataset(), Grid([PLAIN], {"a": GOOD}, [1]), FACTS, Parrot(), split="gold")


def test_a_broken_experiment_goes_on_from_its_cache(endpoint, tmp_path):
    chat = ChatEndpoint(ChatSettings("tiny"), tmp_path / "cache")
    endpoint.replies = [(200, completion("Within fourteen days, in full.")), (401, {})]
    with pytest.raises(EndpointError, match="answered 401"):
        experiment({"good": GOOD}, answerer=chat)
    before = len(endpoint.asked)
    found = experiment({"good": GOOD}, answerer=chat)
    assert before == 2
    assert len(endpoint.asked) == 5  # four queries, one of them asked for twice
    assert found.cells[0].queries.loc["e1", "fact_recall"] == 1
    again = experiment({"good": GOOD}, answerer=chat)
    assert len(endpoint.asked) == 5
    pd.testing.assert_frame_equal(again.table(), found.table())
    assert np.isnan(again.rows()[0]["cost"])
