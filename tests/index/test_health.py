"""Damage on disk: what is noticed, by whom, and that reindexing mends it. Each article's vector is drawn from its text."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.milvus import HashEncoder, opened
from tutorial_lib.index import VectorIndexError, reindex
from tutorial_lib.index.health import fault
from tutorial_lib.index.store import Damaged

DOCUMENTS = {f"a{n:02}": f"article number {n}" for n in range(40)}
ENCODER = HashEncoder()
QUESTION = {"q": "article number 7"}


def made(address, work, *versions):
    index = opened(address)
    for documents in versions or (DOCUMENTS,):
        reindex(index, documents, ENCODER, work)
    index.close()


def flip(path, at, bit=6):
    """Turn one bit of byte number ``at``, or of the first byte of ``at``."""
    data = bytearray(path.read_bytes())
    data[data.index(at) if isinstance(at, bytes) else at] ^= 1 << bit
    path.write_bytes(data)


def the(address, pattern):
    return next(Path(address.removeprefix("flat:")).glob(pattern))


def lose_rows(address):
    the(address, "collections/articles_v1/partitions/*/data/*.parquet").unlink()


def lose_the_list_of_files(address):
    flip(the(address, "collections/articles_v1/manifest.json"), b"data_files", 2)


def lose_the_metric(address):
    flip(the(address, "collections/articles_v1/manifest.json"), b'"vector"', 4)


def change_a_searched_vector(address):
    """The highest byte of the last number of the last article: its exponent."""
    path = the(address, "collections/articles_v1/partitions/*/indexes/*.idx")
    flip(path, path.stat().st_size - 1)


def change_the_search_files_head(address):
    flip(the(address, "collections/articles_v1/partitions/*/indexes/*.idx"), b"descr", 1)


def change_an_id(address):
    flip(the(address, "collections/articles_v1/partitions/*/data/*.parquet"), b"a00", 0)


def lose_a_field(address):
    flip(the(address, "collections/articles_v1/schema.json"), b"text_hash", 0)


def change_a_vector(address):
    flip(the(address, "articles_v1/*.float32"), 3)


def change_an_id_of_the_flat_store(address):
    flip(the(address, "articles_v1/*.jsonl"), b"a00", 0)


def lose_the_vectors(address):
    the(address, "articles_v1/*.float32").unlink()


MILVUS = [lose_rows, lose_the_list_of_files, lose_the_metric, change_a_searched_vector]
MILVUS += [change_the_search_files_head, change_an_id, lose_a_field]
FLAT = [change_a_vector, change_an_id_of_the_flat_store, lose_the_vectors]
PLACES = [("file", damage) for damage in MILVUS] + [("flat", damage) for damage in FLAT]


@pytest.mark.parametrize(("address", "damage"), PLACES, indirect=["address"])
def test_a_damaged_version_is_noticed_and_built_anew(address, damage, tmp_path, caplog):
    made(address, tmp_path / "work")
    damage(address)
    index, encoder = opened(address), HashEncoder()
    assert index.fault(index.live)
    done = reindex(index, DOCUMENTS, encoder, tmp_path / "work")
    assert (str(done.changes), done.embedded, len(encoder.encoded)) == ("40 added, 0 changed, 0 removed, 0 kept", 40, 40)
    assert done.damage
    assert "version 1 of 'articles' was damaged and has been built anew" in caplog.text
    assert [(v.number, v.live) for v in index.versions()] == [(2, True)]
    assert index.search(QUESTION, encoder, k=1)["q"] == {"a07": pytest.approx(1.0, abs=1e-5)}
    assert index.fault(index.live) is None
    again = reindex(index, DOCUMENTS, encoder, tmp_path / "work")
    assert (again.version.number, again.damage, again.embedded) == (2, None, 0)
    index.close()


@pytest.mark.parametrize(("address", "damage"), [("file", lose_rows), ("flat", change_a_vector)], indirect=["address"])
def test_of_a_damaged_version_no_vector_is_used_for_the_next(address, damage, tmp_path):
    made(address, tmp_path / "work")
    damage(address)
    index, encoder = opened(address), HashEncoder()
    done = reindex(index, {**DOCUMENTS, "new": "article number 99"}, encoder, tmp_path / "work")
    assert (len(encoder.encoded), bool(done.damage), done.verification.recall) == (41, True, 1.0)
    index.close()


@pytest.mark.parametrize(
    ("address", "damage", "what"),
    [
        ("file", lose_rows, "version 1 of 'articles' is damaged, it holds 0 rows of 40: reindex, which builds it anew"),
        ("file", lose_the_list_of_files, "version 1 of 'articles' is damaged, it holds 0 rows of 40: reindex"),
        ("flat", change_a_vector, "is damaged: reindex, which builds it anew"),
    ],
    indirect=["address"],
)
def test_a_search_of_a_damaged_version_says_so(address, damage, what, tmp_path):
    made(address, tmp_path / "work")
    damage(address)
    index = opened(address)
    with pytest.raises(VectorIndexError, match=what):
        index.search(QUESTION, ENCODER)
    index.close()


@pytest.mark.parametrize(("address", "damage"), [("file", lose_the_metric)], indirect=["address"])
def test_a_version_with_other_scores_is_not_verified(address, damage, tmp_path):
    made(address, tmp_path / "work")
    damage(address)
    index = opened(address)
    vectors = ENCODER.encode_queries(list(DOCUMENTS.values()))
    found = index.verify(index.live, list(DOCUMENTS), vectors, 2 * vectors[:5])  # a cosine does not grow with the query
    assert (found.recall, found.passed) == (0.0, False)
    index.close()


@pytest.mark.parametrize(("address", "damage"), [("file", lose_rows), ("flat", change_a_vector)], indirect=["address"])
def test_rollback_passes_a_damaged_version_over(address, damage, tmp_path):
    index = opened(address)
    for n in range(3):
        reindex(index, {**DOCUMENTS, "a00": str(n)}, ENCODER, tmp_path / "work", keep=3)
    index.rollback()
    assert index.live.number == 2
    index.close()
    damage(address)
    index = opened(address)
    with pytest.raises(VectorIndexError, match=r"nothing to roll back to: .*damaged"):
        index.rollback()
    assert index.live.number == 2
    index.close()


@pytest.mark.parametrize("address", ["file", "flat"], indirect=True)
@pytest.mark.parametrize(("old", "new"), [(b"f-old", b"f-ole"), (b"{", b"["), (b"fingerprint", b"fingerprind")])
def test_a_damaged_note_is_told_with_what_to_do_which_mends_it(address, old, new, tmp_path):
    made(address, tmp_path / "work")
    path = the(address, "*articles_v1/record.json" if address.startswith("flat") else "collections/articles_v1/schema.json")
    data = path.read_bytes()
    path.write_bytes(data.replace(old, new, 1))
    index = opened(address)
    with pytest.raises(Damaged, match=r"damaged.*(drop it with index\.store\.drop|delete the folder).*reindex") as error:
        index.live  # noqa: B018
    if address.startswith("flat"):
        shutil.rmtree(path.parent)
    else:
        index.store.drop(re.search(r"drop\('(\w+)'\)", str(error.value))[1])
    done = reindex(index, DOCUMENTS, ENCODER, tmp_path / "work")
    assert (done.version.live, done.embedded, index.fault(done.version)) == (True, 40, None)
    index.close()


def test_a_damaged_alias_is_told_with_what_to_do(tmp_path):
    made(f"flat:{tmp_path}", tmp_path / "work")
    (tmp_path / "articles.alias.json").write_text('"articles')
    with pytest.raises(Damaged, match=r"articles\.alias\.json is damaged .*: delete it, then reindex"):
        opened(f"flat:{tmp_path}").search(QUESTION, ENCODER)


def test_of_a_large_version_a_sample_is_searched_for(tmp_path, monkeypatch):
    """Above ``WHOLE`` rows: here above 10, and 5 from each of four places."""
    monkeypatch.setattr("tutorial_lib.index.health.WHOLE", 10)
    monkeypatch.setattr("tutorial_lib.index.health.SAMPLE", 5)
    made(f"flat:{tmp_path}", tmp_path / "work")
    index = opened(f"flat:{tmp_path}")
    assert fault(index.store, index.live) is None
    monkeypatch.setattr(index.store, "search", lambda collection, vectors, k, params: [{"a00": 0.5}] * len(vectors))
    assert "it does not find 5 of 5 documents by their own vectors" in fault(index.store, index.live)


def test_a_server_that_is_away_is_no_damage(tmp_path, monkeypatch):
    made(f"flat:{tmp_path}", tmp_path / "work")
    index = opened(f"flat:{tmp_path}")

    def away(collection):
        raise VectorIndexError("no server answers")

    monkeypatch.setattr(index.store, "count", away)
    assert fault(index.store, index.live) == "no server answers"  # a file that cannot be read is as good as damaged
    monkeypatch.setattr(type(index.store), "shared", True)
    with pytest.raises(VectorIndexError, match="no server answers"):
        fault(index.store, index.live)


def test_a_number_that_is_none_is_no_right_score(tmp_path, monkeypatch):
    made(f"flat:{tmp_path}", tmp_path / "work")
    index = opened(f"flat:{tmp_path}")
    monkeypatch.setattr(index.store, "search", lambda *arguments: [dict.fromkeys(DOCUMENTS, np.nan)])
    assert "it gives 40 documents another score than their vectors do ('a00' first)" in fault(index.store, index.live)
