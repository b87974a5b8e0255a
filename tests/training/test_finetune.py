"""Whole training runs of the tiny BERT: resuming, seeds, which checkpoint is kept, what is trained."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from tests.tiny import Interrupt, tiny_dataset
from tests.training.runs import adapter_weights, prepare_run, same_weights
from tutorial_lib.evaluation.dev_pool import rises
from tutorial_lib.models import hardware
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import adapter_update, save_adapter, set_strength
from tutorial_lib.models.saving import save_model
from tutorial_lib.models.settings import ModelError
from tutorial_lib.training.dev import DevSet, mean_score
from tutorial_lib.training.losses import contrastive_loss
from tutorial_lib.training.teaching import Teaching

TEXTS = ["cancel the invoice", "how to reset a password", "repair"]


class Kill(TrainerCallback):
    """kill -9 at the end of step 5."""

    def on_step_end(self, args, state, control, **_):
        if state.global_step == 5:
            os.kill(os.getpid(), signal.SIGKILL)


def train_until_killed(model, folder):
    """Run in a process of its own."""
    os.environ["TUTORIAL_PRECISION"] = "float32"
    run = prepare_run(model, Path(folder))
    run.trainer.add_callback(Kill())
    run.train()


def batches(run):
    """Return a list that fills with the query ids of each batch that ``run`` trains on."""
    seen, collate = [], run.trainer.data_collator

    def note(pairs):
        seen.append([p.query_id for p in pairs])
        return collate(pairs)

    run.trainer.data_collator = note
    return seen


def score_by_step(monkeypatch, scores):
    """Let the dev pool give ``scores`` one after the other instead of measuring."""
    left = iter(scores)

    monkeypatch.setattr(DevSet, "score", lambda self, encoder: dict.fromkeys(self.queries, next(left)))


def test_one_batch_can_be_overfitted(prepare):
    result = prepare(epochs=40.0, batch_size=12, dev_queries=0).train()
    assert result.steps == 40
    assert result.losses[0][1] > 1
    assert result.losses[-1][1] < 0.1
    assert result.dev == []
    assert result.best_step == 40


def test_the_result_counts_steps_pairs_and_parameters(prepare):
    run = prepare()
    result = run.train()
    assert (result.steps, result.pairs) == (8, 12)
    assert [step for step, _ in result.losses] == list(range(1, 9))
    assert [step for step, _ in result.dev] == [0, 2, 4, 6, 8]
    assert result.trainable == sum(p.numel() for p in adapter_weights(run).values())
    assert result.parameters == sum(p.numel() for p in Encoder.load(run.encoder.name).model.parameters())
    assert result.pairs_per_s * result.seconds >= 4 * 12  # dev scoring is left out of the rate


@pytest.mark.parametrize("interrupted_at", [5, 6])
def test_an_interrupted_run_resumes_to_the_same_result(prepare, interrupted_at):
    straight = prepare()
    expected = straight.train()
    broken = prepare("broken")
    broken.trainer.add_callback(Interrupt(interrupted_at))
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    resumed = prepare("broken")
    result = resumed.train(resume=True)
    assert result.losses == expected.losses
    assert result.dev == expected.dev
    assert result.best_step == expected.best_step
    assert same_weights(adapter_weights(straight), adapter_weights(resumed))


INSIDE = {"epochs": 3.0, "batch_size": 4, "dev_evaluations": 9}
"""12 pairs in batches of 4 for 3 epochs: 9 steps, dev scored and a checkpoint written after each, most inside an epoch."""


def test_a_run_interrupted_inside_an_epoch_goes_on_with_the_batches_it_would_have_had(prepare):
    straight = prepare(**INSIDE)
    expected_batches, expected = batches(straight), straight.train()
    for step in (5, 9):  # the first, second and third epoch end with steps 3, 6 and 9
        broken = prepare(f"broken{step}", **INSIDE)
        broken.trainer.add_callback(Interrupt(step))
        with pytest.raises(KeyboardInterrupt):
            broken.train()
        resumed = prepare(f"broken{step}", **INSIDE)
        seen, result = batches(resumed), resumed.train(resume=True)
        assert seen == expected_batches[step - 1 :]  # Ctrl-C came before the checkpoint of its step
        assert (result.losses, result.dev, result.best_step) == (expected.losses, expected.dev, expected.best_step)
        assert same_weights(adapter_weights(straight), adapter_weights(resumed), atol=0)


GENTLE = {"epochs": 1.0, "min_steps": 8}
"""12 pairs in batches of 6: a gentle pass of 2 steps, and 4 passes of 8 steps, dev scored after steps 2, 4, 6, 8 and 10."""


def test_after_the_gentle_pass_comes_the_run_that_there_is_without_it(prepare, monkeypatch):
    score_by_step(monkeypatch, [0.5, 0.6, 0.6, 0.6, 0.6, 0.9, 0.5, 0.6, 0.6, 0.6, 0.9])
    run, alone = prepare("run", **GENTLE), prepare("alone", **GENTLE, gentle_pass=False)
    seen = batches(run), batches(alone)
    assert (run.train().best_step, alone.train().best_step) == (10, 8)
    assert seen[0] == seen[1][:2] + seen[1]
    assert same_weights(adapter_weights(run), adapter_weights(alone), atol=0)


def test_the_gentle_pass_is_kept_where_dev_likes_it_best(prepare, monkeypatch):
    score_by_step(monkeypatch, [0.5, 0.9, 0.8, 0.8, 0.8, 0.8, 0.5, 0.9])
    run = prepare("run", **GENTLE)
    one_pass = prepare("one pass", min_steps=0, epochs=1.0, learning_rate=0.005, dev_evaluations=1)
    assert (run.train().best_step, one_pass.train().best_step) == (2, 2)
    assert same_weights(adapter_weights(run), adapter_weights(one_pass), atol=0)


@pytest.mark.parametrize("interrupted_at", [2, 3, 5])
def test_a_run_interrupted_about_its_gentle_pass_resumes_to_the_same_result(prepare, interrupted_at):
    straight, broken = prepare(**GENTLE), prepare("broken", **GENTLE)
    expected = straight.train()
    broken.trainer.add_callback(Interrupt(interrupted_at))
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    resumed = prepare("broken", **GENTLE)
    result = resumed.train(resume=True)
    assert (result.losses, result.dev, result.best_step) == (expected.losses, expected.dev, expected.best_step)
    assert same_weights(adapter_weights(straight), adapter_weights(resumed), atol=0)


def test_a_run_killed_without_warning_resumes_to_the_same_result(prepare, tiny_folder, tmp_path):
    script = "import sys; from tests.training.test_finetune import train_until_killed; train_until_killed(*sys.argv[1:])"
    killed = subprocess.run(
        [sys.executable, "-c", script, tiny_folder, tmp_path / "killed"],
        check=False,
        cwd=Path(__file__).parents[2],
        stderr=subprocess.DEVNULL,
    )
    assert killed.returncode == -signal.SIGKILL
    assert {p.name for p in (tmp_path / "killed").iterdir()} == {"checkpoint-2", "checkpoint-4"}
    straight, resumed = prepare(), prepare("killed")
    seen = batches(straight), batches(resumed)
    expected, result = straight.train(), resumed.train(resume=True)
    assert seen[1] == seen[0][4:]  # from the checkpoint of step 4 on
    assert result.losses == expected.losses
    assert result.dev == expected.dev
    assert same_weights(adapter_weights(straight), adapter_weights(resumed))


def test_a_checkpoint_cut_short_is_passed_over(prepare, tmp_path, capsys):
    broken = prepare("broken")
    broken.trainer.add_callback(Interrupt(7))
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    (tmp_path / "broken" / "checkpoint-6" / "files.json").unlink()  # written last
    capsys.readouterr()
    result = prepare("broken").train(resume=True)
    said = [line for line in capsys.readouterr().err.splitlines() if "checkpoint" in line or "goes on" in line]
    assert said == ["checkpoint-6 is passed over: it was not written to its end", "training goes on from step 4"]
    assert result.losses == prepare().train().losses


def test_a_damaged_checkpoint_is_passed_over_and_a_moved_folder_is_no_damage(prepare, tmp_path, capsys):
    broken = prepare("broken")
    broken.trainer.add_callback(Interrupt(7))
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    (tmp_path / "broken").rename(tmp_path / "moved")
    weights = tmp_path / "moved" / "checkpoint-6" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    straight, resumed = prepare(), prepare("moved")
    expected, result = straight.train(), resumed.train(resume=True)
    said = capsys.readouterr().err
    assert "checkpoint-6 is passed over: adapter_model.safetensors is not what was written" in said
    assert "training goes on from step 4" in said
    assert (result.losses, result.dev, result.best_step) == (expected.losses, expected.dev, expected.best_step)
    assert same_weights(adapter_weights(straight), adapter_weights(resumed), atol=0)


def test_an_interruption_before_the_first_checkpoint_starts_anew(prepare):
    broken = prepare("broken")
    broken.trainer.add_callback(Interrupt(1))
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    assert prepare("broken").train(resume=True).losses == prepare().train().losses


def test_without_resume_an_old_checkpoint_is_not_used(prepare):
    first = prepare("same").train()
    assert prepare("same").train().losses == first.losses


def test_the_same_seed_gives_the_same_adapter_and_another_seed_another(prepare):
    runs = [prepare(seed=seed) for seed in (0, 0, 1)]
    losses = [run.train().losses for run in runs]
    assert losses[0] == losses[1] != losses[2]
    assert same_weights(adapter_weights(runs[0]), adapter_weights(runs[1]), atol=0)
    assert not same_weights(adapter_weights(runs[0]), adapter_weights(runs[2]), atol=1e-3)


def test_the_best_checkpoint_by_dev_is_kept(prepare, monkeypatch, tiny_folder, tmp_path):
    score_by_step(monkeypatch, [0.5, 0.6, 0.9, 0.7, 0.8])
    run = prepare("run")
    result = run.train()
    assert result.best_step == 4
    assert result.dev == [(0, 0.5), (2, 0.6), (4, 0.9), (6, 0.7), (8, 0.8)]
    save_adapter(run.encoder, tmp_path / "kept", "card")
    kept, checkpoint = (Encoder.load(tmp_path / folder) for folder in ("kept", "run/checkpoint-4"))
    last = Encoder.load(tmp_path / "run" / "checkpoint-8")
    assert np.allclose(kept.encode(TEXTS), checkpoint.encode(TEXTS), atol=1e-6)
    assert not np.allclose(kept.encode(TEXTS), last.encode(TEXTS), atol=1e-3)


@pytest.mark.parametrize("scores", [[0.5, 0.4, 0.3, 0.2, 0.1], [0.5, 0.5, 0.5, 0.5, 0.5]])
def test_the_base_model_is_kept_when_dev_never_rises(prepare, monkeypatch, tiny_folder, tmp_path, scores):
    score_by_step(monkeypatch, scores)
    run = prepare()
    assert run.train().best_step == 0
    save_adapter(run.encoder, tmp_path / "kept", "card")
    base = Encoder.load(tiny_folder).encode(TEXTS)
    for encoder in (run.encoder, Encoder.load(tmp_path / "kept")):
        assert np.allclose(encoder.encode(TEXTS), base, atol=1e-6)


def test_the_base_model_is_kept_after_a_resumed_run_too(prepare, monkeypatch):
    score_by_step(monkeypatch, [0.5, 0.4, 0.3, 0.2, 0.1])
    broken = prepare("broken")
    broken.trainer.add_callback(Interrupt(5))
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    resumed = prepare("broken")
    score_by_step(monkeypatch, [0.2, 0.1])
    result = resumed.train(resume=True)
    assert result.dev == [(0, 0.5), (2, 0.4), (4, 0.3), (6, 0.2), (8, 0.1)]
    assert result.best_step == 0


def test_the_share_of_the_update_that_dev_likes_best_is_kept(prepare, monkeypatch, tmp_path):
    score_by_step(monkeypatch, [0.5, 0.6, 0.9, 0.7, 0.8, 0.95, 0.4])
    run = prepare("run", strengths=(1.0, 0.5, 0.25))
    result = run.train()
    assert (result.best_step, result.strength) == (4, 0.5)
    assert result.strengths == [(0.25, 0.4), (0.5, 0.95), (1.0, 0.9)]
    set_strength(run.encoder, adapter_update(run.encoder), 2.0)  # 0.5 and 2 round nothing
    save_adapter(run.encoder, tmp_path / "doubled", "card")
    doubled, checkpoint = (Encoder.load(tmp_path / folder) for folder in ("doubled", "run/checkpoint-4"))
    assert np.array_equal(doubled.encode(TEXTS), checkpoint.encode(TEXTS))


def test_of_a_gentle_pass_no_share_is_tried(prepare, monkeypatch):
    score_by_step(monkeypatch, [0.5, 0.9, 0.6, 0.7, 0.8])
    run = prepare("run", strengths=(1.0, 0.5))
    monkeypatch.setattr(run.trainer, "schedule", replace(run.trainer.schedule, gentle=2))
    result = run.train()
    assert (result.best_step, result.strength, result.strengths) == (2, 1.0, [(1.0, 0.9)])


def test_all_of_the_update_is_the_checkpoint_to_the_bit(prepare, monkeypatch, tmp_path):
    score_by_step(monkeypatch, [0.5, 0.6, 0.9, 0.7, 0.8, 0.4, 0.4])  # shares of a third and of 0.7 are tried, and are worse
    run = prepare("run", strengths=(1 / 3, 0.7, 1.0))
    result = run.train()
    assert (result.best_step, result.strength) == (4, 1.0)
    written = load_file(tmp_path / "run" / "checkpoint-4" / "adapter_model.safetensors")
    kept = {name.replace(".default.", "."): weight for name, weight in adapter_weights(run).items()}
    assert set(kept) == set(written)
    assert all(torch.equal(kept[name], weight) for name, weight in written.items())


def test_the_window_that_dev_chose_is_read_in_training_and_on_dev_and_the_model_keeps_its_own(prepare):
    run, whole = prepare(window=8), prepare()
    batch, all_of_it = (r.trainer.data_collator(r.pairs) for r in (run, whole))
    assert max(group["input_ids"].shape[1] for group in batch["groups"]) == 8
    assert max(group["input_ids"].shape[1] for group in all_of_it["groups"]) > 8
    assert run.trainer.encoder.settings.max_length == 8  # what scores dev
    assert run.encoder.settings.max_length == whole.encoder.settings.max_length == 64
    assert run.trainer.encoder.model is run.encoder.model  # one model, two windows


def test_the_dev_score_is_that_of_the_model_at_that_step(prepare, tmp_path):
    run = prepare("run")
    result = run.train()
    scores = {0: mean_score(run.trainer.dev.score(Encoder.load(run.encoder.name)))}
    for folder in (tmp_path / "run").glob("checkpoint-*"):
        scores[int(folder.name.split("-")[1])] = mean_score(run.trainer.dev.score(Encoder.load(folder)))
    assert len(scores) == 3  # the base model, the best checkpoint and the last, or the last two
    assert scores == {step: pytest.approx(score, abs=1e-6) for step, score in result.dev if step in scores}


def test_checkpoints_are_json_and_safetensors_only_where_a_model_is_concerned(prepare, tmp_path):
    prepare("run").train()
    names = {p.name for p in (tmp_path / "run").rglob("adapter*")}
    assert names == {"adapter_config.json", "adapter_model.safetensors"}
    written = json.loads((tmp_path / "run" / "checkpoint-8" / "dev.json").read_text())
    assert list(written) == ["0", "2", "4", "6", "8"]
    assert set(written["8"]) == {"q12", "q13", "q14", "q15"}


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ((0.3, 0.1, 0.1, -0.1), True),  # mean 0.1, standard deviation sqrt(0.08 / 3) = 0.163, error of the mean half of that
        ((0.3, 0.1, 0.0, -0.2), False),  # mean 0.05, standard deviation sqrt(0.13 / 3) = 0.208
        ((0.1, 0.1, 0.1, 0.1), True),
        ((0.0, 0.0, 0.0, 0.0), False),
        ((-0.1, -0.1, -0.1, -0.1), False),
        ((0.1,), True),  # one query has no spread
    ],
)
def test_dev_rises_if_the_mean_does_by_more_than_its_standard_error(differences, expected):
    before = {f"q{n}": 0.5 for n in range(len(differences))}
    assert rises(before, {q: 0.5 + d for q, d in zip(before, differences, strict=True)}) is expected


# --- what is trained ----------------------------------------------------------------------------------------------


def test_training_every_weight_reaches_every_weight_that_a_vector_hangs_on(prepare):
    run = prepare(all_weights=True, learning_rate=1e-3, dev_queries=0)
    before = {n: p.detach().clone() for n, p in run.encoder.model.named_parameters()}
    assert not any(".lora_" in n for n in before)
    result = run.train()
    assert result.trainable == result.parameters == sum(p.numel() for p in before.values())
    unchanged = {n for n, p in run.encoder.model.named_parameters() if torch.equal(p, before[n])}
    assert unchanged == {"pooler.dense.weight", "pooler.dense.bias"}  # mean pooling reads no pooler


def test_the_base_model_is_restored_after_training_every_weight_when_dev_never_rises(prepare, monkeypatch, tiny_folder):
    score_by_step(monkeypatch, [0.5, 0.4, 0.3, 0.2, 0.1])
    run, base = prepare(all_weights=True, learning_rate=1e-3), Encoder.load(tiny_folder)
    result = run.train()
    assert (result.best_step, result.strength) == (0, 0.0)
    assert np.array_equal(run.encoder.encode(TEXTS), base.encode(TEXTS))
    assert run.encoder.fingerprint == base.fingerprint


def test_the_best_checkpoint_is_kept_after_training_every_weight(prepare, monkeypatch, tmp_path):
    score_by_step(monkeypatch, [0.5, 0.6, 0.9, 0.7, 0.8])
    run = prepare("run", all_weights=True, learning_rate=1e-3)
    assert run.train().best_step == 4
    kept = run.encoder.model.state_dict()
    best, last = (load_file(tmp_path / "run" / f"checkpoint-{step}" / "model.safetensors") for step in (4, 8))
    assert all(torch.equal(kept[name], weight) for name, weight in best.items())
    assert not all(torch.equal(kept[name], weight) for name, weight in last.items())


def test_matryoshka_training_lowers_the_loss_of_the_truncated_vectors(prepare):
    dataset = tiny_dataset()
    texts = [dataset.queries[f"q{n:02}"].text for n in range(12)], [dataset.corpus[f"a{n:02}"].full_text for n in range(12)]

    def loss_of_the_first_8(run):
        cut = [torch.nn.functional.normalize(torch.from_numpy(run.encoder.encode(t)[:, :8]), dim=1) for t in texts]
        return contrastive_loss(*cut, torch.arange(12), torch.zeros(12, 12, dtype=torch.bool), 0.07).item()

    whole, matryoshka = prepare(dev_queries=0), prepare(dev_queries=0, matryoshka=(8,))
    base = loss_of_the_first_8(whole)
    whole.train()
    matryoshka.train()
    assert loss_of_the_first_8(matryoshka) < loss_of_the_first_8(whole) < base


def test_a_teacher_is_imitated_beside_what_the_judgments_say(prepare):
    dataset = tiny_dataset()
    # The judged answer first, and of the others one by far the second: of that the judgments say nothing.
    ranking = {q: {a: 2.0, f"a{(int(a[1:]) + 5) % 12:02}": 1.0} for q, a in dataset.pairs("train")}
    teacher = {q: {**first, **dict.fromkeys(sorted(set(dataset.corpus) - set(first)), -2.0)} for q, first in ranking.items()}

    def second_above_the_rest(run):
        run.train()
        documents = run.encoder.encode_documents([d.full_text for d in dataset.corpus.values()])
        queries = run.encoder.encode_queries([dataset.queries[q].text for q in ranking])
        column = {a: n for n, a in enumerate(dataset.corpus)}
        cosines = queries @ documents.T
        seconds = [cosines[n, column[list(first)[1]]] for n, first in enumerate(ranking.values())]
        return float(np.mean(seconds) - cosines.mean())

    settings = {"dev_queries": 0, "batch_size": 12, "epochs": 20.0, "learning_rate": 0.05}
    taught = second_above_the_rest(prepare(teaching=Teaching(teacher, weight=4.0), **settings))
    alone = second_above_the_rest(prepare(**settings))
    assert taught > alone + 0.1


def test_training_queries_only_leaves_the_articles_vectors_alone(prepare, monkeypatch, tiny_folder):
    score_by_step(monkeypatch, [0.5, 0.6, 0.7, 0.8, 0.9])
    dataset, base = tiny_dataset(), Encoder.load(tiny_folder)
    run = prepare(train_documents=False)
    expected = {a: base.encode_documents([document.full_text])[0] for a, document in dataset.corpus.items()}
    losses = [loss for _, loss in run.train().losses]
    assert np.mean(losses[-2:]) < np.mean(losses[:2])
    fixed = run.trainer.data_collator(run.pairs)["fixed"].numpy()  # the 12 positives; one of them, a05, is a negative too
    assert np.allclose(fixed, [expected[f"a{n:02}"] for n in range(12)], atol=1e-6)
    dev = run.trainer.dev
    assert np.allclose(dev.document_vectors, [expected[a] for a in dev.documents], atol=1e-6)
    assert not np.allclose(run.encoder.encode_queries(TEXTS), base.encode_queries(TEXTS), atol=1e-3)


def test_every_weight_trained_in_bfloat16_is_what_is_saved(prepare, monkeypatch, tiny_folder, tmp_path):
    monkeypatch.setattr(hardware, "bf16_is_fast", lambda device=None: True)
    run = prepare(all_weights=True, learning_rate=3e-3, dev_queries=0)
    run.train()
    save_model(run.encoder, tmp_path / "model", "card")
    encoders = run.encoder, Encoder.load(tmp_path / "model"), Encoder.load(tiny_folder)
    trained, saved, base = (encoder.encode(TEXTS) for encoder in encoders)
    assert (trained * saved).sum(axis=1).min() > 0.999
    assert (trained * base).sum(axis=1).max() < 0.99


def test_matryoshka_sizes_above_the_models_dimension_are_refused(prepare):
    assert prepare(matryoshka=(8, 32)).settings.matryoshka == (8, 32)  # as many as a vector has: superfluous, no error
    with pytest.raises(ModelError, match=r"matryoshka is 33: the vectors of .* have 32 numbers, pass at most that"):
        prepare(matryoshka=(8, 33))
