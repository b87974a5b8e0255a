"""The before/after table in a terminal."""

from tutorial_lib.evaluation.before_after import before_after
from tutorial_lib.evaluation.measures import MEASURE_NAMES


def test_before_and_after_as_text():
    row = dict.fromkeys(MEASURE_NAMES, 0.5)
    metrics = {
        "systems": {"base": row, "tuned": {**row, "nDCG@10": 0.75}},
        "significance": {
            "tuned_vs_base": {"nDCG@10": {"difference": 0.25, "low": 0.1, "high": 0.4, "p": 0.0001}},
            "tuned_vs_untrained": {"nDCG@10": {"difference": 0.1, "low": -0.1, "high": 0.3, "p": 0.25}},
        },
        "untrained": {"sentence": "BM25 alone"},
        "ship": {"decision": "ship"},
    }
    assert before_after(metrics).splitlines() == [
        "              nDCG@10      RR@10       R@10      R@100  Success@1",
        "base            0.500      0.500      0.500      0.500      0.500",
        "tuned           0.750      0.500      0.500      0.500      0.500",
        "tuned - base, nDCG@10: +0.250, 95 % interval +0.100 to +0.400, p < 0.001",
        "tuned - untrained, nDCG@10: +0.100, 95 % interval -0.100 to +0.300, p 0.250",
        "untrained: BM25 alone",
        "decision: ship",
    ]
    metrics["hosted"] = {"sentence": "large: neither is shown to rank better than the other."}
    assert before_after(metrics).splitlines()[5:] == [
        "hosted is large: neither is shown to rank better than the other.",
        "untrained: BM25 alone",
        "decision: ship",
    ]
    metrics["bm25+tuned"] = {"share": 0.8}
    metrics["significance"]["bm25+tuned_vs_tuned"] = {"nDCG@10": {"difference": 0.01, "low": -0.01, "high": 0.03, "p": 0.5}}
    assert before_after(metrics).splitlines()[7:] == [
        "bm25+tuned: 80% of the score from the model, chosen on dev",
        "bm25+tuned - tuned, nDCG@10: +0.010, 95 % interval -0.010 to +0.030, p 0.500",
        "decision: ship",
    ]
    metrics["bm25+tuned"]["decision"] = "do not ship"
    beside = "with keyword search beside the model (bm25+tuned, serve --keywords): do not ship"
    assert before_after(metrics).splitlines()[9:] == ["decision: ship", beside]
    metrics["ship"]["candidate"] = "bm25+tuned"
    metrics["significance"] |= {f"bm25+tuned_vs_{n}": metrics["significance"][f"tuned_vs_{n}"] for n in ("base", "untrained")}
    assert before_after(metrics).splitlines()[9:] == ["decision: ship"]
