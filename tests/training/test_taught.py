from dataclasses import replace

import numpy as np
import pytest

from tests.tiny import tiny_dataset
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.saving import save_model
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.retrieval.reranking import first_scores
from tutorial_lib.training.distill import distill
from tutorial_lib.training.distill_settings import DistillSettings
from tutorial_lib.training.taught import teach

QUICK = DistillSettings(epochs=12, batch_size=6, learning_rate=0.05, temperature=0.2)


@pytest.fixture(scope="module")
def dataset():
    """The tiny one; dev asks what training asks, so that a matrix surely helps."""
    dataset = tiny_dataset()
    return replace(dataset, qrels={**dataset.qrels, "dev": dataset.qrels["train"]})


@pytest.fixture(scope="module")
def encoder(tiny_folder):
    return Encoder.load(tiny_folder)


@pytest.mark.usefixtures("float32")
@pytest.mark.parametrize("sides", ["both", "queries"])
def test_it_is_the_matrix_of_late_interactions_ranking_and_its_vectors_are_the_encoders(dataset, encoder, sides):
    settings = replace(QUICK, sides=sides)
    taught = teach(dataset, encoder, settings)
    vectors = Vectors.of(dataset, encoder)
    run = dense_run(dataset, vectors, "train")
    teacher = LateInteraction(encoder, dataset.document_texts()).rerank(
        dataset.query_texts("train"), run, weight=taught.share
    )
    np.testing.assert_allclose(taught.distilled.matrix, distill(dataset, vectors, teacher, settings).matrix, atol=1e-6)

    assert taught.distilled.epoch
    made = Vectors.of(dataset, taught.encoder)
    np.testing.assert_allclose(taught.vectors.documents, made.documents, atol=1e-6)
    np.testing.assert_allclose(taught.vectors.queries["test"], made.queries["test"], atol=1e-6)
    assert np.array_equal(taught.vectors.documents, vectors.documents) == (sides == "queries")
    assert f"after pass {taught.distilled.epoch}" in taught.card_line
    assert "taught by the labels and late interaction; dev" in taught.card_line


@pytest.mark.usefixtures("float32")
def test_the_models_own_ranking_teaches_as_well_and_no_token_vector_is_made(dataset, encoder, monkeypatch):
    monkeypatch.setattr("tutorial_lib.training.taught.LateInteraction", None)
    taught = teach(dataset, encoder, QUICK, "self")
    vectors = Vectors.of(dataset, encoder)
    own = first_scores(dense_run(dataset, vectors, "train"), QUICK.depth)
    np.testing.assert_allclose(taught.distilled.matrix, distill(dataset, vectors, own, QUICK).matrix, atol=1e-6)
    assert taught.share == 0
    assert "taught by the labels and its own ranking; dev" in taught.card_line


def test_a_matrix_that_dev_does_not_like_leaves_the_encoder_as_it_was_and_says_so(dataset, encoder, capsys):
    nothing = teach(replace(dataset, qrels={**dataset.qrels, "dev": {}}), encoder, QUICK)
    assert nothing.encoder is encoder
    nothing.announce()
    assert "Matrix: none, since dev nDCG@10 did not rise by more than its standard error\n" in capsys.readouterr().err


@pytest.mark.usefixtures("float32")
@pytest.mark.parametrize("sides", ["both", "queries"])
def test_sentence_transformers_makes_the_same_vectors(dataset, encoder, sides, tmp_path):
    from sentence_transformers import SentenceTransformer

    taught = teach(dataset, encoder, replace(QUICK, sides=sides))
    save_model(taught.encoder, tmp_path / "model", "card")
    theirs = SentenceTransformer(str(tmp_path / "model"), device="cpu")
    documents, queries = list(dataset.document_texts().values()), list(dataset.query_texts("test").values())
    np.testing.assert_allclose(theirs.encode_document(documents), taught.vectors.documents, atol=1e-5)
    np.testing.assert_allclose(theirs.encode_query(queries), taught.vectors.queries["test"], atol=1e-5)
