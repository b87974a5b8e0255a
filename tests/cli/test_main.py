"""The command line: what ``check`` prints, and that unusable input ends in one line and status 2."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.helpers import beir_folder, tree
from tests.tiny import beir_files, tiny_bert
from tutorial_lib.cli import main
from tutorial_lib.cli.main import _status
from tutorial_lib.run_settings import RunSettings, field_names
from tutorial_lib.workspace import Workspace

pytestmark = pytest.mark.usefixtures("at_home")

NOT_JSON = ['{"_id": "a", "text": "fine"}', '{"_id": "b", "text": ']


def test_an_unknown_folder(tmp_path, fails):
    assert "nothing is not a folder" in fails("check", "--data", tmp_path / "nothing")
    assert "nothing is not a folder" in fails("run", "--data", tmp_path / "nothing", "--out", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_no_dataset(tmp_path, fails):
    assert "corpus.jsonl is missing" in fails("check", "--data", tmp_path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"corpus": NOT_JSON}, "corpus.jsonl line 2: not JSON"),
        ({"queries": ['{"_id": "t1", "body": "x"}']}, 'queries.jsonl line 1: no "text" (keys: _id, body)'),
        (
            {"qrels": {"train": ["query-id\tcorpus-id\tscore", "t1\tnone\t1"]}},
            "line 2: article 'none' is not in corpus.jsonl",
        ),
        ({"qrels": {"train": None}}, "qrels/train.tsv is missing or empty"),
    ],
)
def test_a_broken_line_is_named_and_leaves_nothing(tmp_path, fails, changed, said):
    data, out = beir_folder(tmp_path / "data", **changed), tmp_path / "out"
    before = tree(data)
    assert said in fails("check", "--data", data)
    assert said in fails("run", "--data", data, "--out", out)
    assert tree(data) == before
    assert not out.exists()


def test_after_the_line_is_mended_the_same_command_goes_on(tmp_path, fails):
    data, out = beir_folder(tmp_path / "data", corpus=NOT_JSON), tmp_path / "out"
    fails("run", "--data", data, "--out", out)
    beir_folder(data)
    assert len(Workspace(out, data).dataset().corpus) == 6


def test_a_folder_with_the_run_of_another_dataset_or_model(tiny_data, tmp_path, fails):
    out, model = tmp_path / "out", tiny_bert(tmp_path / "model")
    Workspace(out, tiny_data)
    other = beir_files(tmp_path / "other")
    before = tree(out)
    assert f"holds a run of dataset {tiny_data}, not {other}" in fails("run", "--data", other, "--out", out)
    line = fails("run", "--data", tiny_data, "--out", out, "--model", model)
    assert f"holds a run of model all-MiniLM-L6-v2, not {model}" in line
    assert tree(out) == before


def test_a_folder_of_somebody_else(tiny_data, tmp_path, fails):
    (tmp_path / "cat.jpg").write_bytes(b"cat")
    assert "exists and is no workspace" in fails("run", "--data", tiny_data, "--out", tmp_path)
    assert tree(tmp_path) == {"cat.jpg": b"cat"}


@pytest.mark.parametrize(
    "arguments", [["train"], ["run"], ["check", "--out", "x"], ["run", "--out", "x", "--batch-size", "a"]]
)
def test_wrong_options_end_with_status_2_and_name_the_verb(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert f"python -m tutorial_lib {arguments[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "said"), [([], "no verb was given"), (["finetune"], "there is no verb 'finetune'")])
def test_no_such_verb_lists_those_there_are(arguments, said, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", f"error: {said}")
    assert all(f"  {verb} " in err for verb in ("run", "check", "train"))


def test_help_goes_to_stdout(capsys):
    assert main(["--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: python -m tutorial_lib VERB")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--temperature", "-1"), "temperature is -1"),
        (("--learning-rate", "nan"), "learning_rate is nan"),
        (("--batch-size", "1"), "batch_size is 1: pass at least 2"),
        (("--matryoshka", "8", "0"), "matryoshka"),
        (("--warmup", "1.5"), "warmup is 1.5"),
        (("--strengths", "2"), "strengths"),
        (("--rank", "0"), "rank is 0"),
        (("--range-min", "0"), "BM25 ranks 0 to 50"),
        (("--per-query", "0"), "per_query is 0"),
        (("--min-dwell", "-1"), "min_dwell"),
        (("--dev-from", "2026-01-01"), "test_from"),
        (("--seed", "4294967296"), "seed is 4294967296: pass at least 0 and at most 4294967295"),
        (("--batch-size", str(10**20)), "batch_size is 100000000000000000000"),
        (("--query-prompt", "\udcff"), "query_prompt is"),
        (("--max-bm25-share", "nan"), "max_bm25_share is nan"),
    ],
)
@pytest.mark.parametrize("verb", ["run", "train"])
def test_a_setting_that_cannot_be_is_refused_before_anything_is_read(verb, option, said, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main([verb, "--data", str(tmp_path / "none"), "--out", str(tmp_path / "out"), *option])
    assert ended.value.code == 2
    assert said in re.sub(r"[│\s]+", " ", capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def every_option(kind):
    return ["--" + name.replace("_", "-") for name in field_names(kind)]


@pytest.mark.parametrize("verb", ["run", "train"])
def test_every_setting_of_every_stage_is_an_option_with_its_meaning(verb, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    shown = re.sub(r"[│ \n]+", " ", capsys.readouterr().out)
    for option in every_option(RunSettings):
        assert re.search(rf"{option}[ ,\]]", shown), option
    assert "Cosines are divided by this before the softmax" in shown


def test_a_process_ends_with_the_status_and_no_traceback(tmp_path):
    command = [sys.executable, "-m", "tutorial_lib", "check", "--data", str(tmp_path / "nothing")]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "fields", "status", "said"),
    [
        (
            "DeadKernelError",
            {},
            1,
            "error: a notebook's process was killed, most likely because memory ran out (dmesg tells)",
        ),
        ("PapermillExecutionError", {"ename": "ModelError", "evalue": "no weights"}, 2, "error: no weights"),
        ("PapermillExecutionError", {"ename": "OSError", "evalue": "disk full"}, 1, "error: disk full — nothing half-made"),
        ("PapermillExecutionError", {"ename": "KeyError", "evalue": "x"}, 1, "error: a cell failed; read it at the end of"),
    ],
)
def test_what_ends_a_notebook_is_told_with_what_to_do(name, fields, status, said, capsys):
    def run():
        raise type(name, (Exception,), fields)("the kernel's lines")

    assert _status(run) == status
    assert capsys.readouterr().err.startswith(said)


def test_a_fault_of_this_package_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        _status(lambda: 1 // 0)


def test_sigterm_ends_as_ctrl_c_does_with_a_line_and_status_143(capsys):
    cleaned = []

    def run():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        finally:
            cleaned.append(True)

    before = signal.getsignal(signal.SIGTERM)
    assert _status(run) == 143
    assert cleaned == [True]
    assert capsys.readouterr().err == "terminated: the same command goes on where this one stopped\n"
    assert signal.getsignal(signal.SIGTERM) is before
