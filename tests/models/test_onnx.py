"""An exported model gives the vectors of the model it was made of, under a fingerprint of its own, or is refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.architectures import every_architecture, write_model
from tutorial_lib.data.dataset import DataError
from tutorial_lib.index import FlatStore, VectorIndex, VectorIndexError
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.onnx import ABOUT, GRAPH, MATRICES, OnnxEncoder, load_encoder, network_of
from tutorial_lib.models.onnx_export import write_float32
from tutorial_lib.models.settings import ModelError, document_space

pytestmark = pytest.mark.usefixtures("float32")
TEXTS = ["cancel the invoice", "how to reset a password", "repair", "please open the printer page then click repair " * 9]


@pytest.fixture(scope="session")
def exported(tiny_folder, tmp_path_factory):
    """The tiny model as ONNX."""
    folder = tmp_path_factory.mktemp("onnx") / "float32"
    write_float32(Encoder.load(tiny_folder), folder)
    return folder


@pytest.fixture
def encoder(tiny_folder):
    return Encoder.load(tiny_folder)


def written(encoder, folder):
    write_float32(encoder, folder)
    return OnnxEncoder.load(folder, threads=1)


def test_vectors_are_those_of_the_model(exported, encoder):
    found = OnnxEncoder.load(exported)
    assert np.allclose(found.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)
    assert (found.dimension, found.encode([]).shape) == (32, (0, 32))
    assert found.encode(TEXTS).dtype == np.float32
    assert np.allclose(np.linalg.norm(found.encode(TEXTS), axis=1), 1, atol=1e-5)


@every_architecture
def test_every_architecture_is_exported(architecture, tmp_path):
    encoder = Encoder.load(write_model(tmp_path / "model", architecture))
    assert np.allclose(written(encoder, tmp_path / "onnx").encode(TEXTS), encoder.encode(TEXTS), atol=1e-4)


@pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken"])
def test_prompts_window_and_pooling_come_along(pooling, encoder, tmp_path):
    told = encoder._with(settings=replace(encoder.settings, pooling=pooling, query_prompt="query : ", max_length=7))
    found = written(told, tmp_path)
    assert found.settings == told.settings
    assert np.allclose(found.encode_queries(TEXTS), told.encode_queries(TEXTS), atol=1e-5)
    assert np.allclose(found.encode_documents(TEXTS), told.encode_documents(TEXTS), atol=1e-5)
    assert not np.allclose(found.encode_queries(TEXTS), found.encode_documents(TEXTS), atol=1e-2)


def test_the_file_itself_takes_a_batch_with_padding(exported, encoder):
    padded = encoder.pad(encoder.tokenize(TEXTS))
    found = network_of(exported / GRAPH)({name: rows.numpy() for name, rows in padded.items()})
    assert np.allclose(found, encoder.encode(TEXTS), atol=1e-5)


def test_matrices_come_along(encoder, tmp_path):
    draw = np.random.default_rng(0)
    both, queries = (np.eye(32, dtype=np.float32) + draw.normal(0, 0.2, (32, 32)).astype(np.float32) for _ in range(2))
    turned = encoder.with_matrix(both)
    found = written(turned, tmp_path / "both")
    assert np.allclose(found.encode_documents(TEXTS), turned.encode_documents(TEXTS), atol=1e-5)

    asking = turned.with_matrix(queries, queries_only=True)
    with_queries = written(asking, tmp_path / "queries")
    assert np.allclose(with_queries.encode_queries(TEXTS), asking.encode_queries(TEXTS), atol=1e-5)
    assert np.allclose(with_queries.encode_documents(TEXTS), asking.encode_documents(TEXTS), atol=1e-5)
    # Documents are the same with the matrix for queries alone and without it: one index serves both.
    assert with_queries.fingerprint != found.fingerprint
    assert document_space(with_queries) == document_space(found)


def test_a_fingerprint_is_of_all_that_decides_a_vector(exported, encoder, tmp_path):
    made = OnnxEncoder.load(exported).fingerprint
    assert made != encoder.fingerprint
    assert OnnxEncoder.load(shutil.copytree(exported, tmp_path / "again")).fingerprint == made
    assert written(encoder.with_window(9), tmp_path / "narrow").fingerprint != made
    assert written(encoder.with_matrix(np.eye(32)[::-1]), tmp_path / "turned").fingerprint != made


def test_an_index_refuses_to_mix_it_with_the_model(exported, encoder, tmp_path):
    found, index = OnnxEncoder.load(exported), VectorIndex(FlatStore(tmp_path / "flat"))
    rows = found.encode_documents(TEXTS)
    ids = [str(n) for n in range(len(TEXTS))]
    index.switch(index.verify(index.build(ids, rows, found), ids, rows, rows))
    assert list(index.search({"q": TEXTS[1]}, found, k=1)["q"]) == ["1"]
    with pytest.raises(VectorIndexError, match=found.fingerprint):
        index.search({"q": TEXTS[1]}, encoder)


def test_what_is_no_text_is_refused(exported):
    with pytest.raises(DataError, match="text 1 is int: pass strings"):
        OnnxEncoder.load(exported).encode(["refund", 3])


def test_a_folder_that_is_no_export_or_is_damaged_is_refused_in_one_line(exported, tiny_folder, tmp_path):
    def said(folder, **options):
        with pytest.raises(ModelError) as refused:
            OnnxEncoder.load(folder, **options)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    assert "is no exported model, it has no encoder.json" in said(tiny_folder)
    assert "engine is 'tensorrt': pass onnxruntime or openvino" in said(exported, engine="tensorrt")

    cut = shutil.copytree(exported, tmp_path / "cut")
    (cut / GRAPH).write_bytes((cut / GRAPH).read_bytes()[:-100])
    assert f"{GRAPH} has SHA-256" in said(cut)
    (cut / "sha256.json").unlink()
    assert "cannot be read" in said(cut)

    lost = shutil.copytree(exported, tmp_path / "lost")
    (lost / GRAPH).unlink()
    assert f"{GRAPH} is missing" in said(lost)

    unsaid = shutil.copytree(exported, tmp_path / "unsaid")
    (unsaid / "sha256.json").unlink()
    (unsaid / ABOUT).write_text(json.dumps({"dimension": 32}))
    assert "cannot be read" in said(unsaid)
    (unsaid / MATRICES).write_bytes(b"nothing")
    (unsaid / ABOUT).write_text((exported / ABOUT).read_text())
    assert "cannot be read" in said(unsaid)


def test_an_engine_that_is_not_installed_is_named(exported, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=r"takes the package onnxruntime: pip install 'tutorial-lib\[export\]'"):
        OnnxEncoder.load(exported)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match="takes the package openvino: pip install openvino"):
        OnnxEncoder.load(exported, engine="openvino")


def test_a_folder_is_read_as_what_it_is(exported, tiny_folder):
    assert isinstance(load_encoder(exported), OnnxEncoder)
    assert isinstance(load_encoder(tiny_folder), Encoder)


def test_a_service_answers_with_the_index_of_an_exported_model(exported, tmp_path):
    from tutorial_lib.index import reindex
    from tutorial_lib.serving import Live, Models

    documents = {str(n): text for n, text in enumerate(TEXTS)}
    reindex(VectorIndex(FlatStore(tmp_path / "flat")), documents, OnnxEncoder.load(exported), tmp_path / "work")
    live = Live(lambda: VectorIndex(FlatStore(tmp_path / "flat")), Models([], load_encoder))
    live.also = 1
    live.prepare()
    found = live.search(lambda model: model.encoder.encode([TEXTS[1]]), 1)
    assert list(found.hits) == ["1"]
    assert found.pair.model.count_tokens([TEXTS[2]]) == [3]
    live.close()
