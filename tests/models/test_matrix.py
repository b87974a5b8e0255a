import json
import shutil

import numpy as np
import pytest

from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.saving import save_model
from tutorial_lib.models.settings import ModelError, document_space

TEXTS = ["reset the password", "refund", "open your invoice page then click export"]


@pytest.fixture
def matrix():
    return (np.eye(32) + np.random.default_rng(0).normal(0, 0.1, (32, 32))).astype(np.float32)


def test_vectors_are_multiplied_and_scaled(tiny, matrix):
    plain, found = tiny.encode(TEXTS), tiny.with_matrix(matrix).encode(TEXTS)
    by_hand = plain @ matrix.T
    np.testing.assert_allclose(found, by_hand / np.linalg.norm(by_hand, axis=1, keepdims=True), atol=1e-5)


def test_the_identity_changes_no_vector_and_two_matrices_are_one_after_the_other(tiny, matrix):
    np.testing.assert_allclose(tiny.with_matrix(np.eye(32)).encode(TEXTS), tiny.encode(TEXTS), atol=1e-6)
    twice = tiny.with_matrix(matrix).with_matrix(matrix.T)
    np.testing.assert_allclose(twice.encode(TEXTS), tiny.with_matrix(matrix.T @ matrix).encode(TEXTS), atol=1e-5)


def test_it_is_part_of_the_fingerprint_and_of_no_other_encoder(tiny, matrix):
    before = tiny.fingerprint
    other = tiny.with_matrix(matrix)
    assert len({before, other.fingerprint, other.with_matrix(matrix).fingerprint}) == 3
    assert tiny.fingerprint == before
    assert tiny.matrix is None
    assert other.with_window(20).matrix is not None


@pytest.mark.usefixtures("float32")
def test_it_is_saved_and_read_by_us_and_by_sentence_transformers(tiny, matrix, tmp_path):
    from sentence_transformers import SentenceTransformer

    encoder = tiny.with_matrix(matrix)
    save_model(encoder, tmp_path / "model", "card")
    ours, theirs = Encoder.load(tmp_path / "model"), SentenceTransformer(str(tmp_path / "model"), device="cpu")
    assert ours.fingerprint == encoder.fingerprint
    np.testing.assert_allclose(ours.encode(TEXTS), encoder.encode(TEXTS), atol=1e-6)
    np.testing.assert_allclose(theirs.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)


@pytest.mark.parametrize(("wrong", "message"), [(np.eye(16), r"is \(16, 16\)"), (np.full((32, 32), np.nan), "holds NaN")])
def test_what_is_no_matrix_of_these_vectors_is_refused(tiny, wrong, message):
    with pytest.raises(ModelError, match=message):
        tiny.with_matrix(wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": True}, r"sets bias to True: only a matrix"),
        ({"activation_function": "torch.nn.modules.activation.Tanh"}, r"sets activation_function to"),
        ({"out_features": 16}, r"only a matrix of 32 x 32"),
        ({"use_residual": True}, r"sets use_residual to True"),
        ({"gate": 1}, r"sets gate to 1"),
    ],
)
def test_a_dense_module_that_is_more_than_a_matrix_is_refused(tiny, matrix, tmp_path, change, message):
    save_model(tiny.with_matrix(matrix), tmp_path / "model", "card")
    file = tmp_path / "model" / "2_Dense" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(ModelError, match=message):
        Encoder.load(tmp_path / "model")


def test_changed_or_missing_weights_are_told(tiny, matrix, tmp_path):
    save_model(tiny.with_matrix(matrix), tmp_path / "model", "card")
    copy = shutil.copytree(tmp_path / "model", tmp_path / "copy")
    weights = copy / "2_Dense" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelError, match=r"2_Dense/model\.safetensors has SHA-256"):
        Encoder.load(copy)
    (copy / "2_Dense" / "sha256.json").unlink()
    weights.unlink()
    with pytest.raises(ModelError, match=r"2_Dense/model\.safetensors cannot be read"):
        Encoder.load(copy)


# --- for queries alone --------------------------------------------------------------------------------------------


def test_one_for_queries_alone_leaves_documents_and_their_space_as_they_are(tiny, matrix):
    asked = tiny.with_matrix(matrix, queries_only=True)
    assert np.array_equal(asked.encode_documents(TEXTS), tiny.encode_documents(TEXTS))
    np.testing.assert_allclose(asked.encode_queries(TEXTS), tiny.with_matrix(matrix).encode_queries(TEXTS), atol=1e-6)
    assert asked.fingerprint not in (tiny.fingerprint, tiny.with_matrix(matrix).fingerprint)
    assert asked.document_fingerprint == document_space(asked) == document_space(tiny) == tiny.fingerprint
    assert document_space(tiny.with_matrix(matrix)) != document_space(tiny)
    assert document_space(asked.with_window(20)) == tiny.with_window(20).fingerprint


def test_it_comes_behind_one_for_both_and_last(tiny, matrix):
    two = tiny.with_matrix(matrix).with_matrix(matrix.T, queries_only=True)
    np.testing.assert_allclose(
        two.encode_queries(TEXTS), tiny.with_matrix(matrix.T @ matrix).encode_queries(TEXTS), atol=1e-5
    )
    np.testing.assert_allclose(two.encode_documents(TEXTS), tiny.with_matrix(matrix).encode_documents(TEXTS), atol=1e-6)
    with pytest.raises(ModelError, match=r"has a matrix for queries alone, which comes last"):
        two.with_matrix(matrix)


@pytest.mark.usefixtures("float32")
@pytest.mark.parametrize("both", [False, True])
def test_it_is_saved_as_a_route_of_queries_and_read_by_us_and_by_sentence_transformers(tiny_folder, matrix, tmp_path, both):
    from sentence_transformers import SentenceTransformer

    encoder = Encoder.load(tiny_folder, query_prompt="query : ")
    encoder = (encoder.with_matrix(matrix.T) if both else encoder).with_matrix(matrix, queries_only=True)
    save_model(encoder, tmp_path / "model", "card")
    ours, theirs = Encoder.load(tmp_path / "model"), SentenceTransformer(str(tmp_path / "model"), device="cpu")
    assert (ours.fingerprint, ours.document_fingerprint) == (encoder.fingerprint, encoder.document_fingerprint)
    np.testing.assert_allclose(theirs.encode_query(TEXTS), encoder.encode_queries(TEXTS), atol=1e-5)
    np.testing.assert_allclose(theirs.encode_document(TEXTS), encoder.encode_documents(TEXTS), atol=1e-5)
    np.testing.assert_allclose(theirs.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"structure": {"query": ["query_0_Dense"], "document": []}}, "sets structure to"),
        ({"types": {}}, "sets types to"),
        ({"parameters": {"default_route": "query"}}, "sets parameters to"),
        ({"parameters": {"default_route": "document", "route_mappings": {"a": "query"}}}, "sets parameters to"),
    ],
)
def test_a_router_that_does_more_is_refused(tiny, matrix, tmp_path, change, message):
    save_model(tiny.with_matrix(matrix, queries_only=True), tmp_path / "model", "card")
    file = tmp_path / "model" / "2_Router" / "router_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(ModelError, match=rf"router_config.json {message}"):
        Encoder.load(tmp_path / "model")


def test_changed_weights_of_a_route_are_told(tiny, matrix, tmp_path):
    save_model(tiny.with_matrix(matrix, queries_only=True), tmp_path / "model", "card")
    weights = tmp_path / "model" / "2_Router" / "query_0_Dense" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelError, match=r"query_0_Dense/model\.safetensors has SHA-256"):
        Encoder.load(tmp_path / "model")
