"""Checks before training: what each one finds, and that they leave the run as it was."""

from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest
import torch
from transformers import BertConfig

from tests.tiny import LORA, TRAIN, interrupt_adapter, tiny_dataset
from tutorial_lib import workspace
from tutorial_lib.data.dataset import DataError, Document, Query
from tutorial_lib.models import hardware
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.memory import memory, memory_needed, numbers_per_token, token_counts
from tutorial_lib.training.one_batch import BATCH_STEPS, _small_batch, one_batch, one_batch_losses
from tutorial_lib.training.preflight import (
    Finding,
    PreflightReport,
    cut_texts,
    learning_rate,
    mined_negatives,
    number_of_steps,
    preflight,
    repeated_queries,
    unusable_texts,
)
from tutorial_lib.training.settings import LoraSettings, TrainSettings
from tutorial_lib.workspace import Workspace

SETTINGS = {"epochs": 2.0, "min_steps": 0, "batch_size": 6, "learning_rate": 5e-3, "dev_evaluations": 2, "temperature": 0.2}
"""12 pairs in batches of 6, twice: 4 steps."""


@pytest.fixture
def prepare(tiny_folder, tmp_path, float32):
    """Return a function that prepares a run on a dataset, in a folder of its own."""

    def prepare(dataset=None, lora=None, all_weights=False, **changes):
        dataset = dataset or tiny_dataset()
        folder = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        return prepare_training(
            dataset,
            {"q00": ["a05"]},
            BM25(dataset.document_texts()),
            folder,
            model=tiny_folder,
            lora=lora or LoraSettings(rank=4, alpha=8),
            settings=TrainSettings(**{**SETTINGS, **changes}),
            device=torch.device("cpu"),
            all_weights=all_weights,
        )

    return prepare


def with_query(query_id, text, positive):
    """Return the tiny dataset with one more training query."""
    data = tiny_dataset()
    qrels = {**data.qrels, "train": {**data.qrels["train"], query_id: {positive: 1}}}
    return replace(data, queries={**data.queries, query_id: Query(query_id, text)}, qrels=qrels)


def with_text(dataset, document_id, text):
    return replace(dataset, corpus={**dataset.corpus, document_id: Document(document_id, "", text)})


def state(run):
    return [p.detach().clone() for p in run.encoder.model.parameters()]


# --- report -------------------------------------------------------------------------------------------------------


def test_a_good_run_has_no_findings(prepare):
    report = preflight(prepare(), tiny_dataset())
    assert report.findings == []
    assert report.ok
    assert str(report) == "nothing found that stands against this training run"


def test_a_report_raises_all_errors_at_once_and_writes_the_rest_to_stderr(capsys):
    report = PreflightReport([Finding("note", "a"), Finding("error", "b"), Finding("warning", "c"), Finding("error", "d")])
    assert not report.ok
    assert str(report).splitlines() == ["note: a", "error: b", "warning: c", "error: d"]
    with pytest.raises(DataError, match=r"^b; d$"):
        report.announce()
    assert capsys.readouterr().err == "note: a\nwarning: c\n"
    PreflightReport(report.findings[:1]).raise_if_bad()


# --- data ---------------------------------------------------------------------------------------------------------


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
    monkeypatch.setattr("tutorial_lib.training.preflight.one_batch", lambda run: pytest.fail("encoded"))
    data = with_text(tiny_dataset(), "a01", " … ")
    broken = replace(data, corpus={a: v for a, v in data.corpus.items() if a != "a00"})
    report = preflight(prepare(data), broken)
    assert [f.level for f in report.findings] == ["error", "error"]
    with pytest.raises(DataError, match=r"1 of 12 articles .* not in the corpus, first 'a00' \(query 'q00'\): .*'a01'"):
        report.raise_if_bad()


def test_a_blank_query_is_an_error(prepare):
    data = with_query("x1", "?!", "a00")
    (finding,) = unusable_texts(prepare(data), data)
    assert finding.what.startswith("1 of 13 queries of the training pairs have no letter or digit, first 'x1'")


