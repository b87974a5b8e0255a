import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.index.test_article_files import ROWS, jsonl, parquet
from tests.tiny import tiny_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.index import embed_corpus, read_shards
from tutorial_lib.index.ray_workers import _LOCAL, embed_with_ray, start_ray
from tutorial_lib.models.encoder import Encoder

os.environ.update(_LOCAL)  # which Ray reads as it is imported
import ray


def files(folder):
    return {p.name: p.read_bytes() for p in Path(folder).iterdir() if p.name != ".lock"}


@pytest.fixture(scope="module")
def straight(tmp_path_factory, tiny_folder):
    """What one process without Ray makes of the 24 articles, five a shard."""
    folder = tmp_path_factory.mktemp("straight")
    embed_corpus(tiny_dataset().document_texts(), Encoder.load(tiny_folder), folder, shard_size=5)
    return folder


# --- with Ray -------------------------------------------------------------------------------------------------------


def test_a_node_that_does_not_report_is_started_again(monkeypatch, caplog):
    """Ray's own words for it, and its own class of error."""
    fails, asked = [Exception("The current node timed out during startup."), None], []

    def init(**arguments):
        asked.append(arguments)
        if error := fails.pop(0):
            raise error

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    start_ray(2)
    assert len(asked) == 2 and asked[0] == asked[1] and asked[0]["num_cpus"] == 2
    assert "timed out during startup.); attempt 2 of 3 follows" in caplog.text
    fails[:] = [Exception("The current node timed out during startup.")] * 3
    with pytest.raises(RuntimeError, match=r"did not start in 3 attempts \(The current node timed out.*raylet\.err"):
        start_ray()
    assert len(asked) == 5
    fails[:] = [ValueError("num_cpus")]
    with pytest.raises(ValueError, match="num_cpus"):
        start_ray(-1)
    assert len(asked) == 6


def test_one_worker_writes_the_bytes_of_a_single_process(straight, tmp_path, tiny_folder):
    assert not ray.is_initialized()
    source = jsonl(tmp_path / "corpus.jsonl", ROWS)
    manifest = embed_with_ray(source, str(tiny_folder), str(tmp_path / "out"), workers=1, shard_size=5)
    assert files(tmp_path / "out") == files(straight)
    assert [s.rows for s in manifest.shards] == [5, 5, 5, 5, 4]
    assert not ray.is_initialized()


@pytest.fixture(scope="module")
def own_ray():
    """A Ray that the caller has started: it is used, and goes on running."""
    start_ray(2)
    yield
    assert ray.is_initialized()
    ray.shutdown()


def test_two_workers_go_on_and_read_parquet_and_urls(straight, tmp_path, tiny_folder, own_ray):
    """The second of five shards lies in both files; two shards are there already."""
    sources = [jsonl(tmp_path / "first.jsonl", ROWS[:8]), (tmp_path / "second.parquet").as_uri()]
    parquet(tmp_path / "second.parquet", ROWS[8:])
    out = tmp_path / "out"
    out.mkdir()
    for name in [name for name in sorted(files(straight)) if name.endswith(".parquet")][:2]:
        (out / name).write_bytes((straight / name).read_bytes())
    there = {p.name: p.stat().st_mtime_ns for p in out.iterdir()}
    embed_with_ray(sources, str(tiny_folder), out.as_uri(), workers=2, shard_size=5)
    assert files(out) == files(straight)
    assert {name: (out / name).stat().st_mtime_ns for name in there} == there


def test_kill_9(straight, tmp_path, tiny_folder, own_ray):
    """The process that Ray answers to is killed once the first shard is there, and its workers with it."""
    source, out = jsonl(tmp_path / "corpus.jsonl", ROWS), tmp_path / "out"
    script = (
        "import sys; from tutorial_lib.index.ray_workers import embed_with_ray\n"
        "embed_with_ray(*sys.argv[1:], workers=1, shard_size=5)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, source, str(tiny_folder), str(out)], cwd=Path(__file__).parents[2]
    )
    while not list(out.glob("*.parquet")):
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    embed_with_ray(source, str(tiny_folder), str(out), workers=1, shard_size=5)
    assert files(out) == files(straight)


