import pytest

from benchmarks.distilling import VARIANTS, Home
from tutorial_lib.training.distill_settings import DistillSettings


@pytest.fixture
def home(finished):
    return Home("tiny", finished.root)


def test_every_variant_is_a_setting_of_the_matrix():
    assert {name: DistillSettings(**changes) for name, changes in VARIANTS.items()}["queries"].sides == "queries"


def test_titles_are_further_queries_of_the_teacher(home):
    unjudged, run = home.titles(5)
    assert list(unjudged) == list(run)
    assert len(run) == 5
    for query in run:
        article = query.removeprefix("title of ")
        assert home.encoder.encode_queries([home.dataset.corpus[article].title])[0] == pytest.approx(
            unjudged[query], abs=1e-6
        )


def test_a_matrix_that_is_not_kept_changes_nothing(home, monkeypatch):
    monkeypatch.setattr("tutorial_lib.training.distill.rises", lambda before, after: False)
    made = home.train("labels", 0, 0)
    assert made.epoch == 0
    assert home.alone(made)["difference"] == home.with_late(made)["late"]["difference"] == 0
