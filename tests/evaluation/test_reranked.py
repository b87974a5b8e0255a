import pytest

from tutorial_lib.evaluation import choose
from tutorial_lib.evaluation.choose import choose_weight
from tutorial_lib.evaluation.reranked import RERANKED, find_system, late_interaction, late_weight
from tutorial_lib.report import evaluate_workspace
from tutorial_lib.retrieval.reranking import WEIGHT
from tutorial_lib.retrieval.systems import SYSTEMS


def test_they_are_asked_for_and_stand_in_no_table_by_themselves():
    assert list(RERANKED) == ["base+late", "tuned+late", "tuned+cross"]
    assert not set(RERANKED) & set(SYSTEMS)
    assert find_system("bm25") is SYSTEMS["bm25"]


def test_an_unknown_system_is_told_with_those_there_are():
    with pytest.raises(ValueError, match=r"no system 'late': there are bm25, base, .*, tuned\+late"):
        find_system("late")


@pytest.mark.parametrize("name", ["base", "tuned"])
def test_a_run_is_late_interaction_over_the_first_one(copied, name):
    run = copied.run_of(f"{name}+late", "test")
    late = late_interaction(copied, name)
    queries = copied.dataset().query_texts("test")
    assert run == late.rerank(queries, copied.run_of(name, "test"), weight=late_weight(copied, name))
    assert copied.run_of(f"{name}+late", "test") is run
    assert late_interaction(copied, name) is late  # token vectors are made once


def test_the_report_tells_of_what_it_is_asked_for(copied):
    report = evaluate_workspace(copied, also=["tuned+late"])
    assert list(report.systems.index) == [*SYSTEMS, "tuned+late"]
    assert report.metrics["significance"]["tuned+late_vs_tuned"]["nDCG@10"]["difference"] == pytest.approx(
        report.systems["nDCG@10"]["tuned+late"] - report.systems["nDCG@10"]["tuned"]
    )


def test_the_weight_is_the_one_dev_likes_best(copied, monkeypatch):
    dataset = copied.dataset()
    right = {q: next(iter(grades)) for q, grades in dataset.qrels["dev"].items()}
    wrong = {q: [a for a in dataset.corpus if a != a_right][:2] for q, a_right in right.items()}
    # The answer stands third, and last by the second ranker's lights: the less that counts, the better; and first.
    run = {q: {wrong[q][0]: 0.9, right[q]: 0.8, wrong[q][1]: 0.1} for q in right}
    against = {q: {wrong[q][0]: 0.5, right[q]: 0.1, wrong[q][1]: 0.9} for q in right}
    for_it = {q: {wrong[q][0]: 0.1, right[q]: 0.9, wrong[q][1]: 0.1} for q in right}
    assert choose_weight(dataset, run, against) == WEIGHT  # dev has too few queries
    monkeypatch.setattr(choose, "FEWEST_QUERIES", 1)
    assert choose_weight(dataset, run, against) == 0.3
    assert choose_weight(dataset, run, for_it) == WEIGHT  # it is first with each: of equal ones, the half
