"""A hosted model as an encoder, from a double of the contract: in order, checked, kept, and never dearer than was allowed."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tests.embeddings import FIELDS, KEY, embeddings, unit, vector
from tests.embeddings import reply as a_reply
from tests.helpers import small_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.http import EndpointError, HttpSettings
from tutorial_lib.index.flat_store import FlatStore
from tutorial_lib.index.vector_index import VectorIndex, VectorIndexError
from tutorial_lib.models.remote import RemoteEncoder
from tutorial_lib.models.remote_settings import RemoteSettings
from tutorial_lib.retrieval.dense import Vectors


class Words:
    """Counts as the double does."""

    name = "words"

    def __call__(self, text):
        return len(text.split())


@pytest.fixture
def encoder(hosted, tmp_path):
    """Return a function that makes an encoder of the double's model."""

    def encoder(cache=tmp_path / "cache", *, sleep=lambda seconds: None, **settings):
        http = HttpSettings(timeout=5, retries=2, pause=1)
        made = RemoteSettings("letters", f"{hosted.url}/v1", **{"http": http, "workers": 1, **settings})
        return RemoteEncoder(made, cache, count=Words(), sleep=sleep)

    return encoder


def sent(hosted):
    return [body["input"] for _, _, body in hosted.asked]


def test_vectors_are_of_unit_length_in_the_order_of_the_texts_and_equal_texts_are_asked_for_once(encoder, hosted):
    texts = ["bad cab", "head", "bad cab", "cage"]
    vectors = encoder().encode_documents(texts)
    assert vectors.dtype == np.float32
    assert vectors == pytest.approx(np.stack([unit(text) for text in texts]), abs=1e-6)
    ((path, headers, body),) = hosted.asked
    assert (path, headers["authorization"]) == ("/v1/embeddings", f"Bearer {KEY}")
    assert body == {"model": "letters", "input": ["bad cab", "head", "cage"], "encoding_format": "base64"}


def test_requests_hold_no_more_than_the_limits_and_many_at_once_keep_the_order(encoder, hosted):
    texts = [f"a{'b' * n} c" for n in range(50)]
    vectors = encoder(request_texts=4, workers=4).encode_queries(texts)
    assert vectors == pytest.approx(np.stack([unit(text) for text in texts]), abs=1e-6)
    assert sorted(len(asked) for asked in sent(hosted)) == [2, *[4] * 12]
    encoder(None, max_tokens=5, request_tokens=5).encode_queries(texts[:5])
    assert [len(asked) for asked in sent(hosted)[13:]] == [2, 2, 1]


def test_no_more_requests_are_under_way_than_workers(encoder, hosted):
    under_way, most, lock = [0], [0], threading.Lock()
    both = threading.Barrier(2, timeout=10)  # broken, were there one at a time

    def slowly(path, body):
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        both.wait()
        with lock:
            under_way[0] -= 1
        return embeddings(path, body)

    hosted.usual = slowly
    encoder(request_texts=1, workers=2).encode_queries(list("abcdef"))
    assert most == [2]


def test_dimensions_prompts_and_further_fields_are_sent(encoder, hosted):
    hosted.usual = lambda path, body: embeddings(path, {k: v for k, v in body.items() if k != "input_type"})
    asked = encoder(
        dimensions=3, query_prompt="query: ", query_fields={"input_type": "query"}, document_fields={"input_type": "passage"}
    )
    assert asked.encode_queries(["bad"]) == pytest.approx(unit("query: bad", 3)[None], abs=1e-6)
    assert asked.encode_documents(["bad"]).shape == (1, 3)
    query, document = (body for _, _, body in hosted.asked)
    assert (query["input"], query["input_type"], query["dimensions"]) == (["query: bad"], "query", 3)
    assert (document["input"], document["input_type"]) == (["bad"], "passage")


