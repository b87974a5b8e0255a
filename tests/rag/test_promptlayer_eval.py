"""Experiments on PromptLayer: what the SDK is given, and what becomes of its scores. The service itself was never asked."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.helpers import small_dataset
from tests.rag.promptlayer_double import Client, Service
from tutorial_lib.data.dataset import DataError
from tutorial_lib.http import EndpointError
from tutorial_lib.rag.promptlayer_eval import eval_definition, pass_rates, run_eval

KEY = "pl_secret"
FACTS = {"e1": (("fourteen days",), ("thirty days",)), "e2": (("stops the renewal",),), "e4": (("change the channel",),)}
RUN = {
    "e1": {"billing/cancel": 2.0, "billing/refund": 1.0},
    "e2": {"billing/cancel": 1.0},
    "e3": {"account/password": 1.0},
    "e4": {},
}
RECALL = {"e1": 0.5, "e2": 1.0, "e4": 0.0}
NDCG = {"e1": 1 / np.log2(3), "e2": 1.0, "e4": 0.0}


def definition(**options):
    return eval_definition(small_dataset(), RUN, FACTS, name="desk", **options)


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    service = Service()
    yield service
    service.close()


@pytest.fixture
def sdk(service):
    """The SDK itself, on the double; it lives in an environment of its own (see ``rag.promptlayer_eval``)."""
    return pytest.importorskip("promptlayer").PromptLayer(api_key=KEY, base_url=service.url)


def test_each_query_with_facts_is_a_case_and_the_run_answers_it():
    made = definition()
    assert [case["input"]["query_id"] for case in made["dataset"]] == ["e1", "e2", "e4"]
    assert made["dataset"][0]["input"]["question"] == "can I get a refund in the second week"
    assert made["dataset"][0]["expected"] == "fourteen days; thirty days"
    output = made["runner"](made["dataset"][0]["input"])
    assert output["retrieved_ids"] == ["billing/cancel", "billing/refund"]
    assert output["context"].count("\n\n") == 1
    assert output["scores"] == {"context_recall": 0.5, "nDCG@10": pytest.approx(NDCG["e1"])}
    assert made["runner"]({"query_id": "e4"})["context"] == ""  # nothing was found: an object all the same
    assert [scorer["title"] for scorer in made["scorers"]] == ["context_recall", "nDCG@10"]
    assert json.loads(json.dumps(output)) == output


def test_answers_are_scored_too():
    made = definition(k=1, answers={"e1": "Within fourteen days.", "e2": "It stops the renewal.", "e4": "Ask."})
    assert made["runner"]({"query_id": "e1"})["scores"]["fact_recall"] == 0.5
    scores = run_eval(Client(), made)
    assert scores["fact_recall"].to_dict() == {"e1": 0.5, "e2": 1.0, "e4": 0.0}
    with pytest.raises(DataError, match="query e2 has no answer, and a missing score would pass"):
        definition(answers={"e1": "Within fourteen days.", "e2": ""})
    with pytest.raises(DataError, match="no query of dev in small has facts"):
        definition(split="dev")


def test_scores_come_back_by_query():
    scores = run_eval(Client(), definition())
    assert scores["context_recall"].to_dict() == RECALL
    assert scores["nDCG@10"].to_dict() == pytest.approx(NDCG)
    rates = pass_rates(scores)
    assert rates.loc["context_recall", ["cases", "missing", "passed", "rate", "mean"]].tolist() == [3, 0, 1, 1 / 3, 0.5]
    assert pass_rates(scores, at_least=0.5).loc["context_recall", "passed"] == 2


def test_a_missing_score_passes_with_the_sdk_and_not_here():
    client = Client(loses=("context_recall",))
    assert client.evals.run(definition())["score_cards"] == {"context_recall": 3, "nDCG@10": 2}
    rates = pass_rates(run_eval(client, definition())).loc["context_recall"]
    assert (rates["missing"], rates["passed"], rates["rate"]) == (3, 0, 0)


@pytest.mark.parametrize("output", [None, "14 days", {"scores": {}}, {"scores": {"context_recall": None}}])
def test_a_scorer_that_finds_no_score_fails_rather_than_give_none(output):
    made = {**definition(), "runner": lambda asked: output}
    scores = run_eval(Client(), made)
    assert scores["context_recall"].isna().all()
    with pytest.raises(EndpointError, match="PromptLayer: Evaluation 'desk' failed"):
        run_eval(Client(), {**made, "passing_score": 0.8})


@pytest.mark.parametrize("score", [True, "1.0", 2.0, -1, {"status": "FAILED"}, float("nan"), None])
def test_what_is_no_score_counts_as_missing(score):
    client = Client()
    cases = [{"input": {"query_id": "e1"}, "scores": {"context_recall": score}}, {"input": {"query_id": "e2"}}]
    client.evals.run = lambda _: {"results": cases}
    scores = run_eval(client, definition())
    assert scores.isna().all(axis=None)
    assert list(scores.index) == ["e1", "e2", "e4"]


def test_what_goes_wrong_is_one_line_without_the_key():
    def refuse(_):
        raise RuntimeError(f"Unauthorized:\n{KEY}")

    client = Client(api_key=KEY)
    client.evals.run = refuse
    with pytest.raises(EndpointError, match=r"^PromptLayer: Unauthorized: \*\*\*$"):
        run_eval(client, definition())
    client.evals.run = lambda _: {"results": [{"input": {"query_id": "zz"}, "scores": {}}]}
    with pytest.raises(EndpointError, match="scored query 'zz', which was no case"):
        run_eval(client, definition())


def test_the_sdk_itself_gives_what_its_double_gives(sdk, service):
    scores = run_eval(sdk, definition())
    pd.testing.assert_frame_equal(scores, run_eval(Client(), definition()))
    assert scores["context_recall"].to_dict() == RECALL
    assert {"title": "desk"} in service.bodies  # the table
    assert ("POST", "/v1/traces") in service.asked
    assert [column["title"] for column in service.columns] == ["input", "expected", "expected_ids", "Output", "Trace"]
    assert [step["source_column_ids"] for step in service.steps] == [["c3"], ["c3"]]  # the scorers read "Output" alone
    assert KEY not in json.dumps(service.bodies)


def test_the_sdk_itself_counts_a_missing_score_as_passed_and_waits_for_a_price(sdk, service):
    service.loses, service.priced = ("context_recall",), False
    made = definition()
    made["dataset"] = made["dataset"][2:]  # one case: it is waited for
    cards = {card["scorer"]: card["passed"] for card in sdk.evals.run(made)["score_cards"]}
    assert cards == {"context_recall": 1, "nDCG@10": 0}
    assert sum("/traces/" in path for _, path in service.asked) == 3  # after 1, 2 and 2 seconds: PRICE_WAIT


def test_what_the_sdk_itself_raises_is_one_line_without_the_key(sdk, service):
    service.refuses = (401, {"message": f"Unauthorized\n{KEY}"})
    with pytest.raises(EndpointError, match=r"^PromptLayer: .* Unauthorized \*\*\*$"):
        run_eval(sdk, definition())
    service.refuses = None
    with pytest.raises(EndpointError, match="failed"):
        run_eval(sdk, {**definition(), "runner": lambda asked: {"scores": {}}, "passing_score": 0.8})
