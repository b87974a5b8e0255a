"""From articles to a live, verified version: what is encoded again, what a reader sees meanwhile, what a kill costs."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.milvus import HashEncoder, killed, on_milvus, opened, write_format_1
from tutorial_lib.data.dataset import DataError
from tutorial_lib.index import VectorIndex, VectorIndexError, reindex
from tutorial_lib.index.reindex import Changes
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.calibration import Calibration
from tutorial_lib.retrieval.dense import exact_search

DOCUMENTS = {f"a{n:03}": f"article number {n}" for n in range(60)} | {"quote'\"\\": "how to quote", "返金": "返金について"}
QUESTION = {"q": "how to quote"}
"""Its vector is that of the article with the same text."""


def found(index, encoder, queries=QUESTION, k=10):
    return {q: list(hits) for q, hits in index.search(queries, encoder, k=k).items()}


def exact(documents, encoder, queries=QUESTION, k=10):
    ids = sorted(documents)
    run = exact_search(
        list(queries),
        encoder.encode_queries(list(queries.values())),
        ids,
        encoder.encode_queries([documents[a] for a in ids]),
        k=k,
    )
    return {q: list(hits) for q, hits in run.items()}


def test_the_first_time_everything_is_embedded_and_goes_live(index, tmp_path):
    encoder = HashEncoder()
    done = reindex(index, DOCUMENTS, encoder, tmp_path / "work", queries=list(QUESTION.values()))
    assert str(done.changes) == "62 added, 0 changed, 0 removed, 0 kept"
    assert (done.embedded, done.version.number, done.version.live, done.verification.recall) == (62, 1, True, 1.0)
    assert encoder.encoded == list(DOCUMENTS.values())
    assert found(index, encoder) == exact(DOCUMENTS, encoder)
    assert found(index, encoder)["q"][0] == "quote'\"\\"
    assert not (tmp_path / "work").exists()


def test_the_same_again_embeds_and_writes_nothing(index, tmp_path, monkeypatch):
    first = reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work")
    for method in ("insert", "create", "note", "point", "drop"):
        monkeypatch.setattr(index.store, method, None)
    encoder = HashEncoder()
    shuffled = dict(sorted(DOCUMENTS.items(), key=lambda pair: pair[1]))
    done = reindex(index, shuffled, encoder, tmp_path / "work")
    assert str(done.changes) == "0 added, 0 changed, 0 removed, 62 kept"
    assert (done.version, done.embedded, done.verification, encoder.encoded) == (first.version, 0, None, [])


def test_only_new_and_changed_articles_are_embedded(index, tmp_path):
    reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work")
    now = {**DOCUMENTS, "a003": "rewritten", "new": "article number 9", "a004": DOCUMENTS["a005"]}
    del now["a007"], now["返金"]
    encoder = HashEncoder()
    done = reindex(index, now, encoder, tmp_path / "work")
    assert done.changes == Changes(added=("new",), changed=("a003", "a004"), removed=("a007", "返金"), kept=58)
    assert encoder.encoded == ["rewritten", DOCUMENTS["a005"], "article number 9"]
    assert (done.embedded, done.version.number, done.verification.recall) == (3, 2, 1.0)
    straight = VectorIndex(tmp_path / "straight.db")
    reindex(straight, now, HashEncoder(), tmp_path / "work")
    mended, whole = index.stored(index.live), straight.stored(straight.live)
    assert (mended.ids, mended.hashes) == (whole.ids, whole.hashes)
    np.testing.assert_array_equal(mended.vectors, whole.vectors)
    straight.close()
    assert index.rollback().number == 1
    assert found(index, encoder, {"q": "返金について"})["q"][0] == "返金"


def test_only_removals_embed_nothing(index, tmp_path):
    reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work")
    encoder = HashEncoder()
    done = reindex(index, {"a001": DOCUMENTS["a001"]}, encoder, tmp_path / "work")
    assert (str(done.changes), encoder.encoded) == ("0 added, 0 changed, 61 removed, 1 kept", [])
    assert found(index, encoder)["q"] == ["a001"]


def test_a_new_model_embeds_everything(index, tmp_path):
    reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work")
    encoder = HashEncoder("new")
    done = reindex(index, {**DOCUMENTS, "a000": "rewritten"}, encoder, tmp_path / "work")
    assert (str(done.changes), done.embedded) == ("0 added, 1 changed, 0 removed, 61 kept", 62)
    assert len(encoder.encoded) == 62
    assert found(index, encoder) == exact({**DOCUMENTS, "a000": "rewritten"}, encoder)
    with pytest.raises(VectorIndexError, match=r"holds vectors of new \(f-new\)"):
        index.search(QUESTION, HashEncoder())


def test_no_more_versions_are_kept_than_asked_for(index, tmp_path):
    for n in range(4):
        reindex(index, {**DOCUMENTS, "a000": str(n)}, HashEncoder(), tmp_path / "work", keep=2)
    assert [(v.number, v.live) for v in index.versions()] == [(3, False), (4, True)]


def test_a_version_that_fails_is_dropped_and_the_old_one_serves(index, tmp_path):
    reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work")
    with pytest.raises(VectorIndexError, match=r"version 2 is not switched to: recall 1\.000.*without their article: 'how"):
        reindex(index, DOCUMENTS, HashEncoder("new"), tmp_path / "work", smoke={"how to quote": "no such article"})
    assert [(v.number, v.live) for v in index.versions()] == [(1, True)]
    assert found(index, HashEncoder()) == exact(DOCUMENTS, HashEncoder())
    done = reindex(index, DOCUMENTS, HashEncoder("new"), tmp_path / "work", smoke={"how to quote": "quote'\"\\"})
    assert done.version.number == 2


def test_what_a_kill_before_the_pruning_has_left_goes_with_the_next_call(index, tmp_path, monkeypatch):
    for n in range(2):
        reindex(index, {**DOCUMENTS, "a000": str(n)}, HashEncoder(), tmp_path / "work")
    with monkeypatch.context() as patch:
        patch.setattr(index, "prune", lambda keep: [])
        reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work")
    assert [v.number for v in index.versions()] == [1, 2, 3]
    assert reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work").embedded == 0
    assert [v.number for v in index.versions()] == [2, 3]


def test_a_calibration_is_kept_until_another_is_given_and_costs_no_embedding(index, tmp_path):
    calibration = Calibration(slope=10, intercept=-8, queries=100, no_answer_share=0.5)
    reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work", calibration=calibration)
    assert reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work").version.number == 1
    assert reindex(index, {**DOCUMENTS, "new": "new"}, HashEncoder(), tmp_path / "work").version.calibration == calibration
    encoder, stricter = HashEncoder(), replace(calibration, intercept=-9.5)
    done = reindex(index, {**DOCUMENTS, "new": "new"}, encoder, tmp_path / "work", calibration=stricter)
    assert (done.version.number, done.version.calibration, encoder.encoded) == (3, stricter, [])
    assert reindex(index, DOCUMENTS, HashEncoder("new"), tmp_path / "work").version.calibration is None  # another model's


@on_milvus
def test_an_index_of_the_previous_format_is_embedded_anew(index, tmp_path):
    encoder = HashEncoder()
    ids = list(DOCUMENTS)
    write_format_1(index.store.client, "help_v1", ids, encoder.encode_queries(list(DOCUMENTS.values())), encoder)
    index.store.point("help", "help_v1")
    assert found(index, encoder) == exact(DOCUMENTS, encoder)
    done = reindex(index, DOCUMENTS, encoder, tmp_path / "work")
    assert (str(done.changes), len(encoder.encoded)) == ("62 added, 0 changed, 0 removed, 0 kept", 62)
    assert (done.version.number, done.version.format) == (2, 2)
    assert index.rollback().number == 1


# --- bad input ----------------------------------------------------------------------------------------------------


def test_no_article_is_refused_and_one_is_enough(index, tmp_path):
    with pytest.raises(DataError, match="there are no articles to index: pass at least one"):
        reindex(index, {}, HashEncoder(), tmp_path / "work")
    assert index.versions() == []
    reindex(index, {"only": "how to quote"}, HashEncoder(), tmp_path / "work", smoke={"how to quote": "only"})
    with pytest.raises(DataError, match="there are no articles"):
        reindex(index, {}, HashEncoder(), tmp_path / "work")
    assert found(index, HashEncoder())["q"] == ["only"]


def test_a_vector_with_nan_names_the_article_and_changes_nothing(index, tmp_path):
    reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work")

    class Broken(HashEncoder):
        def encode_documents(self, texts):
            vectors = super().encode_documents(texts)
            vectors[[t == "article number 41" for t in texts], 3] = np.nan
            return vectors

    with pytest.raises(DataError, match="'a041' holds NaN"):
        reindex(index, DOCUMENTS, Broken("broken"), tmp_path / "work")
    assert [(v.number, v.live) for v in index.versions()] == [(1, True)]


def test_an_article_of_200_000_characters_is_cut_like_any_long_text(index, tmp_path, tiny_folder):
    encoder = Encoder.load(tiny_folder)
    documents = {"long": "refund " * 30_000, "short": "cancel the invoice"}
    assert len(documents["long"]) > 200_000
    reindex(index, documents, encoder, tmp_path / "work", smoke={"cancel the invoice": "short"})
    cut = " ".join(["refund"] * (encoder.settings.max_length - 2))  # the window without [CLS] and [SEP]
    hits = index.search({"q": cut}, encoder)["q"]
    assert next(iter(hits)) == "long"
    assert hits["long"] == pytest.approx(1, abs=1e-3)


# --- zero downtime ------------------------------------------------------------------------------------------------


def wait_for(condition):
    while not condition():
        time.sleep(0.01)


def test_a_reader_never_fails_and_never_sees_two_models_mixed(index, tmp_path):
    old, new = HashEncoder("old"), HashEncoder("new")
    documents = {f"a{n:04}": f"article number {n}" for n in range(3000)}
    queries = {f"q{n}": f"question {n}" for n in range(4)}
    reindex(index, documents, old, tmp_path / "work")
    expected = {"old": exact(documents, old, queries), "new": exact(documents, new, queries)}
    answers, failures, stop = [], [], threading.Event()

    def read():
        while not stop.is_set():
            try:
                answers.append(found(index, [old, new], queries))
            except Exception as error:
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    wait_for(lambda: len(answers) >= 20 or failures)
    done = reindex(index, documents, new, tmp_path / "work", keep=1)  # and the old version is dropped underneath
    at_switch = len(answers)
    wait_for(lambda: len(answers) >= at_switch + 20 or failures)
    stop.set()
    reader.join()

    assert failures == []
    assert done.version.number == 2
    assert [v.number for v in index.versions()] == [2]
    kinds = [next((name for name, run in expected.items() if answer == run), "mixed") for answer in answers]
    print(f"{len(documents):,} articles: {len(failures)} searches failed, {dict(Counter(kinds))}")  # shown by pytest -s
    first_new = kinds.index("new")
    assert first_new >= 20
    assert kinds == ["old"] * first_new + ["new"] * (len(kinds) - first_new)


# --- kill -9 ------------------------------------------------------------------------------------------------------

KILL = """
import os, signal, sys
from tests.index.test_reindex import DOCUMENTS
from tests.milvus import HashEncoder, opened
from tutorial_lib.index import reindex

