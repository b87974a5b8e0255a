"""A service on the tiny model, without a network: requests go straight to the application."""

from functools import partial

import pytest

from tests.serving.calls import client_of
from tests.serving.raw import Process
from tutorial_lib.index import FlatStore, VectorIndex, reindex
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.serving.models import Models, ServedModel


@pytest.fixture(scope="session")
def encoder(tiny_folder):
    """The tiny model."""
    return Encoder.load(tiny_folder)


@pytest.fixture
def models(encoder):
    """The tiny model as "tuned", trained to be cut to 8 and 16 numbers, and as "base" behind prompts."""
    prompted = encoder._with(settings=encoder.settings.__class__("mean", 64, "query : ", "article : "))
    return Models([ServedModel("tuned", encoder, (8, 16)), ServedModel("base", prompted)])


@pytest.fixture
def client(models):
    """A client of a service of these models."""
    with client_of(models) as client:
        yield client


@pytest.fixture
def embed(client):
    """Post to /v1/embeddings."""
    return partial(_post, client, "/v1/embeddings")


def _post(client, path, **body):
    return client.post(path, json=body)


@pytest.fixture(scope="session")
def started(finished, tmp_path_factory):
    """A served run in a process of its own, with a flat index whose live version was made with the base model."""
    folder = tmp_path_factory.mktemp("served")
    index = VectorIndex(FlatStore(folder / "flat"))
    reindex(index, finished.dataset().document_texts(), finished.base_encoder, folder / "work")
    process = Process(finished.root, folder / "flat", folder / "log.jsonl").start()
    yield process
    process.end()


@pytest.fixture
def process(started):
    """The same, started again if a test has ended it."""
    return started if started.process.poll() is None else started.start()