def test_the_share_of_texts_and_tokens_that_are_cut(prepare):
    run = prepare(max_length=8)  # each query is 6 words, each article 9; [CLS] and [SEP] come on top
    (finding,) = cut_texts(run, token_counts(run, tiny_dataset()))
    assert finding.level == "warning"
    assert finding.what.startswith("100% of the articles of the training pairs are cut at 8 tokens, and 27% of their tokens")
    assert "raise max_length (the model reads 64)" in finding.what  # 3 of 11


def test_few_cut_texts_are_a_note_and_the_model_may_read_no_more(prepare):
    data = with_text(tiny_dataset(), "a00", "invoice " * 82)  # 84 tokens; the 11 others have 11
    run = prepare(data)
    (finding,) = cut_texts(run, token_counts(run, data))
    assert finding.level == "note"
    assert finding.what.startswith("8% of the articles of the training pairs are cut at 64 tokens, and 10% of their tokens")
    assert "divide long texts" in finding.what


def test_tokens_are_counted_in_some_of_many_texts(prepare, monkeypatch):
    monkeypatch.setattr("tutorial_lib.training.memory.TEXTS_COUNTED", 5)
    counts = token_counts(prepare(query_prompt="query : "), tiny_dataset())
    assert counts.queries.tolist() == [10] * 5
    assert counts.documents.tolist() == [11] * 5


# --- settings -----------------------------------------------------------------------------------------------------


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


# --- memory -------------------------------------------------------------------------------------------------------


def test_more_negatives_than_were_mined_are_a_warning(prepare):
    (finding,) = mined_negatives(prepare(negatives=3))
    assert str(finding) == (
        "warning: negatives is 3, but no pair has more than 1: mine more (MiningSettings(per_query=3)), or pass fewer"
    )
    assert mined_negatives(prepare(negatives=1)) == []


def test_one_batch_of_all_weights_in_bfloat16_follows_float32(prepare, monkeypatch):
    exact = one_batch_losses(prepare(all_weights=True, learning_rate=1e-2))
    monkeypatch.setattr(hardware, "bf16_is_fast", lambda device=None: True)
    rounded = one_batch_losses(prepare(all_weights=True, learning_rate=1e-2))
    assert exact[-1] < 0.8 * exact[0]
    assert rounded[-1] == pytest.approx(exact[-1], abs=0.1 * exact[0])


def test_the_numbers_kept_for_a_token_by_hand():
    config = BertConfig(hidden_size=10, intermediate_size=40, num_attention_heads=2)
    assert numbers_per_token(config, 30.0, all_weights=False, on_cpu=True) == 110 + 120 + 60
    assert numbers_per_token(config, 30.0, all_weights=True, on_cpu=True) == 200 + 120 + 180
    assert numbers_per_token(config, 30.0, all_weights=True, on_cpu=False) == 200 + 120


def test_memory_grows_with_the_batch_until_activation_tokens(prepare):
    def needed(**changes):
        run = prepare(**changes)
        return memory_needed(run, token_counts(run, tiny_dataset()))[0]

    # Every text is padded to 16 tokens: 12 pairs are 24 texts with one negative each 36.
    one = 2 * 4 * (11 * 32 + 3 * 64 + 2 * 16)  # a token's bytes: 2 layers in float32, 2 heads
    assert needed(batch_size=12, negatives=0) == 24 * 16 * one
    assert needed(batch_size=12, negatives=1) == 36 * 16 * one
    assert needed(batch_size=12, activation_tokens=100, token_budget=48) == 100 * one
    assert needed(batch_size=12, activation_tokens=0, token_budget=48) == 48 * one
    assert needed(batch_size=12, train_documents=False) == 12 * 16 * one


def test_too_little_memory_is_an_error_that_says_what_to_lower(prepare, monkeypatch):
    run = prepare(batch_size=1000, token_budget=64)
    activations, weights = memory_needed(run, token_counts(run, tiny_dataset()))
    for available, advice in (
        (weights + activations / 2, "lower activation_tokens from 16,384 to "),
        (weights, "pass a smaller model, rank, max_length or token_budget"),
    ):
        monkeypatch.setattr(psutil, "virtual_memory", lambda a=available: SimpleNamespace(available=a))
        report = preflight(run, tiny_dataset())
        assert not report.ok
        assert advice in str(report)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2 * (weights + activations)))
    assert memory(run, token_counts(run, tiny_dataset())) == []


