"""Reranking over HTTP: the scores are the model's cosines, or the mean with its MaxSim."""

import numpy as np
import pytest

from tests.serving.calls import refusal
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.serving.reranking import late_interaction

QUERY, DOCUMENTS = "reset the router", ["cancel the invoice", "the router", "reset the router", ""]


@pytest.fixture
def rerank(client):
    return lambda path="/v1/rerank", **body: client.post(path, json={"query": QUERY, "documents": DOCUMENTS, **body})


def scores(response):
    assert response.status_code == 200, response.text
    return {r["index"]: 2 * r["relevance_score"] - 1 for r in response.json()["results"]}


def test_scores_are_cosines_behind_the_models_prompts(rerank, encoder):
    query = encoder.encode([f"query : {QUERY}"])[0]
    documents = encoder.encode([f"article : {text}" for text in DOCUMENTS])
    found = scores(rerank(model="base"))
    np.testing.assert_allclose([found[n] for n in range(4)], documents @ query, atol=1e-5)


def test_late_interaction_is_the_mean_of_cosine_and_maxsim(rerank, encoder):
    late = LateInteraction(encoder, dict(enumerate(DOCUMENTS)), packed=False)
    maxsim = late.maxsim({"q": QUERY}, {"q": dict.fromkeys(range(4), 0.0)}, depth=4)["q"]
    cosines, found = scores(rerank()), scores(rerank(method="late_interaction"))
    np.testing.assert_allclose([found[n] for n in range(4)], [(cosines[n] + maxsim[n]) / 2 for n in range(4)], atol=1e-5)
    items = [(encoder, query, text) for query in ("reset", "cancel") for text in DOCUMENTS]
    assert late_interaction(items)[5:] == pytest.approx(late_interaction(items[5:]), abs=1e-5)


def test_both_versions_rank_alike(rerank):
    first, second = rerank().json(), rerank("/v2/rerank").json()
    assert first["results"] == second["results"]
    assert first["results"][0]["index"] == 2
    assert (first["meta"]["api_version"], second["meta"]["api_version"]) == ({"version": "1"}, {"version": "2"})


def test_documents_are_read_as_far_as_asked_for(rerank):
    cut = scores(rerank("/v2/rerank", documents=["reset the router please please"], max_tokens_per_doc=3))
    assert cut[0] == pytest.approx(scores(rerank(documents=["reset the router"]))[0], abs=1e-5)


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"documents": [{"title": "a"}]}, 400, "documents[0]: it has no 'text'"),
        ({"documents": ["a"] * 1001}, 400, "documents holds 1,001 documents: send at most 1,000"),
        ({"documents": ["a" * 100_001]}, 400, "documents has 100,001 characters"),
        ({"query": "a" * 10_001}, 400, "query has 10,001 characters"),
        ({"documents": ["a " * 50_000] * 7}, 400, "tokens: send at most 300,000"),
        ({"model": "x"}, 404, "there is no model 'x'"),
        ({"documents": [5]}, 400, "documents"),
        ({"top_n": True}, 400, "found a truth value: send a whole number"),
    ],
)
def test_what_cannot_be_ranked_says_what_to_send(rerank, sent, status, said):
    assert said in refusal(rerank(**sent), status)["message"]