def test_the_official_client_sends_what_this_one_sends_and_reads_the_double(encoder, hosted):
    openai = pytest.importorskip("openai")
    from openai.types import EmbeddingCreateParams

    assert set(EmbeddingCreateParams.__annotations__) == FIELDS
    client = openai.OpenAI(base_url=f"{hosted.url}/v1", api_key=KEY, max_retries=0)
    reply = client.embeddings.create(model="letters", input=["bad", "head"], dimensions=4)
    encoder(dimensions=4).encode_queries(["bad", "head"])
    (their_path, theirs, their_body), (path, ours, body) = hosted.asked
    assert (path, body) == (their_path, their_body)
    assert ours["authorization"] == theirs["authorization"]
    assert ours["content-type"] == theirs["content-type"]
    by_index = {d.index: d.embedding for d in reply.data}
    assert by_index == {0: vector("bad", 4).tolist(), 1: vector("head", 4).tolist()}
    assert set(type(reply).model_fields) == set(embeddings("/v1/embeddings", body)[1])


def test_lists_of_numbers_do_as_well(encoder, hosted):
    hosted.usual = lambda path, body: embeddings(path, {**body, "encoding_format": "float"})
    assert encoder().encode_queries(["bad"]) == pytest.approx(unit("bad")[None], abs=1e-6)


def test_the_length_of_a_vector_is_asked_for_once(encoder, hosted):
    asked = encoder()
    assert asked.dimension == 8
    assert asked.encode_queries([]).shape == (0, 8)
    assert len(hosted.asked) == 1
    assert encoder(dimensions=5).dimension == 5
    assert len(hosted.asked) == 1


# --- kept ---------------------------------------------------------------------------------------------------------


def test_what_was_asked_for_is_not_asked_for_again_and_the_key_is_written_nowhere(encoder, hosted, tmp_path):
    first = encoder().encode_documents(["bad", "head"])
    again = encoder().encode_documents(["head", "cage", "bad"])
    assert sent(hosted) == [["bad", "head"], ["cage"]]
    assert np.array_equal(again[[2, 0]], first)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert [p.name for p in files] == ["vectors.sqlite"]
    assert all(KEY.encode() not in p.read_bytes() for p in files)


@pytest.mark.parametrize(
    "other",
    [{"dimensions": 4}, {"query_prompt": "q: "}, {"query_fields": {"user": "u"}}, {"max_tokens": 1}],
)
def test_whatever_decides_a_vector_decides_where_it_is_kept_and_the_fingerprint(encoder, hosted, other):
    one, another = encoder(), encoder(**other)
    one.encode_queries(["bad cab"])
    another.encode_queries(["bad cab"])
    assert len(hosted.asked) == 2
    assert one.fingerprint != another.fingerprint
    assert one.fingerprint == encoder(workers=3, price=0.0, max_cost=9).fingerprint


def test_model_and_address_are_part_of_the_fingerprint():
    here = "http://127.0.0.1:1/v1"
    made = {RemoteEncoder(RemoteSettings(m, url)).fingerprint for m in ("a", "b") for url in (here, f"{here}/x")}
    assert len(made) == 4
    assert RemoteEncoder(RemoteSettings("a", f"{here}/")).fingerprint in made


def test_a_run_that_broke_off_goes_on_from_what_was_kept(encoder, hosted):
    texts = ["bad", "head", "cage", "face"]
    hosted.usual = lambda path, body: (401, {}) if body["input"] == ["cage"] else embeddings(path, body)
    with pytest.raises(EndpointError, match="answered 401"):
        encoder(request_texts=1).encode_queries(texts)
    assert sent(hosted) == [["bad"], ["head"], ["cage"]]
    hosted.usual = embeddings
    encoder(request_texts=1).encode_queries(texts)
    assert sent(hosted)[3:] == [["cage"], ["face"]]


def test_after_ctrl_c_what_was_answered_is_kept(encoder, hosted):
    def interrupt(seconds):
        raise KeyboardInterrupt

    hosted.usual = lambda path, body: (429, {}) if body["input"] == ["cage"] else embeddings(path, body)
    with pytest.raises(KeyboardInterrupt):
        encoder(request_texts=1, sleep=interrupt).encode_queries(["bad", "head", "cage", "face"])
    hosted.usual = embeddings
    encoder().encode_queries(["bad", "head", "cage", "face"])
    assert sent(hosted)[3:] == [["cage", "face"]]


