import pytest

from tutorial_lib.evaluation import choose
from tutorial_lib.evaluation.before_after import before_after
from tutorial_lib.evaluation.choose import choose_weight
from tutorial_lib.evaluation.reranked import RERANKED, find_system, late_interaction, late_weight, untrained_late
from tutorial_lib.report import evaluate_workspace, write_report
from tutorial_lib.retrieval.reranking import WEIGHT
from tutorial_lib.retrieval.systems import SYSTEMS
from tutorial_lib.workspace import Workspace


def test_they_are_asked_for_and_stand_in_no_table_by_themselves():
    assert list(RERANKED) == ["base+late", "untrained+late", "tuned+late", "tuned+cross"]
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


def test_the_honest_baseline_is_what_dev_likes_best_with_late_interaction(copied, monkeypatch):
    dataset, queries = copied.dataset(), copied.dataset().query_texts("test")
    assert untrained_late(copied) == "untrained+late"  # dev is too small to choose
    over = late_interaction(copied, "untrained")
    assert over is late_interaction(copied, "base")
    expected = over.rerank(queries, copied.run_of("untrained", "test"), weight=late_weight(copied, "untrained"))
    assert copied.run_of("untrained+late", "test") == expected

    monkeypatch.setattr(choose, "FEWEST_QUERIES", 1)
    again = Workspace(copied.root, copied.source, copied.model_name)
    right = {q: {next(iter(grades)): 1.0} for q, grades in dataset.qrels["dev"].items()}
    wrong = {q: dict.fromkeys(list(dataset.corpus)[-1:], 1.0) for q in right}
    for best in ("untrained", "base+late"):
        runs = {("untrained", "dev"): wrong, ("base", "dev"): wrong, ("base+late", "dev"): wrong, (best, "dev"): right}
        with monkeypatch.context() as patch:
            patch.setattr(Workspace, "run_of", lambda self, name, split, runs=runs: runs[name, split])
            patch.setattr(Workspace, "while_unchanged", lambda self, what, make: make())
            assert untrained_late(again) == best


def test_the_report_may_decide_on_another_system_against_another_baseline(copied):
    report = evaluate_workspace(copied, candidate="tuned+late", untrained="untrained+late")
    assert (report.candidate, report.against_untrained.baseline) == ("tuned+late", "untrained+late")
    assert list(report.systems.index) == [*SYSTEMS, "tuned+late", "untrained+late"]
    assert report.metrics["ship"]["candidate"] == "tuned+late"
    assert report.against_untrained.main.before == pytest.approx(report.systems["nDCG@10"]["untrained+late"])
    assert any("over untrained+late" in reason for reason in report.decision.reasons)
    said = before_after(report.metrics)
    assert "tuned+late - untrained+late, nDCG@10" in said
    lines = said.splitlines()
    assert len({len(line) for line in lines[: 1 + len(report.systems)]}) == 1  # columns stand below each other
    page = (write_report(copied, report) / "report.html").read_text()
    assert "tuned+late against base, and below it against untrained+late" in page


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
