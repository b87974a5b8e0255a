"""What ``serve`` reads of a run: its models as the chapters use them, its documents, its index."""

from dataclasses import replace

import pytest

from tests.helpers import tree
from tests.milvus import HashEncoder
from tutorial_lib.cli import served_run
from tutorial_lib.cli.served_run import ServedRun, check_index, open_index
from tutorial_lib.data.beir import write_beir
from tutorial_lib.data.dataset import DataError, Document
from tutorial_lib.index import FlatStore, VectorIndex, reindex
from tutorial_lib.monitoring.lineage import KEPT_BACK, SHIPPED, Generation, Line

pytestmark = pytest.mark.usefixtures("at_home")


@pytest.fixture
def run(finished):
    return ServedRun(finished.root)


def test_models_are_those_that_the_index_was_built_with_and_nothing_is_written(run, finished):
    before = tree(finished.root)
    tuned, base = run.models()
    assert (tuned.name, base.name) == ("tuned", "base")
    assert tuned.encoder.fingerprint == finished.tuned_encoder().fingerprint
    assert base.encoder.fingerprint == finished.base_encoder.fingerprint
    assert tuned.sizes == ()
    assert tree(finished.root) == before


def test_documents_are_those_of_the_dataset(run, finished):
    assert run.documents() == dict(finished.dataset().corpus)


def test_what_a_later_generation_brought_is_shown_if_it_went_live(copied):
    line, dataset = Line(copied.root), copied.dataset()
    new = Document("new/article", "New", "what nobody had heard of")
    for number, decision in ((2, SHIPPED), (3, KEPT_BACK)):
        folder = line.folder(number)
        article = replace(new, document_id=f"{new.document_id}-{number}")
        corpus = dict(sorted({**dataset.corpus, article.document_id: article}.items()))
        write_beir(replace(dataset, corpus=corpus), folder / "dataset")
        line.save(Generation(number, folder.name, 1, decision=decision))
    shown = ServedRun(copied.root).shown(dataset.corpus)
    assert shown.keys() - dataset.corpus.keys() == {"new/article-2"}


def test_the_index_is_where_it_is_named_else_milvus_else_the_runs_own(run, copied, tmp_path, monkeypatch):
    monkeypatch.delenv("MILVUS_URI", raising=False)
    assert ServedRun(copied.root).index_place(None) is None
    own = copied.root / "index" / "articles.db"
    own.mkdir(parents=True)
    assert ServedRun(copied.root).index_place(None) == str(own)
    monkeypatch.setenv("MILVUS_URI", "http://milvus:19530")
    assert run.index_place(None) == "http://milvus:19530"
    assert run.index_place(str(tmp_path)) == str(tmp_path)
    with pytest.raises(DataError, match="there is no index at"):
        run.index_place(str(tmp_path / "none"))


def test_an_index_of_a_model_that_is_not_here_is_refused(finished, tmp_path):
    texts, documents = finished.dataset().document_texts(), dict(finished.dataset().corpus)
    index = VectorIndex(FlatStore(tmp_path / "flat"))
    check_index(str(tmp_path / "flat"), "articles", documents, {})  # nothing is live yet
    reindex(index, texts, HashEncoder("elsewhere"), tmp_path / "work")
    with pytest.raises(DataError, match=r"version 1 of .* was made with elsewhere \(f-elsewhere\), and this run has own"):
        check_index(str(tmp_path / "flat"), "articles", documents, {"f-own": "own"})
    check_index(str(tmp_path / "flat"), "articles", documents, {"f-elsewhere": "own"})


def test_the_index_is_opened_once_to_look_at_the_live_version_and_at_a_candidate(finished, tmp_path, monkeypatch):
    texts, documents = finished.dataset().document_texts(), dict(finished.dataset().corpus)
    index, opened = VectorIndex(FlatStore(tmp_path / "flat")), []
    for encoder in (finished.base_encoder, finished.tuned_encoder()):
        reindex(index, texts, encoder, tmp_path / "work")
    monkeypatch.setattr(served_run, "open_index", lambda *given: opened.append(given) or open_index(*given))
    own = {finished.tuned_encoder().fingerprint: "tuned"}
    check_index(str(tmp_path / "flat"), "articles", documents, own, candidate=1)
    assert len(opened) == 1
    for number, said in ((2, "is the live version"), (3, "is no version")):
        with pytest.raises(
            DataError, match=rf"--candidate {number} {said} of the index at .*: pass another of 1, 2 \(live\)"
        ):
            check_index(str(tmp_path / "flat"), "articles", documents, own, candidate=number)


def test_a_server_that_is_away_may_come_back_and_a_file_may_not(tmp_path, monkeypatch):
    from tutorial_lib.index import milvus_client

    monkeypatch.setattr(milvus_client, "BACK_OFF", ())
    check_index("http://127.0.0.1:9", "articles", {}, {})
    with pytest.raises(DataError, match="index name"):
        check_index(str(tmp_path), "no name", {}, {})
    assert open_index(str(tmp_path), "articles").store.address == str(tmp_path)
