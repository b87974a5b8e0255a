import numpy as np

from tutorial_lib.baselines import Baselines
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.workspace import Workspace


def test_a_workspace_is_one():
    assert issubclass(Workspace, Baselines)


def test_dataset_index_encoder_and_vectors_belong_together(finished):
    dataset = finished.dataset()
    assert finished.bm25().ids == list(dataset.corpus)
    made = Vectors.of(dataset, finished.base_encoder)
    np.testing.assert_allclose(finished.base_vectors().documents, made.documents, atol=1e-6)
    assert finished.base_encoder is finished.base_encoder  # loaded once


def test_data_and_base_model_are_inputs_that_are_no_stage(finished):
    assert finished.outside("encoder") == finished.base_encoder.fingerprint  # too few dev queries to narrow its window
    assert finished.outside("source") != finished.outside("encoder")
