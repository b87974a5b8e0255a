"""Who learns what: judged queries from labels and teacher, unjudged ones from the teacher alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.helpers import small_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.training.distill import distill
from tutorial_lib.training.distill_settings import DistillSettings
from tutorial_lib.training.lessons import Lessons

SETTINGS = DistillSettings(epochs=12, batch_size=3, learning_rate=0.05, temperature=0.2)


@pytest.fixture
def dataset():
    """Six documents; six training queries, and the same as dev."""
    dataset = small_dataset()
    return replace(dataset, qrels={**dataset.qrels, "dev": dataset.qrels["train"]})


def asked(dataset, split="train"):
    """Return for each query a vector on the axis behind its answer's, with a little of its answer's."""
    rows, axes = {a: n for n, a in enumerate(dataset.corpus)}, np.eye(6, dtype=np.float32)
    answers = [rows[next(iter(dataset.qrels[split][q]))] for q in sorted(dataset.qrels[split])]
    made = [0.6 * axes[n] + 0.8 * axes[(n + 1) % 6] for n in answers]
    return np.array(made, dtype=np.float32).reshape(-1, 6)


def vectors_of(dataset):
    return Vectors(np.eye(6, dtype=np.float32), {s: asked(dataset, s) for s in ("train", "dev", "test")})


def teacher_of(dataset):
    """Rank the answer of each training query first and the rest alike."""
    return {
        q: {a: 2.0 - 3.0 * (a not in grades) for a in sorted(dataset.corpus, key=lambda a: a not in grades)}
        for q, grades in dataset.qrels["train"].items()
    }


def test_the_queries_of_a_log_that_nobody_judged_teach_as_their_judged_selves_do_without_labels(dataset):
    teacher, vectors = teacher_of(dataset), vectors_of(dataset)
    log = dict(zip(sorted(dataset.qrels["train"]), vectors.queries["train"], strict=True))
    unlabelled = replace(dataset, qrels={**dataset.qrels, "train": {}})
    by_log = distill(
        unlabelled, replace(vectors, queries={**vectors.queries, "train": asked(unlabelled)}), teacher, SETTINGS, unjudged=log
    )
    assert by_log.epoch and by_log.dev[by_log.epoch] > by_log.dev[0]
    np.testing.assert_allclose(
        by_log.matrix, distill(dataset, vectors, teacher, replace(SETTINGS, labels=0)).matrix, atol=1e-6
    )


def test_a_batch_of_unjudged_queries_has_no_loss_but_the_teachers(dataset):
    teacher, weight = teacher_of(dataset), torch.eye(6)
    further = {"log": np.eye(6, dtype=np.float32)[0]}
    ranked = {**teacher, "log": next(iter(teacher.values()))}
    lessons = Lessons.of(dataset, vectors_of(dataset), ranked, SETTINGS, further)
    alone = Lessons.of(dataset, vectors_of(dataset), ranked, replace(SETTINGS, labels=0), further)
    batch = torch.tensor([6])
    assert float(lessons.loss(weight, batch)) == pytest.approx(float(alone.loss(weight, batch)))
    judged = torch.tensor([0])
    assert float(lessons.loss(weight, judged)) > float(alone.loss(weight, judged))


@pytest.mark.parametrize(
    ("unjudged", "settings", "message"),
    [
        ("q", SETTINGS, "is a training query and unjudged: pass it as one of them"),
        ("log", replace(SETTINGS, teaching=0), "1 unjudged queries, and teaching is 0"),
        ("log", SETTINGS, "the teacher ranks 6 queries, training has 7"),
    ],
)
def test_unjudged_queries_that_nobody_can_teach_are_refused(dataset, unjudged, settings, message):
    name = sorted(dataset.qrels["train"])[0] if unjudged == "q" else unjudged
    further = {name: np.eye(6, dtype=np.float32)[0]}
    with pytest.raises(DataError, match=message):
        distill(dataset, vectors_of(dataset), teacher_of(dataset), settings, unjudged=further)


def test_one_query_is_too_few(dataset):
    nobody = replace(dataset, qrels={**dataset.qrels, "train": {}})
    with pytest.raises(DataError, match="0 training queries: a matrix needs at least 2"):
        distill(nobody, vectors_of(nobody), {}, SETTINGS)