def test_what_a_killed_process_paid_for_is_kept(hosted, tmp_path):
    code = (
        "import sys; from tutorial_lib.models.remote import RemoteEncoder; "
        "from tutorial_lib.models.remote_settings import RemoteSettings; from pathlib import Path; "
        "settings = RemoteSettings('letters', sys.argv[1], request_texts=1, workers=1); "
        "RemoteEncoder(settings, Path(sys.argv[2])).encode_queries(['bad', 'head', 'cage'])"
    )
    hosted.usual = lambda path, body: 60.0 if body["input"] == ["cage"] else embeddings(path, body)
    child = subprocess.Popen([sys.executable, "-c", code, f"{hosted.url}/v1", str(tmp_path)], env=os.environ)
    while len(hosted.asked) < 3:
        assert child.poll() is None
        time.sleep(0.01)
    child.kill()
    child.wait()
    hosted.usual = embeddings
    RemoteEncoder(RemoteSettings("letters", f"{hosted.url}/v1"), tmp_path).encode_queries(["bad", "head", "cage"])
    assert sent(hosted)[3:] == [["cage"]]


def test_another_model_under_the_same_name_is_noticed_by_its_length(encoder, hosted):
    encoder().encode_queries(["bad"])
    hosted.usual = lambda path, body: embeddings(path, {**body, "dimensions": 4})
    with pytest.raises(DataError, match="vectors of 4 numbers and of 8: another model answers under its name now"):
        encoder().encode_queries(["bad", "head"])


# --- cost ---------------------------------------------------------------------------------------------------------


def test_the_cost_is_told_before_anything_is_sent(encoder, hosted):
    asked = encoder(price=2_000.0, max_cost=0.02)  # 0.002 a word
    estimate = asked.estimate(queries=["bad cab", "bad cab"], documents=["head", "a b c d e f g h"])
    assert (estimate.texts, estimate.new, estimate.tokens, estimate.counted_by) == (4, 3, 11, "words")
    assert estimate.cost == pytest.approx(0.022)
    with pytest.raises(DataError, match=r"would cost about 0\.022: 11 tokens \(words\) of 3 texts .* max_cost is 0\.02"):
        asked.check_cost(estimate)
    assert hosted.asked == []
    asked.encode_queries(["bad cab"])
    assert asked.spent == pytest.approx(0.004)
    assert asked.estimate(queries=["bad cab"]).new == 0
    with pytest.raises(DataError, match=r"about 0\.018, beside 0\.004 spent already: 9 tokens"):
        asked.encode_documents(["head", "a b c d e f g h"])
    assert len(hosted.asked) == 1


def test_what_costs_more_than_was_estimated_ends_at_the_bound(encoder, hosted):
    def dearer(path, body):
        status, answered = embeddings(path, body)
        return status, {**answered, "usage": {"total_tokens": 100}}

    hosted.usual = dearer
    asked = encoder(price=1_000.0, max_cost=0.15, request_texts=1)
    with pytest.raises(DataError, match=r"has cost 0\.2 by now, more than was estimated, and max_cost is 0\.15"):
        asked.encode_queries(["a", "b", "c", "d"])
    assert len(hosted.asked) == 2


def test_where_the_endpoint_counts_nothing_the_estimate_counts(encoder, hosted):
    hosted.usual = lambda path, body: (200, {**embeddings(path, body)[1], "usage": None})
    asked = encoder(price=1_000.0)
    asked.encode_queries(["bad cab"])
    assert (asked.tokens, asked.spent) == (2, pytest.approx(0.002))


def test_a_text_that_is_too_long_is_cut_and_that_is_said_once(encoder, hosted, capsys):
    asked = encoder(max_tokens=3)
    asked.estimate(documents=["bad", "a b c d e"])
    asked.encode_documents(["bad", "a b c d e"])
    assert sent(hosted) == [["bad", "a b c "]]
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(
        "note: 1 of 2 texts are longer than the 3 tokens that letters reads, text 1 first (5 tokens, words"
    )


