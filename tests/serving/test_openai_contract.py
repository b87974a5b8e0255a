"""OpenAI's embeddings: the vectors are the encoder's, and every refusal says what to send."""

import base64

import numpy as np
import pytest

from tests.serving.calls import refusal
from tutorial_lib.serving.openai_contract import EmbeddingsRequest, embeddings_body, in_base64


def vectors(response):
    assert response.status_code == 200, response.text
    return np.array([item["embedding"] for item in response.json()["data"]], dtype=np.float32)


def test_one_text_and_a_list_give_the_vectors_of_the_encoder_in_their_order(embed, encoder):
    texts = ["cancel the invoice", "refund", "the printer"]
    np.testing.assert_allclose(vectors(embed(model="tuned", input=texts)), encoder.encode(texts), atol=1e-6)
    np.testing.assert_allclose(vectors(embed(model="tuned", input="refund")), encoder.encode(["refund"]), atol=1e-6)


def test_the_body_has_all_fields_of_openai(embed):
    body = embed(model="tuned", input=["refund", "cancel the invoice"]).json()
    assert body["usage"] == {"prompt_tokens": 8, "total_tokens": 8}  # [CLS] refund [SEP], [CLS] cancel the invoice [SEP]
    assert (body["object"], body["model"], body["truncated"]) == ("list", "tuned", 0)
    assert [(item["object"], item["index"]) for item in body["data"]] == [("embedding", 0), ("embedding", 1)]


def test_base64_holds_the_same_numbers(embed):
    plain = vectors(embed(model="tuned", input="refund"))
    packed = embed(model="tuned", input="refund", encoding_format="base64").json()["data"][0]["embedding"]
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(packed), dtype="<f4"), plain[0])
    assert in_base64(np.array([1.0, -2.0])) == base64.b64encode(b"\x00\x00\x80?\x00\x00\x00\xc0").decode()


def test_a_vector_is_cut_where_the_model_was_trained_for_it_and_has_unit_length_again(embed):
    whole, cut = (
        vectors(embed(model="tuned", input="refund"))[0],
        vectors(embed(model="tuned", input="refund", dimensions=8))[0],
    )
    np.testing.assert_allclose(cut, whole[:8] / np.linalg.norm(whole[:8]), atol=1e-6)
    np.testing.assert_array_equal(vectors(embed(model="tuned", input="refund", dimensions=32))[0], whole)
    error = refusal(embed(model="tuned", input="refund", dimensions=9), 400)
    assert error["message"] == "dimensions is 9: vectors of 'tuned' have 8, 16, 32, it was not trained to be cut elsewhere"
    assert error["param"] == "dimensions"
    assert "have 32, it was not" in refusal(embed(model="base", input="refund", dimensions=8), 400)["message"]


def test_prompts_are_put_before_a_text_that_is_sent_as_query_or_document(embed, encoder):
    for kind, prompt in {"text": "", "query": "query : ", "document": "article : "}.items():
        found = vectors(embed(model="base", input="refund", input_type=kind))
        np.testing.assert_allclose(found, encoder.encode([prompt + "refund"]), atol=1e-6)
    np.testing.assert_array_equal(vectors(embed(model="base", input="refund")), vectors(embed(model="tuned", input="refund")))


def test_a_text_beyond_the_window_is_cut_and_counted_or_refused(embed, encoder):
    long = "refund " * 100
    body = embed(model="tuned", input=["refund", long]).json()
    assert (body["truncated"], body["usage"]["prompt_tokens"]) == (1, 3 + 102)
    error = refusal(embed(model="tuned", input=["refund", long], truncate=False), 400)
    assert "input[1] has 102 tokens, and 'tuned' reads 64" in error["message"]
    assert error["code"] == "context_length_exceeded"


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"input": [5, 6]}, 400, "input holds token numbers, which are another tokenizer's"),
        ({"input": [[5, 6], [7]]}, 400, "check_embedding_ctx_length=False"),
        ({"input": ""}, 400, "input is an empty text"),
        ({"input": ["refund", ""]}, 400, "input[1] is an empty text"),
        ({"input": []}, 400, "input is an empty list"),
        ({"input": None}, 400, "input is null"),
        ({"input": {"text": "refund"}}, 400, "input is an object"),
        ({"input": ["refund", True]}, 400, "input[1] is a truth value"),
        ({"input": ["refund", 0.5]}, 400, "input[1] is a number"),
        ({"input": "refund", "model": "ada"}, 404, "there is no model 'ada' here, only tuned, base"),
        ({"input": "refund", "dimension": 8}, 400, "there is no field 'dimension' here"),
        ({"input": "refund", "dimensions": "8"}, 400, "found a text: send a whole number"),
        ({"input": "refund", "encoding_format": "hex"}, 400, "Input should be 'float' or 'base64'"),
        ({"input": "refund", "input_type": "title"}, 400, "Input should be 'text', 'query' or 'document'"),
        ({"input": "refund", "model": None}, 400, "model: Input should be a valid string"),
        ({"input": ["a"] * 2049}, 400, "input holds 2,049 texts: send at most 2,048"),
        ({"input": "a" * 100_001}, 400, "input has 100,001 characters: send at most 100,000"),
        ({"input": ["a " * 50_000] * 7}, 400, "input holds 350,014 tokens: send at most 300,000"),
    ],
)
def test_what_cannot_be_answered_says_what_to_send(embed, sent, status, said):
    assert said in refusal(embed(**{"model": "tuned", **sent}), status)["message"]


def test_a_field_that_is_missing_is_named(client):
    assert refusal(client.post("/v1/embeddings", json={"input": "a"}), 400)["message"] == "model: it is missing"


def test_models_are_listed_with_what_tells_them_apart(client, encoder):
    body = client.get("/v1/models").json()
    assert [(m["id"], m["dimensions"], m["window"]) for m in body["data"]] == [("tuned", [8, 16, 32], 64), ("base", [32], 64)]
    assert body["data"][0]["fingerprint"] == encoder.fingerprint
    assert body["data"][1]["fingerprint"] != encoder.fingerprint  # of other prompts


def test_the_body_is_what_its_schema_says():
    body = embeddings_body(np.zeros((2, 3), np.float32), "tuned", "float", tokens=5, truncated=0)
    assert [len(item["embedding"]) for item in body["data"]] == [3, 3]
    assert EmbeddingsRequest(model="tuned", input="a").texts == EmbeddingsRequest(model="tuned", input=["a"]).texts == ["a"]