def test_an_error_in_a_worker_comes_back_in_plain_words(tmp_path, tiny_folder, own_ray):
    broken = tmp_path / "model"
    broken.mkdir()
    (broken / "config.json").write_bytes((tiny_folder / "config.json").read_bytes())
    with pytest.raises(DataError, match="model cannot be loaded as an encoder"):
        embed_with_ray(jsonl(tmp_path / "corpus.jsonl", ROWS), str(broken), str(tmp_path / "out"), workers=1)
    with pytest.raises(DataError, match=r"holds no manifest\.json"):
        read_shards(tmp_path / "out")


def test_without_ray_the_extra_is_named(tmp_path, tiny_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r'pip install "tutorial-lib\[scale\]", or use tutorial_lib\.index\.embed_corpus'):
        embed_with_ray(jsonl(tmp_path / "corpus.jsonl", ROWS), str(tiny_folder), str(tmp_path / "out"))


# --- what cannot be used ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        (
            "c.jsonl",
            ['{"_id": "a", "text": "b"}', '{"id": "b", "text": "c"}'],
            r'c.jsonl line 2: no "_id" \(found: id, text\)',
        ),
        ("c.jsonl", ['{"_id": "a", "body": "b"}'], r"c.jsonl line 1: none of the text columns \['title', 'text'\] \("),
        ("c.jsonl", ['{"_id": "a", "text": ["b"]}'], r'c.jsonl line 1: "text" is list'),
        ("c.jsonl", ['{"_id": " ", "text": "b"}'], r'c.jsonl line 1: "_id" is \' \': pass a string'),
        ("c.jsonl", ['{"_id": "a"'], r"c.jsonl line 1: not JSON"),
        ("c.jsonl", ["[1]"], r"c.jsonl line 1: found a JSON list"),
        ("c.jsonl", ['{"_id": "a", "text": "b"}'] * 2, r"id 'a' is used twice, by articles number 1 and 2"),
        ("c.jsonl", [], r"c.jsonl holds no article"),
        ("c.parquet", ["no Parquet"], r"c.parquet cannot be read as Parquet"),
        ("c.csv", ["_id,text"], r"c.csv is of no kind that can be read in parts: pass .jsonl or .parquet"),
    ],
)
def test_the_first_fault_is_named_before_anything_is_started(tmp_path, name, lines, message):
    (tmp_path / name).write_text("".join(line + "\n" for line in lines))
    with pytest.raises(DataError, match=message):
        embed_with_ray(str(tmp_path / name), "no model", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "a", "text": "b"}, r'c.parquet: no "_id" \(found: id, text\): name the column of the ids with id_column'),
        ({"_id": "a", "body": "b"}, r"c.parquet: none of the text columns \['title', 'text'\] \(found: _id, body\)"),
        ({"_id": None, "text": "b"}, r'c.parquet row 1: "_id" is None'),
    ],
)
def test_faults_of_a_parquet_file(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        embed_with_ray(parquet(tmp_path / "c.parquet", [row]), "no model", str(tmp_path / "out"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.jsonl: no such file"):
        embed_with_ray(str(tmp_path / "nothing.jsonl"), "no model", str(tmp_path / "out"))


def test_an_id_in_two_files_is_used_twice(tmp_path):
    sources = [jsonl(tmp_path / "a.jsonl", ROWS[:3]), parquet(tmp_path / "b.parquet", ROWS[2:5])]
    with pytest.raises(DataError, match="article id 'a02' is used twice, by articles number 3 and 4"):
        embed_with_ray(sources, "no model", str(tmp_path / "out"))
