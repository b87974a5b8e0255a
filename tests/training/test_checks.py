"""Checks before training: what each one finds."""

from dataclasses import replace
from functools import partial

import pytest

from tests.tiny import LORA, TRAIN, interrupt_adapter, tiny_dataset
from tests.training.runs import SHORT
from tutorial_lib.data.dataset import DataError, Document, Query
from tutorial_lib.training.checks import (
    cut_texts,
    learning_rate,
    mined_negatives,
    number_of_steps,
    preflight,
    repeated_queries,
    unusable_texts,
)
from tutorial_lib.training.findings import Finding, PreflightReport
from tutorial_lib.training.memory import token_counts
from tutorial_lib.workspace import Workspace


@pytest.fixture
def prepare(prepare):
    return partial(prepare, base=SHORT)


def with_query(query_id, text, positive):
    """Return the tiny dataset with one more training query."""
    data = tiny_dataset()
    qrels = {**data.qrels, "train": {**data.qrels["train"], query_id: {positive: 1}}}
    return replace(data, queries={**data.queries, query_id: Query(query_id, text)}, qrels=qrels)


def with_text(dataset, document_id, text):
    return replace(dataset, corpus={**dataset.corpus, document_id: Document(document_id, "", text)})


def test_a_good_run_has_no_findings(prepare):
    report = preflight(prepare(), tiny_dataset())
    assert report.findings == []
    assert report.ok
    assert str(report) == "nothing found that stands against this training run"


def test_queries_that_stand_twice():
    assert repeated_queries(tiny_dataset()) == []
    text = tiny_dataset().queries["q00"].text
    (same,) = repeated_queries(with_query("x1", text.upper() + "?", "a00"))
    assert same.level == "note"
    assert same.what.startswith(f"1 training query stands under several ids, such as {text!r} (q00, x1), with the same")
    (other,) = repeated_queries(with_query("x1", text, "a01"))
    assert other.level == "warning"
    assert "(q00, x1), with different positives" in other.what


def test_missing_and_blank_texts_are_errors_and_nothing_is_encoded(prepare, monkeypatch):
    monkeypatch.setattr("tutorial_lib.training.checks.one_batch", lambda run: pytest.fail("encoded"))
    data = with_text(tiny_dataset(), "a01", " … ")
    broken = replace(data, corpus={a: v for a, v in data.corpus.items() if a != "a00"})
    report = preflight(prepare(dataset=data), broken)
    assert [f.level for f in report.findings] == ["error", "error"]
    with pytest.raises(DataError, match=r"1 of 12 articles .* not in the corpus, first 'a00' \(query 'q00'\): .*'a01'"):
        report.raise_if_bad()


def test_a_blank_query_is_an_error(prepare):
    data = with_query("x1", "?!", "a00")
    (finding,) = unusable_texts(prepare(dataset=data), data)
    assert finding.what.startswith("1 of 13 queries of the training pairs have no letter or digit, first 'x1'")


def test_the_share_of_texts_and_tokens_that_are_cut(prepare):
    run = prepare(max_length=8)  # each query is 6 words, each article 9; [CLS] and [SEP] come on top
    (finding,) = cut_texts(run, token_counts(run, tiny_dataset()))
    assert finding.level == "warning"
    assert finding.what.startswith("100% of the articles of the training pairs are cut at 8 tokens, and 27% of their tokens")
    assert "raise max_length (the model reads 64)" in finding.what  # 3 of 11


def test_texts_cut_at_the_window_that_dev_chose_are_a_note(prepare):
    run = prepare(window=8)
    (finding,) = cut_texts(run, token_counts(run, tiny_dataset()))
    assert finding.level == "note"
    assert finding.what.startswith("100% of the articles of the training pairs are cut at 8 tokens, and 27% of their tokens")
    assert finding.what.endswith("on dev the base model did no better with more")


def test_few_cut_texts_are_a_note_and_the_model_may_read_no_more(prepare):
    data = with_text(tiny_dataset(), "a00", "invoice " * 82)  # 84 tokens; the 11 others have 11
    run = prepare(dataset=data)
    (finding,) = cut_texts(run, token_counts(run, data))
    assert finding.level == "note"
    assert finding.what.startswith("8% of the articles of the training pairs are cut at 64 tokens, and 10% of their tokens")
    assert "divide long texts" in finding.what


@pytest.mark.parametrize(
    ("rate", "all_weights", "bad"),
    [
        (5e-3, False, False),
        (6e-3, False, True),
        (5e-4, True, False),
        (6e-4, True, True),
    ],
)
def test_learning_rates_that_come_apart(prepare, rate, all_weights, bad):
    findings = learning_rate(prepare(learning_rate=rate, all_weights=all_weights))
    assert [f.level for f in findings] == ["warning"] * bad
    assert all(f"learning_rate is {rate:g}" in f.what for f in findings)


def test_a_batch_larger_than_the_data_and_a_single_step(prepare):
    assert number_of_steps(prepare(batch_size=12)) == []
    batch, step = number_of_steps(prepare(batch_size=13, epochs=1.0))
    assert batch.what.startswith("batch_size is 13, but there are 12 training pairs")
    assert batch.what.endswith("at most 6")
    assert step.what.startswith("training ends after 1 step")


def test_more_negatives_than_were_mined_are_a_warning(prepare):
    (finding,) = mined_negatives(prepare(negatives=3))
    assert str(finding) == (
        "warning: negatives is 3, but no pair has more than 1: mine more (MiningSettings(per_query=3)), or pass fewer"
    )
    assert mined_negatives(prepare(negatives=1)) == []


def test_a_workspace_checks_before_training_and_not_when_it_goes_on(
    tiny_data, tiny_folder, tmp_path, at_home, monkeypatch, capsys
):
    space = Workspace(tmp_path / "space", tiny_data, tiny_folder)
    interrupt_adapter(space, 3, monkeypatch)
    assert "warning: learning_rate is 0.05" in capsys.readouterr().err
    space.adapter(lora=LORA, train=TRAIN)
    assert "learning_rate" not in capsys.readouterr().err


def test_an_error_keeps_a_workspace_from_training(finished, copied, monkeypatch):
    monkeypatch.setattr(
        "tutorial_lib.training.adapter.preflight", lambda run, dataset: PreflightReport([Finding("error", "no memory")])
    )
    with pytest.raises(DataError, match=r"^no memory$"):
        copied.adapter(train=replace(TRAIN, seed=9))
    assert copied.training() == finished.training()