# --- one batch ----------------------------------------------------------------------------------------------------


def test_the_loss_of_one_batch_falls(prepare):
    losses = one_batch_losses(prepare())
    assert len(losses) == BATCH_STEPS + 1
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("rate", [1e-9, 10.0])  # the second makes all vectors alike: a loss of ln 12, 2.48, from 2.37
def test_a_rate_that_does_not_train_is_a_warning(prepare, rate):
    (finding,) = one_batch(prepare(learning_rate=rate))
    assert finding.level == "warning"
    assert "did not fall by a fifth" in finding.what


def test_a_loss_that_rises_is_a_warning(prepare, monkeypatch):
    monkeypatch.setattr("tutorial_lib.training.one_batch.one_batch_losses", lambda run: [2.0, 0.5, 2.5])
    (finding,) = one_batch(prepare())
    assert "trained on 2 times at the learning_rate 0.005, and its loss rose from 2.000 to 2.500" in finding.what
    monkeypatch.setattr("tutorial_lib.training.one_batch.one_batch_losses", lambda run: [0.01, 0.02, 0.03])  # learnt already
    assert one_batch(prepare()) == []


def test_a_loss_that_is_no_number_is_an_error(prepare, monkeypatch):
    run = prepare()
    monkeypatch.setattr(run.trainer, "training_step", lambda *_: torch.tensor(float("nan")))
    (finding,) = one_batch(run)
    assert finding.level == "error"
    assert "its loss became nan" in finding.what


def test_long_texts_make_the_batch_smaller(prepare, monkeypatch):
    monkeypatch.setattr("tutorial_lib.training.one_batch.BATCH_TOKENS", 12 * 16)  # 12 pairs are 24 texts of 16 tokens
    assert len(_small_batch(prepare())["answers"]) == 6


@pytest.mark.parametrize(
    "way", [{}, {"lora": LoraSettings(rank=4, alpha=8, dropout=0.2)}, {"all_weights": True}, {"train_documents": False}]
)
def test_training_after_the_checks_is_training_without(prepare, way):
    straight, checked = prepare(**way), prepare(**way)
    modes = [m.training for m in checked.encoder.model.modules()]
    before, fingerprint = state(checked), checked.encoder.fingerprint
    random = torch.get_rng_state()
    preflight(checked, tiny_dataset())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(a, b) for a, b in zip(before, state(checked), strict=True))
    assert all(p.grad is None for p in checked.encoder.model.parameters())
    assert [m.training for m in checked.encoder.model.modules()] == modes
    assert checked.encoder.fingerprint == fingerprint
    torch.manual_seed(3)
    expected = straight.train()
    torch.manual_seed(3)
    result = checked.train()
    assert (result.losses, result.dev, result.strengths) == (expected.losses, expected.dev, expected.strengths)
    assert all(torch.equal(a, b) for a, b in zip(state(straight), state(checked), strict=True))


def test_an_interrupted_check_leaves_the_run_as_it_was(prepare, monkeypatch):
    run = prepare()
    before, step, calls = state(run), run.trainer.training_step, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return step(*args)

    monkeypatch.setattr(run.trainer, "training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        one_batch(run)
    assert all(torch.equal(a, b) for a, b in zip(before, state(run), strict=True))
    assert run.encoder.model.config._attn_implementation == "sdpa"


# --- workspace ----------------------------------------------------------------------------------------------------


def test_a_workspace_checks_before_training_and_not_when_it_goes_on(
    tiny_data, tiny_folder, tmp_path, at_home, monkeypatch, capsys
):
    space = Workspace(tmp_path / "space", tiny_data, tiny_folder)
    interrupt_adapter(space, 3, monkeypatch)
    assert "warning: learning_rate is 0.05" in capsys.readouterr().err
    space.adapter(lora=LORA, train=TRAIN)
    assert "learning_rate" not in capsys.readouterr().err


def test_an_error_keeps_a_workspace_from_training(finished, copied, monkeypatch):
    monkeypatch.setattr(workspace, "preflight", lambda run, dataset: PreflightReport([Finding("error", "no memory")]))
    with pytest.raises(DataError, match=r"^no memory$"):
        copied.adapter(train=replace(TRAIN, seed=9))
    assert copied.training() == finished.training()
