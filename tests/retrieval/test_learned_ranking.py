import numpy as np
import pytest

from tutorial_lib.data.dataset import DataError
from tutorial_lib.retrieval import learned_ranking
from tutorial_lib.retrieval.learned_ranking import LambdaSettings, LearnedRanking, learn_ranking
from tutorial_lib.retrieval.shortlist import Features


def test_without_lightgbm_it_says_what_to_install(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(learned_ranking, "import_module", missing)
    with pytest.raises(ImportError, match=r"pip install 'tutorial-lib\[rerank\]'"):
        learn_ranking(Features(("score",), {}, np.zeros((0, 1), dtype=np.float32)), {})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trees": 0}, "trees is 0: pass at least 1"),
        ({"patience": 1.5}, "patience is 1.5: pass a whole number, at least 1"),
        ({"learning_rate": 0}, "learning_rate is 0: pass a number above 0"),
        ({"leaves": 1}, "leaves is 1: pass at least 2 and at most 131072"),
        ({"least": True}, "least is True: pass a whole number, at least 1"),
        ({"seed": 2**31}, "seed is 2147483648: pass at least 0 and at most 2147483647"),
    ],
)
def test_settings_that_grow_no_tree_are_refused(settings, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        LambdaSettings(**settings)


def made(queries, seed):
    """Features of which the second alone tells the answer; the first is noise, and so is the order of the run."""
    rng = np.random.default_rng(seed)
    ids = {f"q{n}": [f"d{m}" for m in range(6)] for n in range(queries)}
    qrels = {q: {f"d{rng.integers(6)}": 1} for q in ids}
    tells = [[rng.normal(), (a in qrels[q]) + rng.normal(0, 0.1)] for q, found in ids.items() for a in found]
    return Features(("noise", "it tells"), ids, np.array(tells, dtype=np.float32)), qrels


@pytest.fixture
def learned():
    pytest.importorskip("lightgbm", exc_type=ImportError)
    return learn_ranking(*made(60, 0), dev=made(20, 1), settings=LambdaSettings(trees=30, least=10))


def test_trees_find_what_tells_the_answer(learned):
    features, qrels = made(20, 2)
    run = {q: {a: 1.0 - n / 10 for n, a in enumerate(found)} for q, found in features.ids.items()}
    found = learned.rerank(run, features)
    assert sum(next(iter(found[q])) in qrels[q] for q in found) >= 18
    assert next(iter(learned.importance())) == "it tells"
    assert sum(learned.importance().values()) == pytest.approx(1)


def test_a_saved_ranking_scores_the_same(learned, tmp_path):
    learned.save(tmp_path / "ranking.txt")
    features, _ = made(5, 3)
    assert LearnedRanking.load(tmp_path / "ranking.txt").scores(features) == learned.scores(features)
    (tmp_path / "ranking.txt").write_text("no tree")
    with pytest.raises(DataError, match=r"ranking\.txt is no ranking that was saved here"):
        LearnedRanking.load(tmp_path / "ranking.txt")


def test_other_features_and_candidates_without_an_answer_are_refused(learned):
    features, _ = made(5, 3)
    with pytest.raises(ValueError, match=r"features are \('noise',\), trained on \('noise', 'it tells'\)"):
        learned.scores(Features(("noise",), features.ids, features.values[:, :1]))
    with pytest.raises(DataError, match=r"none of the 30 candidates of 5 queries is an answer"):
        learn_ranking(features, {})
