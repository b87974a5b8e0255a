"""The live version beside the base model: both lists, and nothing recorded."""

import numpy as np
import pytest

from tests.serving.calls import client_of, refusal
from tutorial_lib.data.dataset import Document
from tutorial_lib.index import FlatStore, VectorIndex, reindex
from tutorial_lib.serving.comparing import BaseSearch
from tutorial_lib.serving.live import Live

DOCUMENTS = {a: Document(a, "", a) for a in ("password", "refund", "router")}


@pytest.fixture
def service(models, tmp_path):
    """The options of a service whose index holds one document less than its base vectors do."""

    def open_index():
        return VectorIndex(FlatStore(tmp_path / "flat"))

    reindex(open_index(), {a: a for a in ("password", "router")}, models.get("tuned").encoder, tmp_path / "work")
    base = models.get("base")
    vectors = base.encoder.encode_documents(list(DOCUMENTS))
    return {"live": Live(open_index, models), "documents": DOCUMENTS, "base": BaseSearch(base, list(DOCUMENTS), vectors)}


def test_both_lists_come_best_first_and_nobody_is_told(models, service):
    seen = []
    with client_of(models, **service, record=seen.append) as client:
        body = client.post("/compare", json={"query": "router", "k": 3}).json()
    assert {hit["id"] for hit in body["live"]} == {"password", "router"}
    encoder = models.get("base").encoder
    cosines = encoder.encode_documents(list(DOCUMENTS)) @ encoder.encode_queries(["router"])[0]
    assert [hit["id"] for hit in body["base"]] == [list(DOCUMENTS)[n] for n in np.argsort(-cosines)]
    assert body["base"][0]["score"] == pytest.approx(float(cosines.max()), abs=1e-4)
    assert [(hit["position"], hit["confidence"]) for hit in body["base"]] == [(1, None), (2, None), (3, None)]
    assert body["base"][0]["snippet"] == body["base"][0]["id"]
    assert body["version"] == 1
    assert seen == []


def test_without_vectors_of_the_base_model_it_says_so(models, service):
    with client_of(models, **{**service, "base": None}) as client:
        error = refusal(client.post("/compare", json={"query": "router"}), 409)
    assert error["code"] == "no_base_vectors"
    assert "there is nothing to compare with: this run holds no vectors of its base model" in error["message"]


@pytest.mark.parametrize(
    "wrong", [{"query": ""}, {"query": "a", "k": 0}, {"query": "a", "version": 1}, {"query": "a" * 10_001}]
)
def test_what_cannot_be_asked_is_refused(models, service, wrong):
    with client_of(models, **service) as client:
        assert refusal(client.post("/compare", json=wrong), 400)