address, work, moment = sys.argv[1:]
index, encoder = opened(address, "help"), HashEncoder("new")

def kill_after(owner, method, calls):
    real = getattr(owner, method)
    def then_kill(*arguments, **options):
        result = real(*arguments, **options)
        kill_after.left -= 1
        if not kill_after.left:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    kill_after.left = calls
    setattr(owner, method, then_kill)

owner, method, calls = {"embed": (encoder, "encode_documents", 4), "insert": (index.store, "insert", 1),
                        "built": (index, "build", 1), "alias": (index.store, "point", 1)}[moment]
kill_after(owner, method, calls)
reindex(index, DOCUMENTS, encoder, work, shard_size=10)
"""


def test_a_killed_reindex_goes_on_where_it_was_and_ends_the_same(address, tmp_path):
    old, new = HashEncoder("old"), HashEncoder("new")
    changed = {**DOCUMENTS, "a000": "rewritten"}

    def state():
        index = opened(address, "help")
        seen = found(index, [old, new]), [(v.number, v.live) for v in index.versions()]
        index.close()
        return seen

    index = opened(address, "help")
    reindex(index, changed, old, tmp_path / "work")
    index.close()
    work = tmp_path / "work"
    before = exact(changed, old)

    killed(KILL, address, work, "embed")  # in the fourth of seven shards, before it is written
    assert state() == (before, [(1, True)])
    shards = {f.name: f.stat().st_mtime_ns for f in work.rglob("*.parquet")}
    assert len(shards) == 3
    killed(KILL, address, work, "insert")
    assert state() == (before, [(1, True)])
    later = {f.name: f.stat().st_mtime_ns for f in work.rglob("*.parquet")}
    assert len(later) == 7
    assert later.items() >= shards.items()  # none of the three was computed again
    killed(KILL, address, work, "built")
    assert state() == (before, [(1, True), (2, False)])
    killed(KILL, address, work, "alias")
    assert state() == (exact(DOCUMENTS, new), [(1, False), (2, True)])

    index, encoder = opened(address, "help"), HashEncoder("new")
    last = reindex(index, DOCUMENTS, encoder, work)
    assert (last.version.number, last.embedded, encoder.encoded) == (2, 0, [])
    assert not work.exists()
    resumed = index.stored(index.live)
    assert index.rollback().number == 1
    index.close()

    straight = VectorIndex(tmp_path / "straight.db")
    reindex(straight, DOCUMENTS, HashEncoder("new"), work)
    whole = straight.stored(straight.live)
    straight.close()
    assert (resumed.ids, resumed.hashes) == (whole.ids, whole.hashes)
    np.testing.assert_array_equal(resumed.vectors, whole.vectors)


# --- a matrix for queries alone -----------------------------------------------------------------------------------


@dataclass
class QueryMatrixEncoder(HashEncoder):
    """Its documents are the HashEncoder's, its queries are turned round."""

    @property
    def fingerprint(self):
        return "f-turned"

    @property
    def document_fingerprint(self):
        return f"f-{self.name}"

    def encode_queries(self, texts):
        return -super().encode_queries(texts)

    def encode_documents(self, texts):
        self.encoded += texts
        return HashEncoder.encode_queries(self, texts)


