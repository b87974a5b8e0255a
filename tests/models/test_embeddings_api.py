"""Replies of an embeddings API: read in the order of the texts, and whatever is no vector refused."""

import base64
import json

import numpy as np
import pytest

from tests.embeddings import KEY, as_sent
from tutorial_lib.http import EndpointError, HttpSettings
from tutorial_lib.models.embeddings_api import EmbeddingsApi, tokens_in, vectors_in
from tutorial_lib.models.remote_settings import RemoteSettings


def reply(*embeddings, indices=None):
    indices = range(len(embeddings)) if indices is None else indices
    return {"data": [{"index": n, "embedding": e} for n, e in zip(indices, embeddings, strict=True)]}


def test_vectors_stand_in_the_order_of_the_texts_at_unit_length():
    made = vectors_in(reply(as_sent([0, 2], "base64"), [3, 4], indices=[1, 0]), 2)
    assert made.dtype == np.float32
    assert made == pytest.approx(np.array([[0.6, 0.8], [0, 1]]))


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_no_length_is_too_small_or_too_large_to_become_one(scale):
    assert np.linalg.norm(vectors_in(reply([3 * scale, 4 * scale]), 1)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([], r"answered no embeddings \(\[\]\)"),
        ({"data": None}, "answered no embeddings"),
        ({"data": [[1, 0]]}, "answered no embeddings"),
        (reply([1, 0]), "answered 1 vectors for 2 texts"),
        (reply([1, 0], [0, 1], [1, 1]), "answered 3 vectors for 2 texts"),
        (reply([1, 0], [0, 1], indices=[1, 1]), "index is not each of 0 to 1 once"),
        (reply([1, 0], [0, 1], indices=[1, 2]), "index is not each of 0 to 1 once"),
        (reply([1, 0], [0, 1], indices=["0", "1"]), "index is not each of 0 to 1 once"),
        (reply([1, 0], [0, 1, 1]), "answered vectors of 2 and 3 numbers"),
        (reply([], []), "answered vectors of 0 numbers"),
        (reply([1, 0], "not base64"), r'answered what is no vector \("not base64"\)'),
        (reply([1, 0], base64.b64encode(b"12345").decode()), "answered what is no vector"),
        (reply([1, 0], [[1], [2]]), "answered what is no vector"),
        (reply([1, 0], ["a", "b"]), "answered what is no vector"),
        (reply([1, 0], None), "answered what is no vector"),
        (reply([1, 0], [0, 0]), "answered a vector of zeros for 1 of 2 texts"),
        (reply([1, 0], [float("nan"), 1]), "answered a vector of numbers that are not finite for 1 of 2 texts"),
        (reply([1, 0], as_sent([np.inf, 1], "base64")), "numbers that are not finite"),
        (reply([1, 0], [1e300, 1]), "numbers that are not finite"),
    ],
)
def test_what_is_no_vector_for_each_text_is_refused(answer, said):
    with pytest.raises(EndpointError, match=said):
        vectors_in(answer, 2)


@pytest.mark.parametrize(
    ("usage", "tokens"), [({"prompt_tokens": 3}, 3), ({"prompt_tokens": 3, "total_tokens": 4}, 4), ({}, None), (None, None)]
)
def test_the_tokens_may_be_missing(usage, tokens):
    assert tokens_in({"usage": usage}) == tokens


def test_a_server_that_knows_no_choice_of_dimensions_is_told_from_one_that_does(hosted):
    hosted.replies = [(200, reply([1, 0, 0]))]
    api = EmbeddingsApi(RemoteSettings("letters", f"{hosted.url}/v1", dimensions=2))
    with pytest.raises(EndpointError, match=r"answered vectors of 3 numbers where dimensions=2 were wanted"):
        api.ask(["a"], {})


def test_the_key_may_stand_in_another_variable_or_nowhere(hosted, monkeypatch):
    monkeypatch.setenv("OTHER_KEY", "other-secret")
    for key, sent in (("OPENAI_API_KEY", f"Bearer {KEY}"), ("OTHER_KEY", "Bearer other-secret"), ("NO_KEY", None)):
        EmbeddingsApi(RemoteSettings("letters", f"{hosted.url}/v1", key=key)).ask(["a"], {})
        assert hosted.asked[-1][1].get("authorization") == sent


def test_a_server_that_repeats_the_key_does_not_show_it(hosted):
    hosted.replies = [(200, {"data": f"for {KEY}"})]
    with pytest.raises(EndpointError, match=r"for \*\*\*") as raised:
        EmbeddingsApi(RemoteSettings("m", f"{hosted.url}/v1", http=HttpSettings(retries=0))).ask(["a"], {})
    assert KEY not in str(raised.value)
    assert "\n" not in json.loads(json.dumps(str(raised.value)))


def test_what_a_request_brings(hosted):
    api = EmbeddingsApi(RemoteSettings("letters", f"{hosted.url}/v1"))
    answered = api.ask(["bad cab", "head"], {})
    assert (answered.vectors.shape, answered.tokens, answered.truncated) == ((2, 8), 3, 0)
    hosted.replies = [(200, {**reply([1, 0]), "truncated": 1})]
    assert api.ask(["a"], {}).truncated == 1
