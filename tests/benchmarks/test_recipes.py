"""What a recipe is, and what it is scored on; the training itself is the package's."""

import pytest
import torch

from benchmarks import recipes
from benchmarks.recipes import RECIPES, Eager, fewer_documents, set_dropout
from tutorial_lib.data.dataset import Document, Query, RetrievalDataset
from tutorial_lib.training.schedule import Schedule
from tutorial_lib.training.settings import LoraSettings, TrainSettings

BESIDE = {"dropout_of_base", "idle_step", "window"}


def test_the_first_recipe_is_the_gentle_pass_of_the_defaults():
    settings, alone = TrainSettings(), TrainSettings(min_steps=0, **RECIPES["gentle"])
    whole, one = Schedule.of(settings, 640), Schedule.of(alone, 640)
    assert whole.gentle == one.steps == 10
    for step in range(10):
        assert settings.learning_rate * whole.rate_at(step) == pytest.approx(alone.learning_rate * one.rate_at(step))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_changes_what_there_is_to_change(recipe):
    assert set(RECIPES[recipe]) - BESIDE <= {*TrainSettings.__dataclass_fields__, *LoraSettings.__dataclass_fields__}


def test_an_eager_schedule_has_a_rate_at_its_first_step():
    linear = Schedule(steps=10, gentle=0, warmup=0.2, evaluations=4)
    eager = Eager(**vars(linear))
    assert [linear.rate_at(step) for step in (0, 1, 2, 6)] == [0, 0.5, 1, 0.5]
    assert [eager.rate_at(step) for step in (0, 1, 2, 6)] == [pytest.approx(1 / 3), pytest.approx(2 / 3), 1, 0.5]


def test_dropout_is_set_wherever_there_is_one():
    model = torch.nn.Sequential(torch.nn.Dropout(0.0), torch.nn.Sequential(torch.nn.Dropout(0.5)))
    set_dropout(model, 0.1)
    assert [m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)] == [0.1, 0.1]


def test_every_document_that_answers_somebody_is_kept_and_so_many_in_all(monkeypatch):
    monkeypatch.setattr(recipes, "DOCUMENTS", 5)
    corpus = {f"a{n}": Document(f"a{n}", "", f"article {n}") for n in range(9)}
    queries = {q: Query(q, "asks") for q in ("t", "d", "s", "held")}
    qrels = {"train": {"t": {"a0": 1}}, "dev": {"d": {"a1": 1}}, "test": {"s": {"a2": 1}}}
    kept = fewer_documents(RetrievalDataset("nine", corpus, queries, qrels, {}), {"a3"})
    assert len(kept.corpus) == 5
    assert {"a0", "a1", "a3"} <= set(kept.corpus)
    assert "held" in kept.queries
