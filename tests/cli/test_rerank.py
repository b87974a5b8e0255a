"""``python -m tutorial_lib rerank``: a cross-encoder for a finished run, and what it refuses."""

import pytest

from tests.training.cross_runs import SHORT
from tutorial_lib.cli import main
from tutorial_lib.cli.rerank import result_line
from tutorial_lib.models.cross_encoder import CrossEncoder
from tutorial_lib.training.cross_settings import CrossResult

OPTIONS = [part for name, value in SHORT.items() for part in (f"--{name.replace('_', '-')}", str(value))]


def test_a_finished_run_gets_a_cross_encoder_once(copied, capsys):
    command = ["rerank", "--out", str(copied.root), "--device", "cpu", *OPTIONS]
    assert main(command) == 0
    said = capsys.readouterr()
    assert "making reranker" in said.err
    assert f"ranked again: {'use it' if 'use it' in said.out else 'no clear rise'}" in said.out
    assert CrossEncoder.load(copied.root / "reranker").scores([("refund", "invoice")]).shape == (1,)
    assert main(command) == 0
    again = capsys.readouterr()
    assert (again.out, "making" in again.err) == (said.out, False)


@pytest.mark.parametrize(
    ("weight", "said"), [(0.3, "use it at a share of 0.3"), (0.0, "no clear rise, so the first ranking stays")]
)
def test_the_line_says_what_dev_found(tmp_path, weight, said):
    result = CrossResult([], [(0, 0.8), (2, 0.9)], [(0.3, 0.9), (1.0, 0.7)], weight, 2, 2, 12, 10, 1.5, 3, 7)
    assert result_line(result, tmp_path) == (
        f"dev nDCG@10 0.800 by the first ranking, 0.900 with its first 10 ranked again: {said}; {tmp_path}"
    )


def test_a_folder_without_a_run_is_refused_and_stays_as_it_was(tmp_path, capsys):
    assert main(["rerank", "--out", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'none'} holds no run: make one first")
    assert not list(tmp_path.iterdir())


def test_settings_that_cannot_be_are_refused(copied, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["rerank", "--out", str(copied.root), "--depth", "0"])
    assert ended.value.code == 2
    assert "depth is 0: pass at least 1" in capsys.readouterr().err
