"""``run``: what it refuses before a minute is spent, and the status that a gate ends with."""

import json

import pytest

from tests.helpers import tree
from tutorial_lib.cli import main
from tutorial_lib.cli.chapters import NOT_SHIPPED, told

pytestmark = pytest.mark.usefixtures("at_home")

GAIN = {"difference": 0.1, "low": 0.05, "high": 0.15, "p": 0.01}
METRICS = {
    "systems": {name: dict.fromkeys(("nDCG@10", "RR@10", "R@10", "R@100", "Success@1"), 0.5) for name in ("base", "tuned")},
    "untrained": {"sentence": "the base model alone"},
    "significance": {f"tuned_vs_{name}": {"nDCG@10": GAIN} for name in ("base", "untrained")},
}


def test_queries_alone_are_no_run(tiny_data, tmp_path, fails):
    assert "pass it to the verb train" in fails("run", "--data", tiny_data, "--out", tmp_path / "out", "--no-train-documents")
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_there_leaves_nothing(tiny_data, tmp_path, fails):
    given = ("--data", tiny_data, "--out", tmp_path / "out", "--model", tmp_path / "none")
    assert "is not a folder: pass a model folder" in fails("run", *given)
    assert not (tmp_path / "out").exists()


def test_other_settings_than_those_of_the_trained_run_are_refused(copied, tiny_data, tiny_folder, fails):
    before = tree(copied.root)
    given = ("--data", tiny_data, "--out", copied.root, "--model", tiny_folder, "--batch-size", "7")
    assert "holds a run with other settings: train.batch_size 64 there and 7 here" in fails("run", *given)
    assert tree(copied.root) == before


def test_chapter_8_alone_needs_facts_and_facts_need_chapter_8(tiny_data, tiny_folder, fails, tmp_path):
    given = ("--data", tiny_data, "--out", tmp_path / "out", "--model", tiny_folder)
    assert "08_rag_and_prompts cannot run, for nobody said" in fails("run", *given, "--chapters", "08")
    assert "--facts belongs to 08_rag_and_prompts, which does not run: pass --through 08 too" in fails(
        "run", *given, "--facts", "facts.jsonl"
    )
    assert "facts.jsonl: no such file" in fails("run", *given, "--through", "08", "--facts", tmp_path / "facts.jsonl")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("decision", "gate", "status"),
    [("ship", False, 0), ("ship", True, 0), ("do not ship", False, 0), ("do not ship", True, NOT_SHIPPED)],
)
def test_a_gate_stands_only_where_it_was_asked_for(copied, decision, gate, status, capsys):
    report = copied.root / "report"
    report.mkdir()
    (report / "metrics.json").write_text(json.dumps({**METRICS, "ship": {"decision": decision, "reasons": []}}))
    assert told(copied, gate=gate) == status
    assert f"decision: {decision}" in capsys.readouterr().out
    assert NOT_SHIPPED == 3


def test_a_gate_is_an_option_of_run_alone(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--out", "x", "--gate"])
    assert "--gate" in capsys.readouterr().err


def test_a_hosted_model_that_refuses_is_told_before_anything_is_trained(tiny_data, tiny_folder, tmp_path, hosted, capsys):
    hosted.usual = lambda path, body: (401, {"error": {"message": "Incorrect API key provided"}})
    given = ("run", "--data", tiny_data, "--out", tmp_path / "out", "--model", tiny_folder)
    assert main([str(a) for a in (*given, "--hosted", f"letters@{hosted.url}/v1")]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith(
        f"error: {hosted.url}/v1/embeddings answered 401: Incorrect API key provided — nothing half-made"
    )
    assert not (tmp_path / "out" / "negatives").exists()


def test_a_hosted_model_without_a_price_is_refused(tiny_data, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["run", "--data", str(tiny_data), "--out", str(tmp_path / "out"), "--hosted", "large"])
    assert "price is not given" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