def test_a_matrix_for_queries_alone_writes_nothing_and_asks_with_it(index, tmp_path):
    reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work")
    turned = QueryMatrixEncoder()
    done = reindex(index, DOCUMENTS, turned, tmp_path / "work", queries=["how to quote"])
    assert (done.version.number, done.embedded, done.verification, turned.encoded) == (1, 0, None, [])
    ids = sorted(DOCUMENTS)
    vectors = HashEncoder().encode_documents([DOCUMENTS[a] for a in ids])
    assert found(index, turned) == {
        q: list(hits) for q, hits in exact_search(["q"], turned.encode_queries(["how to quote"]), ids, vectors, k=10).items()
    }
    assert found(index, turned) != found(index, HashEncoder())  # both may ask
    with pytest.raises(VectorIndexError, match="holds vectors of old"):
        index.search(QUESTION, QueryMatrixEncoder("new"))


def test_what_is_new_is_embedded_alone_whoever_asks(index, tmp_path):
    reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work")
    turned = QueryMatrixEncoder()
    done = reindex(index, {**DOCUMENTS, "new": "new"}, turned, tmp_path / "work", queries=["how to quote"])
    assert (done.embedded, turned.encoded) == (1, ["new"])


def test_a_calibration_is_of_the_queries_it_was_made_with(index, tmp_path):
    calibration = Calibration(slope=10, intercept=-8, queries=100, no_answer_share=0.5)
    reindex(index, DOCUMENTS, HashEncoder(), tmp_path / "work", calibration=calibration)
    turned = QueryMatrixEncoder()
    assert reindex(index, DOCUMENTS, turned, tmp_path / "work").version.number == 1  # it is kept, for those queries
    assert index.search(QUESTION, HashEncoder(), min_confidence=0.5)["q"]
    with pytest.raises(
        VectorIndexError, match=r"of the queries of old \(f-old\) are worth, not of those of old \(f-turned\)"
    ):
        index.search(QUESTION, turned, min_confidence=0.5)
    done = reindex(index, {**DOCUMENTS, "new": "new"}, turned, tmp_path / "work", queries=["how to quote"])
    assert done.version.calibration is None
    done = reindex(index, DOCUMENTS, turned, tmp_path / "work", queries=["how to quote"], calibration=calibration)
    assert (done.version.calibration, done.version.queries, turned.encoded) == (calibration, "f-turned", ["new"])
    index.search(QUESTION, turned, min_confidence=0.5)
