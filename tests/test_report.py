import json
import re
from collections import Counter
from dataclasses import replace
from html import unescape

import pytest

from tutorial_lib.evaluation.before_after import before_after
from tutorial_lib.evaluation.measures import MEASURE_NAMES, per_query
from tutorial_lib.report import compare_elsewhere, evaluate_workspace, write_report
from tutorial_lib.retrieval.hosted import HostedSettings
from tutorial_lib.retrieval.systems import SYSTEMS
from tutorial_lib.workspace import STAGES

pytestmark = pytest.mark.usefixtures("at_home")


def test_metrics_json_has_the_structure_that_others_read(copied):
    with copied.timed("reading"):
        pass
    metrics = json.loads((write_report(copied) / "metrics.json").read_text())
    assert {"dataset", "counts", "systems", "significance", "train", "seconds", "ship"} <= set(metrics)
    assert metrics["dataset"] == "desk"
    assert metrics["counts"] == {"articles": 24, "train": 12, "dev": 4, "test": 8}
    assert list(metrics["systems"]) == ["bm25", "base", "untrained", "tuned", "bm25+tuned"] == list(SYSTEMS)
    for row in metrics["systems"].values():
        assert set(row) == {*MEASURE_NAMES, "unjudged@10"} >= {"nDCG@10", "RR@10", "R@10", "R@100"}
        assert all(0 <= value <= 1 for value in row.values())
    difference = metrics["significance"]["tuned_vs_base"]["nDCG@10"]
    assert set(difference) == {"difference", "low", "high", "p"}
    gain = metrics["systems"]["tuned"]["nDCG@10"] - metrics["systems"]["base"]["nDCG@10"]
    assert difference["difference"] == pytest.approx(gain)
    assert metrics["train"]["pairs"] == 12
    assert metrics["train"]["pairs_per_s"] > 0
    assert set(metrics["seconds"]) == {*STAGES, "reading"}
    assert metrics["ship"]["decision"] in ("ship", "do not ship")
    compared = {f"{name}_vs_{other}" for name in ("tuned", "bm25+tuned") for other in ("base", "bm25", "untrained")}
    assert set(metrics["significance"]) == {*compared, "bm25+tuned_vs_tuned"}
    assert metrics["bm25+tuned"]["share"] == copied.tuned_share()
    assert f"bm25+tuned: {copied.tuned_share():.0%} of the score from the model, chosen on dev" in before_after(metrics)
    assert metrics["untrained"]["system"] == "fused"
    assert "BM25 and the base model fused" in metrics["untrained"]["sentence"]
    assert len(metrics["ship"]["reasons"]) == 7
    assert sum("over untrained, 0.02 wanted" in reason for reason in metrics["ship"]["reasons"]) == 1
    assert f"decision: {metrics['ship']['decision']}" in before_after(metrics)


def test_keyword_search_beside_the_model_is_decided_by_the_same_rules(copied):
    report = evaluate_workspace(copied)
    beside, gain = report.metrics["bm25+tuned"], report.metrics["significance"]["bm25+tuned_vs_untrained"]["nDCG@10"]
    assert f"{gain['difference']:+.3f} over untrained, 0.02 wanted" in " ".join(beside["reasons"])
    assert len(beside["reasons"]) == 7
    assert (beside["decision"] == "ship") == all(reason.startswith("yes") for reason in beside["reasons"])
    said = f"with keyword search beside the model (bm25+tuned, serve --keywords): {beside['decision']}"
    assert before_after(report.metrics).splitlines()[-1] == said
    page = unescape((write_report(copied, report) / "report.html").read_text())
    assert page.count('<div class="ship') == 2 and all(reason in page for reason in beside["reasons"])

    asked = evaluate_workspace(copied, candidate="bm25+tuned")
    assert asked.metrics["ship"]["reasons"] == beside["reasons"]
    assert before_after(asked.metrics).splitlines()[-1] == f"decision: {beside['decision']}"
    assert (write_report(copied, asked) / "report.html").read_text().count('<div class="ship') == 1


