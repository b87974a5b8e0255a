import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from tests.helpers import damaged, in_time, obstructed, tree
from tests.tiny import LORA, TRAIN, beir_files, interrupt_adapter, tiny_bert, tiny_dataset
from tutorial_lib import stage, workspace
from tutorial_lib.checksums import write_sealed
from tutorial_lib.data.beir import write_beir
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.registry import ReadSettings
from tutorial_lib.evaluation.choose import best_window, choose_share, window_scores, window_to_read
from tutorial_lib.evaluation.dev_pool import dev_pool
from tutorial_lib.models.lora import merge_adapter
from tutorial_lib.retrieval.bm25_choice import choose_bm25
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.fusion import SHARE, convex_combination
from tutorial_lib.retrieval.terms import BM25Settings
from tutorial_lib.retrieval.untrained import UntrainedSettings
from tutorial_lib.run_settings import RunSettings
from tutorial_lib.training.distill import Distilled
from tutorial_lib.training.distill_settings import DistillSettings, TeacherSettings
from tutorial_lib.training.mining import MiningSettings
from tutorial_lib.training.settings import TrainSettings
from tutorial_lib.workspace import STAGES, Workspace

pytestmark = pytest.mark.usefixtures("at_home")


def records(space):
    return {stage: (space.root / stage / "stage.json").read_bytes() for stage in STAGES}


def remade(space, before):
    return [stage for stage in STAGES if records(space)[stage] != before[stage]]


def made(capsys):
    """Return the stages that were announced since the last call."""
    return re.findall(r"making (\w+)", capsys.readouterr().err)


# --- making stages ------------------------------------------------------------------------------------------------


def test_asking_for_the_last_stage_makes_all_of_them(tiny_data, tiny_folder, tmp_path, capsys):
    space = Workspace(tmp_path / "new", tiny_data, tiny_folder)
    assert space.need("runs") == tmp_path / "new" / "runs"
    assert sorted(made(capsys)) == sorted(STAGES)
    assert {p.name for p in space.root.iterdir() if p.is_dir()} == set(STAGES)  # no checkpoint and no half stage is left


def test_the_second_time_nothing_is_made(finished, tiny_data, tiny_folder, capsys):
    before = tree(finished.root)
    again = Workspace(finished.root, tiny_data, tiny_folder)
    for space in (finished, again):
        space.need("runs")
        space.adapter(lora=LORA, train=TRAIN)
    assert made(capsys) == []
    assert tree(finished.root) == before


def test_the_runs_are_of_all_test_queries_and_stand_in_trec_files_too(finished):
    runs = finished.runs()
    assert list(runs) == ["bm25", "base", "untrained", "tuned", "bm25+tuned"]
    for name, run in runs.items():
        assert set(run) == set(finished.dataset().qrels["test"])
        lines = (finished.root / "runs" / f"{name}.trec").read_text().splitlines()
        assert len(lines) == sum(map(len, run.values()))
    assert runs["base"] != runs["tuned"]


def test_artifacts_fit_each_other(finished):
    dataset, vectors = finished.dataset(), finished.tuned_vectors()
    assert vectors.documents.shape == (24, 32)
    assert {s: len(v) for s, v in vectors.queries.items()} == {"train": 12, "dev": 4, "test": 8}
    assert set(finished.negatives().negatives) == set(dataset.qrels["train"])
    assert finished.training().steps == 4
    assert finished.training().best_step > 0
    assert dense_run(dataset, vectors, "test") == finished.runs()["tuned"]
    assert finished.tuned_encoder().fingerprint != finished.base_encoder.fingerprint
    assert "desk" in (finished.root / "model" / "README.md").read_text()


