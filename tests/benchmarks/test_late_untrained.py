from benchmarks.late_untrained import capped
from tests.helpers import small_dataset
from tutorial_lib.data.dataset import SPLITS


def test_a_cap_keeps_what_is_judged_for_the_queries_it_draws():
    dataset = small_dataset()
    small = capped(dataset, queries=1, articles=2)
    assert [len(small.qrels[s]) for s in SPLITS] == [min(1, len(dataset.qrels[s])) for s in SPLITS]
    for split in SPLITS:
        for q, grades in small.qrels[split].items():
            assert grades == dataset.qrels[split][q]
    judged = {a for s in SPLITS for grades in small.qrels[s].values() for a in grades}
    assert set(small.corpus) >= judged
    assert len(small.corpus) == max(2, len(judged))
    assert capped(dataset, queries=1, articles=2).fingerprint() == small.fingerprint()


def test_without_a_cap_all_that_is_asked_and_all_articles_stay():
    dataset = small_dataset()
    whole = capped(dataset, queries=0, articles=0)
    assert (whole.qrels, whole.corpus) == (dataset.qrels, dataset.corpus)
