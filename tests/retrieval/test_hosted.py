"""A hosted model as a system: asked for only where it is named, paid for once, and nothing else of a run changed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.embeddings import KEY, embeddings, unit
from tests.helpers import tree
from tutorial_lib.data.dataset import DataError
from tutorial_lib.evaluation.reranked import find_system
from tutorial_lib.http import EndpointError
from tutorial_lib.models.remote import RemoteEncoder
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.hosted import HOSTED, HOSTED_SYSTEM, HOSTED_VECTORS, HostedSettings, hosted_record
from tutorial_lib.run_settings import RunSettings
from tutorial_lib.workspace import Workspace


@pytest.fixture
def space(copied, hosted):
    """A finished workspace whose settings name the double's model."""
    copied.settings = replace(copied.settings, hosted=HostedSettings(f"letters@{hosted.url}/v1"))
    return copied


@pytest.mark.parametrize(
    ("named", "model", "url"),
    [
        ("small@http://localhost:8000/v1", "small", "http://localhost:8000/v1"),
        ("org/small@v2@https://127.0.0.1/v1/", "org/small@v2", "https://127.0.0.1/v1"),
        ("text-embedding-3-large", "text-embedding-3-large", "https://api.openai.com/v1"),
        ("small@main", "small@main", "https://api.openai.com/v1"),
    ],
)
def test_model_and_address_in_one_text(named, model, url, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere/v1")  # a run notes where it asked: not what happens to be set
    remote = HostedSettings(named, hosted_price=0.1).remote()
    assert (remote.model, remote.url) == (model, url)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hosted": "large"}, "price is not given"),
        ({"hosted": "@http://localhost/v1"}, "model is empty"),
        ({"hosted": "m@ftp://localhost/v1"}, "base_url is no address"),
        ({"hosted_price": 0.1}, "hosted_price is given and no hosted model: pass hosted too, MODEL@URL"),
        ({"hosted": "m@http://localhost/v1", "hosted_max_cost": -1.0}, r"max_cost -1\.0"),
    ],
)
def test_what_no_model_can_be_asked_with_is_refused(settings, said):
    with pytest.raises(DataError, match=said):
        HostedSettings(**settings)


def test_a_run_that_names_no_hosted_model_asks_nothing_and_says_what_to_pass(copied, hosted):
    before = tree(copied.root)
    assert HOSTED not in copied.runs()
    with pytest.raises(DataError, match="no hosted model is named: pass hosted, MODEL@URL"):
        copied.run_of(HOSTED, "test")
    assert hosted.asked == []
    assert {name for name in tree(copied.root) if name not in before} <= {".hosted_vectors.lock"}


def test_the_stage_holds_vectors_the_run_and_what_was_paid(space, hosted):
    dataset = space.dataset()
    folder = space.need(HOSTED_VECTORS)
    vectors = Vectors.load(folder)
    assert sorted(vectors.queries) == ["dev", "test"]  # training queries are not paid for
    first = next(iter(dataset.query_texts("test").values()))
    assert vectors.queries["test"][0] == pytest.approx(unit(first), abs=1e-6)
    assert len((folder / "hosted.trec").read_text().splitlines()) == 8 * 24
    words = sum(len(t.split()) for part in ("dev", "test") for t in dataset.query_texts(part).values())
    words += sum(len(t.split()) for t in dataset.document_texts().values())
    paid = hosted_record(space)
    assert {k: paid[k] for k in ("model", "url", "dimension", "texts", "asked_for", "tokens", "cost")} == {
        "model": "letters",
        "url": f"{hosted.url}/v1",
        "dimension": 8,
        "texts": 36,
        "asked_for": 36,
        "tokens": words,
        "cost": 0.0,
    }
    assert all(KEY not in text for text in map(str, tree(space.root).values()))


def test_it_is_a_run_among_the_others_which_stay_as_they_were(space, hosted):
    others = dict(space.runs())
    ours = others.pop(HOSTED)
    assert ours == dense_run(space.dataset(), Vectors.load(space.need(HOSTED_VECTORS)), "test")
    assert others == json.loads((space.root / "runs" / "runs.json").read_text())
    assert find_system(HOSTED) is HOSTED_SYSTEM
    asked = len(hosted.asked)
    assert space.runs()[HOSTED] == ours
    assert len(hosted.asked) == asked


def test_what_would_cost_too_much_is_refused_before_anything_is_sent(space, hosted):
    dear = HostedSettings(f"letters@{hosted.url}/v1", hosted_price=1000.0)
    documents = RemoteEncoder(dear.remote()).estimate(documents=list(space.dataset().document_texts().values()))
    dear = replace(dear, hosted_max_cost=documents.cost)  # enough for the articles, not for the queries too
    with pytest.raises(DataError, match=r"letters would cost about .* of 36 texts not kept yet, at 1000 a million; max_cost"):
        space.need(HOSTED_VECTORS, hosted=dear)
    assert hosted.asked == []
    assert not (space.root / HOSTED_VECTORS).exists()


def test_a_run_that_broke_off_pays_for_nothing_twice(space, hosted):
    documents = list(space.dataset().document_texts().values())
    hosted.usual = lambda path, body: embeddings(path, body) if body["input"] == documents else (401, {})
    with pytest.raises(EndpointError, match="answered 401"):
        space.need(HOSTED_VECTORS)
    assert not (space.root / HOSTED_VECTORS).exists()
    hosted.usual = embeddings
    space.need(HOSTED_VECTORS)
    assert [body["input"] for _, _, body in hosted.asked].count(documents) == 1
    assert hosted_record(space)["asked_for"] == 12


def test_another_model_is_asked_anew(space, hosted):
    documents = Vectors.load(space.need(HOSTED_VECTORS)).documents
    shorter = HostedSettings(f"letters@{hosted.url}/v1", hosted_dimensions=4)
    assert Vectors.load(space.need(HOSTED_VECTORS, hosted=shorter)).documents.shape == (24, 4)
    asked = len(hosted.asked)
    again = space.need(HOSTED_VECTORS, hosted=HostedSettings(f"letters@{hosted.url}/v1"))
    assert np.array_equal(Vectors.load(again).documents, documents)
    assert len(hosted.asked) == asked


def test_a_trained_run_may_be_compared_after_all_and_notes_the_model(copied, tiny_data, tiny_folder, hosted, capsys):
    told = RunSettings(hosted=HostedSettings(f"letters@{hosted.url}/v1"))
    Workspace(copied.root, tiny_data, tiny_folder, settings=told)
    again = Workspace(copied.root, tiny_data, tiny_folder)  # as a notebook opens it
    assert again.settings.hosted == told.hosted
    capsys.readouterr()
    assert HOSTED in again.runs()
    assert [line for line in capsys.readouterr().err.splitlines() if line.startswith("making")] == ["making hosted_vectors …"]