def test_the_report_is_one_file_that_loads_nothing(copied):
    folder = write_report(copied)
    page = (folder / "report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)', page)
    assert len(sources) == 5  # systems, ranks, shift, changes, slices
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    told = re.findall(r'<img alt="([^"]*)"', page)
    assert len(set(told)) == 5 and all(len(words) > 40 for words in told)  # for readers who do not see them
    assert "http" not in re.sub(r'src="[^"]*"', "", page)
    assert "desk: before and after" in page
    assert sorted(path.name for path in folder.iterdir()) == ["metrics.json", "report.html"]


def test_what_stands_in_the_data_is_text_and_never_markup(copied):
    report = evaluate_workspace(copied)
    page = write_report(copied, replace(report, metrics={**report.metrics, "dataset": "<script>"})) / "report.html"
    page = page.read_text()
    assert "&lt;script&gt;: before and after" in page
    assert "<script>" not in page


def test_each_artifact_is_asked_for_once_and_each_run_scored_once(copied, monkeypatch):
    asked, scored = Counter(), Counter()
    for name in ("dataset", "runs", "training", "seconds"):
        monkeypatch.setattr(copied, name, _counted(getattr(copied, name), asked, name))
    monkeypatch.setattr("tutorial_lib.report.per_query", _counted(per_query, scored, "scored"))
    monkeypatch.setattr("tutorial_lib.evaluation.measures.per_query", _counted(per_query, scored, "again"))
    monkeypatch.setattr("tutorial_lib.evaluation.significance.per_query", _counted(per_query, scored, "again"))
    write_report(copied)
    assert asked == {"dataset": 1, "runs": 1, "training": 1, "seconds": 1}
    assert scored == {"scored": len(SYSTEMS)}


def _counted(function, counts, name):
    def counted(*arguments):
        counts[name] += 1
        return function(*arguments)

    return counted


def test_the_page_says_what_was_done_to_the_data_and_names_every_system(copied):
    report = evaluate_workspace(copied)
    told = replace(report.dataset, notes=("Three articles were too short.",))
    page = (write_report(copied, replace(report, dataset=told)) / "report.html").read_text()
    assert "<li>Three articles were too short.</li>" in page
    assert "<h2>The five systems</h2>" in page
    named = "BM25, the base model, the best without training, the fine-tuned model, and BM25 fused with the fine-tuned model."
    assert named in page
    assert f"The best without training is {report.untrained.sentence}." in unescape(page)
    assert f"{copied.tuned_share():.0%} of the score of bm25+tuned is the model's, as dev chose." in unescape(page)
    assert "unjudged@10: share of the first ten that nobody has judged" in page


def test_twins_of_an_answer_count_in_a_column_of_their_own(copied):
    dataset = copied.dataset()
    groups = (("a00", "a01"), ("a22", "a23"))
    copied.dataset = lambda: replace(dataset, near_duplicates=groups)
    report = evaluate_workspace(copied)
    strict, twins = report.systems["nDCG@10"], report.systems["nDCG@10, twins count"]
    assert (twins >= strict).all()
    assert report.metrics["systems"]["base"]["nDCG@10, twins count"] == twins["base"]
    assert "a near-duplicate of a right document is right too" in (write_report(copied, report) / "report.html").read_text()


def test_a_hosted_model_stands_in_runs_report_and_comparison_where_one_is_named(copied, hosted):
    before = evaluate_workspace(copied)
    assert before.against_hosted is None
    assert "Tune or buy?" not in (write_report(copied, before) / "report.html").read_text()
    copied.settings = replace(copied.settings, hosted=HostedSettings(f"letters@{hosted.url}/v1"))
    report = evaluate_workspace(copied)
    assert list(report.systems.index) == [*SYSTEMS, "hosted"]
    assert report.systems.drop("hosted").equals(before.systems)
    assert report.metrics["ship"] == before.metrics["ship"]
    gain = report.systems["nDCG@10"]["tuned"] - report.systems["nDCG@10"]["hosted"]
    assert report.metrics["significance"]["tuned_vs_hosted"]["nDCG@10"]["difference"] == pytest.approx(gain)
    page = unescape((write_report(copied, report) / "report.html").read_text())
    assert "<h2>The six systems</h2>" in page
    assert f"<h2>Tune or buy?</h2><p>letters (8 numbers a vector, at {hosted.url}/v1): tuned - hosted, nDCG@10: " in page
    assert f"hosted is {report.metrics['hosted']['sentence']}" in before_after(report.metrics).splitlines()


def test_a_hosted_model_may_be_named_for_one_report_alone(copied, hosted):
    copied.need("hosted_vectors", hosted=HostedSettings(f"letters@{hosted.url}/v1"))
    report = evaluate_workspace(copied, also=["hosted"])
    assert "hosted" in report.runs
    assert "hosted" not in copied.runs()
    assert set(report.metrics["significance"]) == {
        *(f"{name}_vs_{n}" for name in ("tuned", "bm25+tuned") for n in ("base", "bm25", "untrained", "hosted")),
        "bm25+tuned_vs_tuned",
    }


def test_elsewhere_the_base_model_is_compared_with_a_model_tuned_on_something_else(copied):
    same = compare_elsewhere(copied.base_encoder, copied)
    assert same.main.difference == pytest.approx(0, abs=1e-3)  # the base model has forgotten nothing
    home = compare_elsewhere(copied.tuned_encoder(), copied)
    assert home.main.after == pytest.approx(evaluate_workspace(copied).against_base.main.after, abs=1e-3)
