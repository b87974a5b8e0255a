from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import small_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.training.distill import DistillSettings, distill
from tutorial_lib.training.finetune import check_sizes
from tutorial_lib.training.settings import TrainSettings

QUICK = DistillSettings(epochs=12, batch_size=3, learning_rate=0.05, temperature=0.2)


@pytest.fixture
def dataset():
    """Six documents; six training queries, and the same as dev."""
    dataset = small_dataset()
    return replace(dataset, qrels={**dataset.qrels, "dev": dataset.qrels["train"]})


@pytest.fixture
def vectors(dataset):
    """Document n is the n-th axis; a query lies on the axis behind its answer's, with a little of its answer's."""
    documents = np.eye(6, dtype=np.float32)
    rows = {a: n for n, a in enumerate(dataset.corpus)}

    def asked(split):
        answers = [rows[next(iter(dataset.qrels[split][q]))] for q in sorted(dataset.qrels[split])]
        made = np.stack([0.6 * documents[n] + 0.8 * documents[(n + 1) % 6] for n in answers])
        return made.astype(np.float32)

    return Vectors(documents, {s: asked(s) for s in ("train", "dev", "test")})


@pytest.fixture
def teacher(dataset):
    """Ranks the answer first and the rest alike."""
    ids = list(dataset.corpus)
    return {
        q: {a: 2.0 - 3.0 * (a not in grades) for a in sorted(ids, key=lambda a: a not in grades)}
        for q, grades in dataset.qrels["train"].items()
    }


@pytest.mark.parametrize("sides", ["both", "queries"])
@pytest.mark.parametrize(("labels", "teaching"), [(1, 1), (1, 0), (0, 1)])
def test_labels_or_a_teacher_turn_queries_towards_their_answers(dataset, vectors, teacher, sides, labels, teaching):
    made = distill(dataset, vectors, teacher, replace(QUICK, sides=sides, labels=labels, teaching=teaching))
    assert made.epoch
    assert len(made.dev) == QUICK.epochs + 1
    assert made.dev[made.epoch] == max(made.dev) > made.dev[0]
    turned = made.turn(vectors)
    found = evaluate_run(dataset.qrels["test"], dense_run(dataset, turned, "test"))[MAIN_MEASURE]
    assert found > evaluate_run(dataset.qrels["test"], dense_run(dataset, vectors, "test"))[MAIN_MEASURE]
    assert np.array_equal(turned.documents, vectors.documents) == (sides == "queries")
    np.testing.assert_allclose(np.linalg.norm(turned.queries["test"], axis=1), 1, atol=1e-5)


def test_what_does_not_raise_dev_is_not_kept(dataset, vectors, teacher):
    perfect = replace(vectors, queries=dict(vectors.queries))
    rows = {a: n for n, a in enumerate(dataset.corpus)}
    answers = [rows[next(iter(dataset.qrels["dev"][q]))] for q in sorted(dataset.qrels["dev"])]
    perfect.queries["dev"] = np.eye(6, dtype=np.float32)[answers]
    made = distill(dataset, perfect, teacher, replace(QUICK, epochs=2))
    assert made.epoch == 0
    assert np.array_equal(made.matrix, np.eye(6))
    assert made.turn(perfect) is perfect


def test_without_dev_nothing_is_kept(dataset, vectors, teacher):
    made = distill(replace(dataset, qrels={**dataset.qrels, "dev": {}}), vectors, teacher, replace(QUICK, epochs=1))
    assert made.epoch == 0


def test_the_same_seed_gives_the_same_matrix(dataset, vectors, teacher):
    quick = replace(QUICK, sides="queries", epochs=3)
    one, two, other = (distill(dataset, vectors, teacher, replace(quick, seed=seed)).matrix for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_a_teacher_is_asked_for_only_if_it_teaches(dataset, vectors):
    assert distill(dataset, vectors, None, replace(QUICK, teaching=0, epochs=1)).dev
    with pytest.raises(DataError, match=r"the teacher ranks 0 queries, training has 6"):
        distill(dataset, vectors, None, QUICK)


def test_vectors_of_another_dataset_are_refused(dataset, vectors, teacher):
    with pytest.raises(DataError, match=r"5 document vectors"):
        distill(dataset, replace(vectors, documents=vectors.documents[1:]), teacher, QUICK)
    with pytest.raises(DataError, match=r"no vectors of the train queries"):
        distill(dataset, Vectors(vectors.documents, {}), teacher, QUICK)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sides": "documents"}, "sides is 'documents': pass one of both, queries"),
        ({"labels": 0, "teaching": 0}, "labels and teaching are 0"),
        ({"temperature": 0}, "temperature is 0"),
        ({"epochs": 0}, "epochs is 0"),
        ({"labels": -1}, "labels is -1"),
    ],
)
def test_settings_that_train_nothing_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        DistillSettings(**change)


def test_a_model_with_a_matrix_is_not_tuned_further(tiny_folder):
    with pytest.raises(ValueError, match=r"has a module Dense, which is trained last"):
        check_sizes(Encoder.load(tiny_folder).with_matrix(np.eye(32)), TrainSettings(), None)
