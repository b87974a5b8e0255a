import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from fsspec.implementations.local import LocalFileSystem

from tests.helpers import tree
from tutorial_lib.data.dataset import DataError
from tutorial_lib.index import embed_corpus, read_shards, text_hash
from tutorial_lib.index.shard_files import read_manifest
from tutorial_lib.index.shards import embed_shard

DOCUMENTS = {f"help/{n}": f"{n} {n % 7} words" for n in range(23)}
"""The vector of an article is the two numbers its text begins with."""


@dataclass
class NumberEncoder:
    """Reads the vector from the text and notes which texts it was asked for; stops for ever at one text, if told so."""

    fingerprint: str = "f-numbers"
    name: str = "numbers"
    dimension: int = 2
    stop_at: str = ""
    asked: list[str] = field(default_factory=list)

    def encode_documents(self, texts):
        self.asked += texts
        while self.stop_at in texts:
            time.sleep(1)
        return np.array([[float(x) for x in text.split()[:2]] for text in texts], dtype=np.float32).reshape(-1, 2)


def files(folder):
    """What a finished folder holds, without its lock."""
    return {name: content for name, content in tree(Path(folder)).items() if name != ".lock"}


@pytest.fixture
def straight(tmp_path):
    """Five shards of at most five articles, made without interruption."""
    embed_corpus(DOCUMENTS, NumberEncoder(), tmp_path / "straight", shard_size=5)
    return tmp_path / "straight"


def test_what_goes_in_comes_out(straight):
    embedded = read_shards(straight)
    assert embedded.ids == list(DOCUMENTS)
    assert embedded.hashes == [text_hash(t) for t in DOCUMENTS.values()]
    assert embedded.vectors.dtype == np.float32
    assert embedded.vectors.tolist() == [[n, n % 7] for n in range(23)]
    manifest = read_manifest(straight)
    assert (manifest.fingerprint, manifest.encoder, manifest.dimension, manifest.documents) == ("f-numbers", "numbers", 2, 23)
    assert [s.rows for s in manifest.shards] == [5, 5, 5, 5, 3]
    assert len(files(straight)) == 6


def test_pairs_from_an_iterator_give_the_same_files(straight, tmp_path):
    embed_corpus(iter(DOCUMENTS.items()), NumberEncoder(), tmp_path / "streamed", shard_size=5)
    assert files(tmp_path / "streamed") == files(straight)


@pytest.mark.parametrize("count", [0, 1])
def test_a_corpus_of_no_or_one_article(tmp_path, count):
    documents = dict(list(DOCUMENTS.items())[:count])
    assert embed_corpus(documents, NumberEncoder(), tmp_path).documents == count
    embedded = read_shards(tmp_path)
    assert (embedded.ids, embedded.vectors.shape) == (list(documents), (count, 2))


def test_a_second_run_encodes_nothing_and_a_changed_article_its_own_shard(straight):
    before, encoder = files(straight), NumberEncoder()
    embed_corpus(DOCUMENTS, encoder, straight, shard_size=5)
    assert encoder.asked == []
    assert files(straight) == before
    embed_corpus({**DOCUMENTS, "help/7": "70 0"}, encoder, straight, shard_size=5)
    assert encoder.asked == ["5 5 words", "6 6 words", "70 0", "8 1 words", "9 2 words"]
    assert len(files(straight)) == 6  # the shard with the old text is gone
    assert read_shards(straight).vectors[7].tolist() == [70, 0]


def test_another_encoder_encodes_everything(straight):
    other = NumberEncoder("f-other")
    assert embed_corpus(DOCUMENTS, other, straight, shard_size=5).fingerprint == "f-other"
    assert len(other.asked) == 23


def test_shards_of_an_old_corpus_stay_until_the_new_manifest_is_written(straight):
    changed = {a: f"{t} more" for a, t in DOCUMENTS.items()}
    changed["help/20"] = "nan 0"
    with pytest.raises(DataError, match=r"vector of article 'help/20' holds NaN or infinity \(1 such"):
        embed_corpus(changed, NumberEncoder(), straight, shard_size=5)
    assert read_shards(straight).hashes == [text_hash(t) for t in DOCUMENTS.values()]


# --- interruption -------------------------------------------------------------------------------------------------


