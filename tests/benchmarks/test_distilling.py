import pytest

from benchmarks.cross_encoders import SHARES
from benchmarks.distilling import VARIANTS, Home
from tutorial_lib.retrieval.reranking import reranked
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


def test_the_model_itself_teaches_the_order_that_it_has(home):
    taught, tuned = home.ranking("self"), home.tuned["train"]
    for query, found in tuned.items():
        assert list(taught[query])[:30] == list(found)[:30]


def test_the_cross_encoder_teaches_by_the_share_that_dev_likes_best(home, monkeypatch):
    train, dev = (home.tuned[split] for split in ("train", "dev"))
    backwards = {q: {a: -score for a, score in list(found.items())[:30]} for q, found in {**train, **dev}.items()}
    kept = {"scores.train.json": {q: backwards[q] for q in train}, "scores.dev.json": {q: backwards[q] for q in dev}}
    monkeypatch.setattr("benchmarks.distilling.kept_scores", lambda path, *_: kept[path.name])
    monkeypatch.setattr("benchmarks.distilling.CrossEncoder.load", lambda folder: None)
    share, run = home.cross
    assert share in SHARES
    assert run == home.ranking("cross") == reranked(train, kept["scores.train.json"], share)
