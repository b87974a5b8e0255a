import pytest

from tests.cleaning.tickets import dataset, touched
from tutorial_lib.cleaning.pasted import pasted_everywhere
from tutorial_lib.cleaning.settings import CleaningSettings
from tutorial_lib.retrieval.bm25 import BM25

PASTED = {w: (w, f"All about the {w}.") for w in ("contact", "refund", "router", "password", "printer", "camera")}


def pasted():
    """Return 12 training tickets solved with "contact", two of which are about it, 10 on routers, and dev and test ones."""
    words = ("refund", "router", "password", "printer", "camera")
    train = {f"c{n:02d}": (f"my {words[n % 5]} number {n} is gone", "contact") for n in range(10)}
    train |= {"c10": ("where do I contact you", "contact"), "c11": ("your contact address", "contact")}
    train |= {f"r{n}": (f"router {n}", "router") for n in range(10)}
    train["c00"] = (train["c00"][0], {"contact": 1, "refund": 1})
    held = {
        "dev": {"d0": ("my refund is gone", "contact"), "d1": ("contact", "contact")},
        "test": {"t0": ("my router is gone", "contact")},
    }
    return dataset({"train": train, **held}, documents=PASTED)


def test_only_the_plausible_pairs_of_a_pasted_article_are_kept():
    # Six articles: a pair below rank 3, the middle, is lost. Ten of the twelve tickets of "contact" share no word with it,
    # but only with one other article each, which puts all the rest at rank 2.
    assert touched(pasted_everywhere(pasted())) == {}
    step = pasted_everywhere(pasted(), CleaningSettings(lost_rank=1))
    assert set(touched(step)) == {f"c{n:02d}" for n in range(10)} | {"d0"}
    assert touched(step)["c01"] == "contact is pasted everywhere; here BM25 puts it at 2"
    train = step.dataset.qrels["train"]
    assert sorted(train) == ["c00", "c10", "c11", *(f"r{n}" for n in range(10))]
    assert train["c00"] == {"refund": 1}  # the other article of the same ticket stays
    assert step.dataset.qrels["dev"] == {"d1": {"contact": 1}}
    assert step.dataset.qrels["test"] == {"t0": {"contact": 1}}


@pytest.mark.parametrize("thresholds", [{"pasted_tickets": 13}, {"pasted_share": 0.6}, {"lost_share": 0.84}])
def test_an_article_below_a_threshold_is_left_alone(thresholds):
    # 12 of 22 training tickets (55 %) were solved with it, and 10 of the 12 (83 %) are lost.
    assert touched(pasted_everywhere(pasted(), CleaningSettings(lost_rank=1, **thresholds))) == {}


def test_articles_are_searched_only_for_pairs_of_what_is_pasted_often():
    class Counting(BM25):
        def scores(self, queries):
            asked.extend(queries)
            return super().scores(queries)

    asked = []
    data = pasted()
    scorer = Counting(data.document_texts())
    pasted_everywhere(data, CleaningSettings(pasted_tickets=12), scorer)
    assert len(asked) == 14  # 12 training tickets of "contact" and 2 of dev; the 10 on routers are too few
    pasted_everywhere(data, CleaningSettings(pasted_tickets=13), scorer)
    assert len(asked) == 14