def test_kill_9_and_a_second_process(straight, tmp_path):
    folder = tmp_path / "killed"
    script = (
        "import sys; from tests.index.test_shards import DOCUMENTS, NumberEncoder, embed_corpus\n"
        "embed_corpus(DOCUMENTS, NumberEncoder(stop_at='17 3 words'), sys.argv[1], shard_size=5)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(folder)], cwd=Path(__file__).parents[2])
    try:
        while len(list(folder.glob("*.parquet"))) < 3:
            assert process.poll() is None
            time.sleep(0.05)
        with pytest.raises(DataError, match=r"another process is embedding into .*killed: wait"):
            embed_corpus(DOCUMENTS, NumberEncoder(), folder, shard_size=5)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    with pytest.raises(DataError, match=r"holds no manifest\.json: embedding has not finished"):
        read_shards(folder)
    encoder = NumberEncoder()
    embed_corpus(DOCUMENTS, encoder, folder, shard_size=5)
    assert encoder.asked == list(DOCUMENTS.values())[15:]
    assert files(folder) == files(straight)


class Killed(BaseException):
    """Nothing handles it, as nothing handles SIGKILL."""


def test_death_at_any_step_of_writing(straight, tmp_path, monkeypatch):
    """The process dies at the first, second, … change it makes to a file; a file being written is left half done."""

    def dying(change, is_write):
        def step(fs, path, *rest, **options):
            left.pop() if left else die(fs, path, *rest)
            return change(fs, path, *rest, **options)

        def die(fs, path, *rest):
            if is_write:
                pipe_file(fs, path, rest[0][: len(rest[0]) // 2])
            raise Killed

        return step

    pipe_file = LocalFileSystem.pipe_file
    stale, deaths = {a: f"{t} before" for a, t in DOCUMENTS.items()}, 0
    while True:
        folder, left = tmp_path / str(deaths), [None] * deaths
        embed_corpus(stale, NumberEncoder(), folder, shard_size=5)
        with monkeypatch.context() as patch:
            for name in ("pipe_file", "mv", "rm_file"):
                patch.setattr(LocalFileSystem, name, dying(getattr(LocalFileSystem, name), name == "pipe_file"))
            try:
                embed_corpus(DOCUMENTS, NumberEncoder(), folder, shard_size=5)
                break
            except Killed:
                deaths += 1
        assert read_shards(folder).hashes[0] in {text_hash(stale["help/0"]), text_hash(DOCUMENTS["help/0"])}
        embed_corpus(DOCUMENTS, NumberEncoder(), folder, shard_size=5)
        assert files(folder) == files(straight)
    assert deaths == 5 * 2 + 2 + 5  # five shards and a manifest written and renamed, five stale shards removed


# --- damage -------------------------------------------------------------------------------------------------------


def test_a_damaged_or_missing_shard_is_named_and_only_it_is_made_again(straight):
    before = files(straight)
    second, third = (straight / s.file for s in read_manifest(straight).shards[1:3])
    content = bytearray(second.read_bytes())
    content[content.index(np.float32(8).tobytes())] ^= 1
    second.write_bytes(content)
    with pytest.raises(DataError, match=f"{second.name} is damaged: embed the corpus again"):
        read_shards(straight)
    third.unlink()
    encoder = NumberEncoder()
    embed_corpus(DOCUMENTS, encoder, straight, shard_size=5)
    assert encoder.asked == list(DOCUMENTS.values())[5:15]
    assert files(straight) == before


def test_no_changed_byte_changes_what_is_read(tmp_path):
    shard = embed_shard(["a", "b"], ["1 2", "3 4"], NumberEncoder(), tmp_path)
    path = tmp_path / shard.file
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        embed_corpus({"a": "1 2", "b": "3 4"}, NumberEncoder(), tmp_path)
        embedded = read_shards(tmp_path)
        assert (embedded.ids, embedded.hashes) == (["a", "b"], [text_hash("1 2"), text_hash("3 4")])
        assert embedded.vectors.tolist() == [[1, 2], [3, 4]]


# --- bad input ----------------------------------------------------------------------------------------------------


def test_an_id_used_twice_is_named_with_both_places(tmp_path):
    with pytest.raises(DataError, match="article id 'b' is used twice, by articles number 2 and 4"):
        embed_corpus([("a", "1 1"), ("b", "1 2"), ("c", "1 3"), ("b", "1 4")], NumberEncoder(), tmp_path)
    assert files(tmp_path) == {}


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((7, "1 1"), "the id of article number 2 is 7: pass a string"),
        (("b", None), "the text of article 'b' is NoneType: pass a string"),
    ],
)
def test_ids_and_texts_are_strings(tmp_path, pair, message):
    with pytest.raises(DataError, match=message):
        embed_corpus([("a", "1 1"), pair], NumberEncoder(), tmp_path)


def test_a_shard_holds_at_least_one_article(tmp_path):
    with pytest.raises(ValueError, match="shard_size is 0: pass at least 1"):
        embed_corpus(DOCUMENTS, NumberEncoder(), tmp_path, shard_size=0)


def test_a_url_is_as_good_as_a_path(straight, tmp_path):
    embed_corpus(DOCUMENTS, NumberEncoder(), "memory://corpus/vectors", shard_size=5)
    assert read_shards("memory://corpus/vectors").ids == list(DOCUMENTS)
    embed_corpus(DOCUMENTS, NumberEncoder(), (tmp_path / "url").as_uri(), shard_size=5)
    assert files(tmp_path / "url") == files(straight)
    assert read_manifest("memory://corpus/vectors") == read_manifest(straight)


# --- the real encoder -----------------------------------------------------------------------------------------------


def test_a_text_of_200_000_characters(tmp_path, tiny_folder):
    from tutorial_lib.models.encoder import Encoder

    encoder = Encoder.load(tiny_folder)
    long = "refund " * 28_572
    embed_corpus({"long": long, "short": "refund"}, encoder, tmp_path)
    assert np.array_equal(read_shards(tmp_path).vectors, encoder.encode_documents([long, "refund"]))
