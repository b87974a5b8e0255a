"""What the course takes, chapter by chapter."""

import subprocess
import sys

import psutil
import pytest

from benchmarks import course
from benchmarks.course import Chapters, held_mb, run_of


def test_seconds_and_peak_belong_to_the_chapter_that_runs(capsys, monkeypatch):
    clock = iter([0.0, 2.0, 5.0, 9.0])
    monkeypatch.setattr(course.time, "monotonic", lambda: next(clock))
    chapters = Chapters()
    chapters.saw(100.2)

    def lines():
        yield "01_collect_pairs …\n"
        chapters.saw(300)
        chapters.saw(200)
        yield "01_collect_pairs: 3 s\n"
        yield "02_measure_the_baseline …\n"
        chapters.saw(250)

    chapters.follow(lines())
    assert chapters.record() == {
        "before": {"seconds": 2, "peak_mb": 100},
        "01_collect_pairs": {"seconds": 3, "peak_mb": 300},
        "02_measure_the_baseline": {"seconds": 4, "peak_mb": 250},
    }
    assert capsys.readouterr().out.startswith("01_collect_pairs …\n01_collect_pairs: 3 s\n")


def test_children_count_and_what_has_ended_does_not():
    holds = "import sys; block = bytes(bytearray([1]) * 200_000_000); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert held_mb(psutil.Process()) > held_mb(psutil.Process(child.pid)) > 190
        child.stdin.close()
        child.wait()
        assert held_mb(psutil.Process()) > 0


def test_a_run_that_fails_gives_no_figures(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        run_of(tmp_path / "run", str(tmp_path / "nothing"))