def test_what_dev_chose_is_noted_and_decides_what_is_made(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("tutorial_lib.evaluation.choose.FEWEST_QUERIES", 1)
    monkeypatch.setattr("tutorial_lib.retrieval.bm25_choice.FEWEST_QUERIES", 1)
    monkeypatch.setattr("tutorial_lib.evaluation.choose.WINDOWS", (5, 32))
    space = Workspace(tmp_path / "space", long_documents(tmp_path / "data"), tiny_folder)
    record = json.loads((space.need("baseline") / "baseline.json").read_text())
    assert set(record["windows"]) == {"5", "32", "64"}
    best = max(record["windows"].values())
    assert record["window"] == min(int(w) for w, score in record["windows"].items() if score == best)
    assert space.base_encoder.settings.max_length == record["window"]
    assert space.bm25().settings == BM25Settings(**record["bm25"]) == choose_bm25(space.dataset())
    assert np.array_equal(space.base_vectors().documents, Vectors.of(space.dataset(), space.base_encoder).documents)

    chosen = space.untrained()
    assert set(chosen.scores) == {"bm25", "base", "fused"}
    assert chosen.scores[chosen.system] == max(chosen.scores.values())
    parts = list(space.baseline_runs("dev").values())
    expected = convex_combination(*parts, chosen.share) if chosen.system == "fused" else space.run_of(chosen.system, "dev")
    assert space.run_of("untrained", "dev") == expected
    assert chosen.share == choose_share(space.dataset(), *parts)


@pytest.mark.parametrize("sure", [0.0, 2.0], ids=["any rise on dev is believed", "four queries are never sure"])
def test_the_tuned_models_window_is_that_of_training_unless_dev_is_sure_and_stored_with_it(
    tiny_folder, tmp_path, monkeypatch, sure
):
    monkeypatch.setattr("tutorial_lib.evaluation.choose.FEWEST_QUERIES", 1)
    monkeypatch.setattr("tutorial_lib.evaluation.choose.SURE", sure)
    monkeypatch.setattr("tutorial_lib.evaluation.choose.WINDOWS", (5, 32))
    settings = RunSettings(train=replace(TRAIN, epochs=1.0), lora=LORA)
    space = Workspace(tmp_path / "space", long_documents(tmp_path / "data"), tiny_folder, settings=settings)
    model = space.need("model")
    merged = merge_adapter(space.need("adapter"))
    scores = window_scores(dev_pool(space.dataset(), space.bm25(), base=space.base_vectors()), merged)
    assert set(scores) == {5, 32, 64}
    trained = space.baseline().training_window(settings.train.max_length)
    read = window_to_read(scores, trained)
    assert (read == trained) is (sure > 0 or best_window(scores) == trained)
    assert space.tuned_encoder().settings.max_length == read
    assert SentenceTransformer(str(model), device="cpu").max_seq_length == read


def test_training_reads_as_much_as_dev_sees_no_harm_in(tiny_folder, tmp_path, monkeypatch):
    told = {}

    def stop(*_, **given):
        told.update(given)
        raise KeyboardInterrupt

    monkeypatch.setattr("tutorial_lib.workspace.train_adapter", stop)
    settings = RunSettings(train=replace(TRAIN, max_length=40), lora=LORA)
    space = Workspace(tmp_path / "space", long_documents(tmp_path / "data"), tiny_folder, settings=settings)
    monkeypatch.setattr(space, "baseline", lambda: UntrainedSettings(5, level=(5, 32, 64)))
    with pytest.raises(KeyboardInterrupt):
        space.need("adapter")
    assert told["window"] == 32


def test_the_share_of_the_tuned_model_is_noted_beside_its_runs(finished):
    noted = json.loads((finished.need("fusion") / "fusion.json").read_text())
    assert noted == {"share": SHARE}  # of 4 dev queries
    fused = convex_combination(*(finished.run_of(name, "test") for name in ("bm25", "tuned")), finished.tuned_share())
    assert finished.runs()["bm25+tuned"] == fused


def test_what_an_older_version_chose_without_a_share_is_chosen_anew(copied, monkeypatch):
    chosen, told = copied.untrained(), type(copied)._told_by
    older = {"settings": {}, "system": "bm25", "scores": {"bm25": 1.0}}
    monkeypatch.setattr(copied, "_told_by", lambda stage: older if stage == "untrained" else told(copied, stage))
    assert copied.untrained() == chosen


def test_too_few_dev_queries_choose_nothing(finished):
    baseline = finished.baseline()  # of 4 dev queries
    assert (baseline.window, baseline.windows) == (None, {})
    assert (finished.untrained().system, finished.untrained().scores) == ("fused", {})
    assert finished.base_encoder.settings.max_length == finished.tuned_encoder().settings.max_length == 64


def long_documents(folder):
    """Write the tiny dataset with documents of over 64 tokens whose last words are noise, and return its folder."""
    dataset = tiny_dataset(folder.name)
    noise = " ".join(["please click the page then"] * 20)
    corpus = {a: replace(d, text=f"{d.text} {noise}") for a, d in dataset.corpus.items()}
    write_beir(replace(dataset, corpus=corpus), folder)
    return folder


def test_changed_mining_settings_remake_what_hangs_on_them(copied):
    before = records(copied)
    assert len(copied.negatives(MiningSettings(per_query=2)).negatives["q00"]) == 2
    copied.need("runs")
    assert remade(copied, before) == ["negatives", "adapter", "model", "tuned_vectors", "fusion", "runs"]
    assert copied.record("adapter")["settings"]["train"]["batch_size"] == 6  # as it was trained before
    after = records(copied)
    copied.need("runs")  # without settings those of the last time stand
    assert remade(copied, after) == []
    assert copied.record("negatives")["settings"]["mining"]["per_query"] == 2


def test_changed_training_settings_remake_the_adapter(copied):
    before = records(copied)
    copied.adapter(lora=LORA, train=TrainSettings(epochs=1.0, min_steps=0, batch_size=12))
    assert copied.training().steps == 1
    copied.need("runs")
    assert remade(copied, before) == ["adapter", "model", "tuned_vectors", "fusion", "runs"]


def test_an_adapter_with_settings_of_an_older_version_is_trained_again(copied):
    record = copied.record("adapter")
    record["settings"]["train"]["gradient_cache"] = True
    write_sealed(copied.root / "adapter" / "stage.json", record)
    copied.need("adapter")
    assert copied.record("adapter")["settings"]["train"]["learning_rate"] == TrainSettings().learning_rate
    assert "gradient_cache" not in copied.record("adapter")["settings"]["train"]


def test_changed_data_are_read_again(tiny_folder, tmp_path):
    changing = beir_files(tmp_path / "data")
    space = Workspace(tmp_path / "space", changing, tiny_folder)
    assert space.base_vectors().documents.shape == (24, 32)
    with (changing / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "a99", "title": "robot", "text": "move the camera"}\n')
    again = Workspace(tmp_path / "space", changing, tiny_folder)
    assert again.base_vectors().documents.shape == (25, 32)
    assert "a99" in again.dataset().corpus


def test_another_package_version_makes_a_stage_again_with_the_settings_it_had(copied, monkeypatch):
    copied.negatives(MiningSettings(per_query=2))
    before = records(copied)
    monkeypatch.setattr(stage, "version", lambda name: "99")
    copied.need("negatives")
    assert remade(copied, before) == ["dataset", "baseline", "base_vectors", "negatives"]
    assert copied.record("negatives")["version"] == "99"
    assert copied.negatives().settings == MiningSettings(per_query=2)


def test_there_is_no_other_stage(finished):
    with pytest.raises(ValueError, match="no stage 'vectors': there are dataset, baseline, base_vectors, untrained"):
        finished.need("vectors")


# --- interruptions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_stage_that_breaks_leaves_nothing(tiny_data, tiny_folder, tmp_path, monkeypatch, error):
    def break_down(*_):
        raise error

    space = Workspace(tmp_path / "space", tiny_data, tiny_folder)
    with monkeypatch.context() as patch, pytest.raises(error):
        patch.setattr(workspace.MinedNegatives, "save", break_down)
        space.need("negatives")
    assert {p.name for p in space.root.iterdir() if p.is_dir()} == {"dataset", "baseline", "base_vectors"}
    assert space.record("negatives") is None
    assert len(space.negatives().negatives) == 12


def test_a_stage_that_breaks_when_remade_leaves_the_old_one(copied, monkeypatch):
    before = tree(copied.root)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(workspace, "mine_negatives", lambda *_: 1 / 0)
        copied.negatives(MiningSettings(per_query=1))
    assert tree(copied.root) == before


def test_an_interrupted_training_goes_on_from_its_checkpoint(tiny_data, tiny_folder, tmp_path, finished, monkeypatch):
    space = Workspace(tmp_path / "space", tiny_data, tiny_folder)
    interrupt_adapter(space, 3, monkeypatch)
    assert not (space.root / "adapter").exists()
    assert [p.name for p in space.root.glob("checkpoints.*/checkpoint-*")] == ["checkpoint-2"]
    space.adapter(lora=LORA, train=TRAIN)
    assert space.training().losses == finished.training().losses
    assert list(space.root.glob("checkpoints.*")) == []


# --- damage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["half", "bit", "digit", "gone"])
def test_damage_of_any_file_of_any_stage_is_named(copied, how):
    for name in STAGES:
        assert stage.damage_of(copied.root, name) is None
        for file in sorted(p for p in (copied.root / name).rglob("*") if p.is_file()):
            whole = file.read_bytes()
            damaged(file, how)
            said = stage.damage_of(copied.root, name)
            if (file.name, how) == ("stage.json", "gone"):
                assert copied.record(name) is None  # never finished
            else:
                assert file.name in said, file
            file.write_bytes(whole)
        assert stage.damage_of(copied.root, name) is None


def test_a_pipe_in_place_of_any_file_of_any_stage_is_named_and_not_waited_for(copied):
    for name in STAGES:
        for file in sorted(p for p in (copied.root / name).rglob("*") if p.is_file()):
            whole = file.read_bytes()
            obstructed(file, "pipe")
            with in_time():
                assert f"{file.name} is a pipe" in stage.damage_of(copied.root, name)
            file.unlink()
            file.write_bytes(whole)


def test_stages_with_a_pipe_in_them_are_made_again(copied, tiny_data, tiny_folder, capsys):
    runs = copied.runs()
    for name in ("tuned_vectors/stage.json", "tuned_vectors/documents.npy", "runs/runs.json", "seconds.json"):
        obstructed(copied.root / name, "pipe")
    made(capsys)
    with in_time(120):
        again = Workspace(copied.root, tiny_data, tiny_folder)
        assert again.runs() == runs
        assert again.seconds()["runs"] > 0
    said = capsys.readouterr().err
    assert re.findall(r"^making (\w+)", said, re.MULTILINE) == ["tuned_vectors", "runs"]
    assert "seconds.json is a pipe" in said


def test_damaged_stages_are_made_again_and_the_figures_are_those_of_the_undamaged(
    tiny_data, tiny_folder, tmp_path, float32, capsys
):
    settings = RunSettings(lora=LORA, train=TRAIN)
    space = Workspace(tmp_path / "space", tiny_data, tiny_folder, settings=settings)
    space.need("runs")
    runs, vectors = space.runs(), space.tuned_vectors().documents.tolist()
    for n, name in enumerate(STAGES):
        files = sorted(p for p in (space.root / name).rglob("*") if p.is_file() and p.name != "stage.json")
        damaged(space.root / name / "stage.json" if name == "tuned_vectors" else files[-1], ("half", "bit", "digit")[n % 3])
    made(capsys)
    again = Workspace(tmp_path / "space", tiny_data, tiny_folder)  # as a notebook opens it
    again.need("runs")
    said = capsys.readouterr().err
    assert re.findall(r"^(\w+) is damaged: ", said, re.MULTILINE) == list(STAGES)
    assert re.findall(r"^making (\w+)", said, re.MULTILINE) == list(STAGES)
    assert (again.runs(), again.tuned_vectors().documents.tolist()) == (runs, vectors)


def test_a_full_disk_in_training_is_an_os_error_and_the_next_try_ends_alike(
    tiny_data, tiny_folder, tmp_path, finished, monkeypatch
):
    space = Workspace(tmp_path / "space", tiny_data, tiny_folder)
    save, calls = torch.save, []

    def full(*args, **options):
        calls.append(args)
        if len(calls) > 3:
            raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598")
        save(*args, **options)

    with (
        monkeypatch.context() as patch,
        pytest.raises(OSError, match=r"could not be written to .*space, where .* MB are free"),
    ):
        patch.setattr(torch, "save", full)
        space.adapter(lora=LORA, train=TRAIN)
    assert not (space.root / "adapter").exists()
    space.adapter(lora=LORA, train=TRAIN)
    assert space.training().losses == finished.training().losses


# --- one folder, one run ------------------------------------------------------------------------------------------


def test_a_folder_with_another_dataset_or_model_is_refused_naming_both(finished, tiny_data, tiny_folder, tmp_path):
    other_data, other_model = beir_files(tmp_path / "other"), tiny_bert(tmp_path / "model")
    before = tree(finished.root)
    with pytest.raises(DataError, match=rf"holds a run of dataset {tiny_data}, not {other_data}: pass another folder"):
        Workspace(finished.root, other_data, tiny_folder)
    with pytest.raises(DataError, match=rf"holds a run of model {tiny_folder}, not {other_model}: pass another folder"):
        Workspace(finished.root, tiny_data, other_model)
    assert tree(finished.root) == before


def test_a_folder_or_file_of_somebody_else_is_refused(tiny_data, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    (tmp_path / "file").write_text("text")
    before = tree(tmp_path)
    for name in ("photos", "file"):
        with pytest.raises(DataError, match=f"{name} exists and is no workspace: pass a new or empty folder"):
            Workspace(tmp_path / name, tiny_data)
    assert tree(tmp_path) == before


def test_a_dataset_that_is_not_there_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(DataError, match=r"nothing is not a folder: pass 'aws_docs' or 'support_desk', a BEIR folder"):
        Workspace(tmp_path / "space", tmp_path / "nothing")
    assert not (tmp_path / "space").exists()


def test_the_environment_can_move_workspaces(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_WORKSPACE", str(tmp_path / "elsewhere"))
    assert Workspace("workspace/desk", tiny_data).root == tmp_path / "elsewhere" / "desk"


# --- settings of the run ------------------------------------------------------------------------------------------


def test_settings_are_noted_and_read_by_the_next_who_opens_it(tiny_data, tiny_folder, tmp_path, capsys):
    settings = RunSettings(mining=MiningSettings(per_query=2))
    Workspace(tmp_path / "space", tiny_data, tiny_folder, settings=settings)
    again = Workspace(tmp_path / "space", tiny_data, tiny_folder)
    assert again.settings == settings
    assert again.negatives().settings == MiningSettings(per_query=2)


def test_blank_articles_stay_out_at_the_second_opening_too(tiny_folder, tmp_path, capsys):
    data = beir_files(tmp_path / "data")
    with (data / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "blank", "text": "..."}\n')
    told = RunSettings(read=ReadSettings(drop_blank=True))
    assert len(Workspace(tmp_path / "space", data, tiny_folder, settings=told).dataset().corpus) == 24
    made(capsys)
    assert len(Workspace(tmp_path / "space", data, tiny_folder).dataset().corpus) == 24
    assert made(capsys) == []


def test_other_settings_make_a_stage_again_where_they_were_told(tiny_data, tiny_folder, tmp_path, capsys):
    space = tmp_path / "space"
    assert len(Workspace(space, tiny_data, tiny_folder).negatives().negatives["q00"]) == 2
    made(capsys)
    told = RunSettings(mining=MiningSettings(per_query=1))
    assert len(Workspace(space, tiny_data, tiny_folder, settings=told).negatives().negatives["q00"]) == 1
    assert made(capsys) == ["negatives"]


def test_a_trained_run_keeps_its_settings(finished, tiny_data, tiny_folder):
    before = tree(finished.root)
    other = RunSettings(mining=MiningSettings(per_query=1))
    with pytest.raises(
        DataError, match=r"other settings: mining.per_query 4 there and 1 here; pass the same, or another folder"
    ):
        Workspace(finished.root, tiny_data, tiny_folder, settings=other)
    assert tree(finished.root) == before


def test_queries_tuned_alone_are_searched_by_nobody_in_silence(tiny_data, tiny_folder, tmp_path):
    train = replace(TRAIN, train_documents=False, epochs=1.0)
    space = Workspace(tmp_path / "space", tiny_data, tiny_folder, settings=RunSettings(train=train, lora=LORA))
    assert space.need("model").is_dir()
    with pytest.raises(DataError, match="train_documents=False tunes queries only"):
        space.tuned_vectors()


def test_only_settings_that_a_stage_has(finished):
    with pytest.raises(ValueError, match="model has no settings 'lora': there are teaching"):
        finished.need("model", lora=LORA)


def test_a_run_that_is_asked_for_twice_is_made_once(finished, monkeypatch):
    calls = []
    search = type(finished.bm25()).search
    monkeypatch.setattr(type(finished.bm25()), "search", lambda *a, **k: calls.append(1) or search(*a, **k))
    assert (
        finished.run_of("bm25+tuned", "dev").keys()
        == finished.run_of("bm25", "dev").keys()
        == set(finished.dataset().qrels["dev"])
    )
    assert len(calls) == 1


# --- a matrix behind the model ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("float32")
@pytest.mark.parametrize(("sides", "teacher"), [("both", "late"), ("queries", "late"), ("both", "self")])
def test_a_teacher_puts_a_matrix_behind_the_model_and_all_that_stands_on_it_follows(copied, monkeypatch, sides, teacher):
    matrix = (np.eye(32) + np.random.default_rng(0).normal(0, 0.1, (32, 32))).astype(np.float32)
    liked = Distilled(matrix, [0.5, 0.6], 1, DistillSettings(sides=sides))
    monkeypatch.setattr("tutorial_lib.training.taught.distill", lambda *_: liked)
    shutil.rmtree(copied.root / "tuned_vectors")  # of bfloat16, where there are units for it
    plain, vectors = copied.tuned_encoder(), copied.tuned_vectors()
    copied.need("runs")
    before = records(copied)
    model = copied.need("model", teaching=TeacherSettings(teacher=teacher, taught_sides=sides))
    copied.need("runs")
    assert remade(copied, before) == ["model", "tuned_vectors", "fusion", "runs"]

    taught = copied.tuned_encoder()
    assert (taught.matrix is None, taught.query_matrix is None) == (sides == "queries", sides == "both")
    assert (taught.document_fingerprint == plain.fingerprint) == (sides == "queries")
    assert taught.fingerprint != plain.fingerprint
    assert np.array_equal(copied.tuned_vectors().documents, vectors.documents) == (sides == "queries")
    np.testing.assert_allclose(copied.tuned_vectors().documents, Vectors.of(copied.dataset(), taught).documents, atol=1e-6)
    theirs = SentenceTransformer(str(model), device="cpu")
    asked = list(copied.dataset().query_texts("test").values())
    np.testing.assert_allclose(theirs.encode_query(asked), copied.tuned_vectors().queries["test"], atol=1e-5)
    assert "Matrix: on the vectors of" in (model / "README.md").read_text()

    copied.need("model", teaching=TeacherSettings())
    assert copied.tuned_encoder().fingerprint == plain.fingerprint


def test_a_matrix_that_dev_does_not_like_leaves_the_model_as_it_was(copied, monkeypatch):
    monkeypatch.setattr("tutorial_lib.training.distill.rises", lambda before, after: False)
    before, runs = copied.tuned_encoder().fingerprint, copied.runs()
    model = copied.need("model", teaching=TeacherSettings(teacher="late"))
    assert copied.tuned_encoder().fingerprint == before
    assert copied.runs() == runs
    assert "Matrix: none, since dev" in (model / "README.md").read_text()