def test_what_the_endpoint_says_that_it_cut_is_said(encoder, hosted, capsys):
    hosted.usual = lambda path, body: (200, {**embeddings(path, body)[1], "truncated": 1})
    asked = encoder(request_texts=1)
    asked.encode_documents(["bad", "a b c d e"])
    assert capsys.readouterr().err == "note: letters read the beginning alone of 2 of 2 texts\n"
    asked.encode_documents(["bad"])
    assert asked.truncated == 2


# --- failures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}), r"answered 401: Incorrect API key.*\*\*\*"),
        ((404, {"error": {"message": "The model `letters` does not exist"}}), "answered 404: The model"),
        ((400, {"error": {"message": "maximum context length is 8192"}}), "answered 400: maximum context length"),
        ((429, {"error": {"message": "You are out of money", "code": "insufficient_quota"}}), "answered 429: You are out"),
        ((200, b"<html>Welcome</html>"), r"answered what is no JSON \(<html>Welcome</html>\)"),
        ((200, b""), "answered nothing: is this the address of an API"),
        ((200, {"choices": []}), r"letters at http://127.0.0.1:\d+/v1 answered no embeddings \(.*choices"),
        ((200, a_reply([[1, 2]], ["a"], {"model": "m"})), "answered 1 vectors for 2 texts"),
    ],
)
def test_what_another_try_cannot_mend_is_one_line_at_once(encoder, hosted, tmp_path, answer, message):
    pauses = []
    hosted.replies = [answer]
    with pytest.raises(EndpointError, match=message) as raised:
        encoder(sleep=pauses.append).encode_queries(["bad", "head"])
    assert "\n" not in str(raised.value)
    assert KEY not in str(raised.value)
    assert (len(hosted.asked), pauses, list(tmp_path.rglob("*.sqlite"))) == (1, [], [])


@pytest.mark.parametrize("answer", [(429, {}), (500, b"oops"), (503, b""), None])
def test_what_may_pass_is_tried_again(encoder, hosted, answer):
    pauses = []
    hosted.replies = [answer, answer]
    assert encoder(sleep=pauses.append).encode_queries(["bad"]) == pytest.approx(unit("bad")[None], abs=1e-6)
    assert 0.5 <= pauses[0] <= 1.5 <= 2 * pauses[1] <= 6
    hosted.replies = [answer] * 3
    with pytest.raises(EndpointError, match=r"\(3 tries\)$"):
        encoder().encode_queries(["head"])


def test_a_rate_limit_that_names_its_end_is_waited_for(encoder, hosted):
    pauses = []
    hosted.replies = [(429, {}, {"Retry-After": "7"})]
    encoder(sleep=pauses.append).encode_queries(["bad"])
    assert pauses == [7.0]


def test_silence_ends_after_the_time_limit(encoder, hosted):
    hosted.replies = [0.5]
    with pytest.raises(EndpointError, match=r"no answer in 0.1 s$"):
        encoder(http=HttpSettings(timeout=0.1, retries=0)).encode_queries(["bad"])


def test_a_key_is_in_no_text_that_shows_the_encoder(encoder, hosted):
    asked = encoder()
    asked.encode_queries(["bad"])
    for shown in (
        repr(asked),
        repr(asked.settings),
        repr(vars(asked)),
        repr(vars(asked._api)),
        asked.name,
        asked.fingerprint,
    ):
        assert KEY not in shown


# --- where an encoder is wanted ------------------------------------------------------------------------------------


def test_an_index_of_its_vectors_takes_no_query_of_another_encoder(encoder, hosted, tmp_path):
    dataset, asked = small_dataset(), encoder()
    rows, ids = Vectors.of(dataset, asked).documents, list(dataset.corpus)
    index = VectorIndex(FlatStore(tmp_path / "flat"), "help")
    index.switch(index.verify(index.build(ids, rows, asked), ids, rows, rows))
    query = {"q": dataset.document_texts()[ids[1]]}
    assert next(iter(index.search(query, asked)["q"])) == ids[1]
    with pytest.raises(VectorIndexError, match="their scores mean nothing together"):
        index.search(query, encoder(document_prompt="passage: "))
    index.close()
