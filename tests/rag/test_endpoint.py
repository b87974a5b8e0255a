"""Answers over HTTP from a double of the contract: kept, counted, and every failure one line without the key."""

import json
from email.utils import formatdate

import pytest

from tests.rag.conftest import KEY
from tests.rag.replies import completion
from tutorial_lib.data.dataset import DataError
from tutorial_lib.http import EndpointError, HttpSettings
from tutorial_lib.rag.answer import Answer, Prices, answer_all
from tutorial_lib.rag.endpoint import ChatEndpoint, ChatSettings


def prompt(text="refund?"):
    return [{"role": "system", "content": "Be short."}, {"role": "user", "content": text}]


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def chat(endpoint, pauses, tmp_path):
    http = HttpSettings(timeout=5, retries=2, pause=1)
    return ChatEndpoint(ChatSettings("tiny", http=http), tmp_path / "cache", sleep=pauses.append)


def files(chat):
    return [p for p in chat.cache.folder.rglob("*") if p.is_file()] if chat.cache.folder.exists() else []


def test_an_answer_with_what_it_took(chat, endpoint):
    answer = chat.answer(prompt())
    assert (answer.text, answer.prompt_tokens, answer.completion_tokens) == ("You said: refund?", 7, 3)
    assert (answer.finish_reason, answer.model, answer.cached) == ("stop", "tiny-1", False)
    assert answer.seconds > 0
    path, headers, body = endpoint.asked[0]
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert body == {"model": "tiny", "messages": prompt(), "temperature": 0}


def test_the_clients_of_openai_understand_the_double(endpoint):
    openai = pytest.importorskip("openai")
    reply = openai.OpenAI(max_retries=0).chat.completions.create(model="tiny", messages=prompt(), temperature=0)
    assert (reply.choices[0].message.content, reply.usage.prompt_tokens) == ("You said: refund?", 7)
    path, headers, body = endpoint.asked[0]
    assert (path, headers["authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert body == {"model": "tiny", "messages": prompt(), "temperature": 0}


def test_an_answer_is_asked_for_once_and_the_key_is_written_nowhere(chat, endpoint):
    first = chat.answer(prompt())
    again = chat.answer(prompt())
    assert len(endpoint.asked) == 1
    assert again == Answer(**{**vars(first), "cached": True})
    (file,) = files(chat)
    assert KEY not in file.read_text()
    assert json.loads(file.read_text())["request"]["messages"] == prompt()


@pytest.mark.parametrize(
    "other",
    [
        {"model": "large"},
        {"parameters": {"temperature": 0, "seed": 1}},
        {"parameters": {}},
        {"base_url": "http://127.0.0.1:1/v1"},
    ],
)
def test_whatever_decides_an_answer_is_part_of_its_name_in_the_cache(chat, endpoint, other):
    chat.answer(prompt())
    settings = ChatSettings(**{"model": "tiny", "http": HttpSettings(retries=0), **other})
    changed = ChatEndpoint(settings, chat.cache.folder)
    if "base_url" in other:
        with pytest.raises(EndpointError, match="cannot be reached"):
            changed.answer(prompt())
    else:
        changed.answer(prompt())
        assert len(endpoint.asked) == 2
    chat.answer(prompt("and cancelling?"))
    assert len(files(chat)) == (2 if "base_url" in other else 3)


def test_a_damaged_answer_is_asked_for_anew(chat, endpoint):
    chat.answer(prompt())
    (file,) = files(chat)
    for damage in ("", "{}", file.read_text().replace("refund", "REFUND")):
        file.write_text(damage)
        assert chat.answer(prompt()).cached is False
    assert len(endpoint.asked) == 4
    assert chat.answer(prompt()).cached is True


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (
            (401, {"error": {"message": f"Incorrect API key provided: {KEY}", "code": "x"}}),
            r"answered 401: Incorrect .*\*\*\*$",
        ),
        ((404, {"detail": "Not Found"}), "answered 404: Not Found"),
        ((400, {"error": "bad\nrequest"}), "answered 400: bad request"),
        ((302, b"", {"Location": "http://127.0.0.1:1/"}), "answered 302$"),
        ((429, {"error": {"message": "You are out of money", "code": "insufficient_quota"}}), "answered 429: You are out"),
        (
            (200, b"<html>\nWelcome</html>"),
            r"answered what is no JSON \(<html> Welcome</html>\): is this the address of an API",
        ),
        ((200, b""), "answered nothing: is this the address of an API"),
        ((200, {"object": "list"}), "answered no chat completion .*list"),
        ((200, [1, 2]), "answered no chat completion"),
        ((200, {"choices": []}), "answered no chat completion"),
        (
            (200, completion(None, finish_reason="length")),
            r"answered without text \(finish_reason length\): look at the param",
        ),
        ((200, completion("  ")), "answered without text"),
    ],
)
def test_what_another_try_cannot_mend_is_one_line_at_once(chat, endpoint, pauses, reply, message):
    endpoint.replies = [reply]
    with pytest.raises(EndpointError, match=message) as raised:
        chat.answer(prompt())
    assert "\n" not in str(raised.value)
    assert "127.0.0.1" in str(raised.value)
    assert KEY not in str(raised.value)
    assert (len(endpoint.asked), pauses, files(chat)) == (1, [], [])


@pytest.mark.parametrize("reply", [(429, {}), (500, b"oops"), (503, b""), None])
def test_what_may_pass_is_tried_again_with_longer_pauses(chat, endpoint, pauses, reply):
    endpoint.replies = [reply, reply]
    assert chat.answer(prompt()).text == "You said: refund?"
    assert 0.5 <= pauses[0] <= 1.5 <= 2 * pauses[1] <= 6
    endpoint.replies = [reply] * 3
    with pytest.raises(EndpointError, match=r"(answered (429|500: oops|503)|hung up: .*) \(3 tries\)$"):
        chat.answer(prompt("another"))


def test_a_server_that_names_a_time_is_waited_for_so_long_within_reason(chat, endpoint, pauses):
    endpoint.replies = [(429, {}, {"Retry-After": "7"}), (429, {}, {"Retry-After": "9999"})]
    chat.answer(prompt())
    endpoint.replies = [(503, {}, {"Retry-After": formatdate(0)}), (503, {}, {"Retry-After": "soon"})]
    chat.answer(prompt("again"))
    assert pauses[:3] == [7.0, 60.0, 0.0]
    assert 1 <= pauses[3] <= 3


def test_silence_ends_after_the_time_limit(endpoint):
    endpoint.replies = [0.5]
    chat = ChatEndpoint(ChatSettings("tiny", http=HttpSettings(timeout=0.1, retries=0)))
    with pytest.raises(EndpointError, match=r"no answer in 0.1 s$"):
        chat.answer(prompt())


def test_an_answer_drop_by_drop_is_not_waited_for(endpoint):
    endpoint.drops = 0.05
    chat = ChatEndpoint(ChatSettings("tiny", http=HttpSettings(timeout=0.2, retries=0)))
    with pytest.raises(EndpointError, match=r"no whole answer in 0.2 s$"):
        chat.answer(prompt())


def test_the_tokens_may_be_missing(chat, endpoint):
    endpoint.replies = [(200, completion("14 days", usage=None))]
    answer = chat.answer(prompt())
    assert (answer.text, answer.prompt_tokens) == ("14 days", None)
    assert Prices(1, 1).of(answer) != Prices(1, 1).of(answer)  # not a number


def test_a_server_of_ones_own_needs_no_key(endpoint, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    ChatEndpoint(ChatSettings("tiny", base_url=f"{endpoint.url}/v1/")).answer(prompt())
    path, headers, _ = endpoint.asked[0]
    assert path == "/v1/chat/completions"
    assert "authorization" not in headers


def test_a_password_in_the_address_is_neither_kept_nor_told(endpoint, tmp_path):
    address = endpoint.url.replace("http://", "http://me:hidden@") + "/v1"
    chat = ChatEndpoint(ChatSettings("tiny", base_url=address), tmp_path)
    chat.answer(prompt())
    assert "hidden" not in files(chat)[0].read_text()
    endpoint.replies = [(401, {})]
    with pytest.raises(EndpointError, match=r"^http://127\.0\.0\.1:\d+/v1/chat/completions answered 401"):
        chat.answer(prompt("another"))


def test_a_broken_run_goes_on_from_its_cache(chat, endpoint):
    prompts = [prompt(text) for text in ("one", "two", "three", "two")]
    endpoint.usual = lambda path, body: (401, {}) if "three" in str(body) else (200, completion(str(body["messages"][-1])))
    with pytest.raises(EndpointError, match="answered 401"):
        answer_all(chat, prompts, workers=1)
    assert len(endpoint.asked) == 3
    endpoint.usual = lambda path, body: (200, completion("now"))
    answers = answer_all(chat, prompts, workers=2)
    assert len(endpoint.asked) == 4
    assert [a.cached for a in answers] == [True, True, False, True]
    assert answers[1] == answers[3]


def test_after_a_failure_no_further_prompt_is_sent(chat, endpoint):
    endpoint.usual = lambda path, body: (401, {})
    with pytest.raises(EndpointError):
        answer_all(chat, [prompt(str(n)) for n in range(50)], workers=3)
    assert 1 <= len(endpoint.asked) <= 3


def test_settings_that_cannot_be(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert ChatSettings("m").url == "https://api.openai.com/v1"
    with pytest.raises(DataError, match="model is empty"):
        ChatSettings("")
    with pytest.raises(DataError, match="base_url is no address"):
        ChatSettings("m", base_url="localhost:8000")
    with pytest.raises(DataError, match="parameters hold messages, stream, which"):
        ChatSettings("m", parameters={"stream": True, "messages": []})
    with pytest.raises(DataError, match=r"parameters are no JSON \(.*set.*\): pass numbers"):
        ChatSettings("m", parameters={"stop": {"."}})
    with pytest.raises(DataError, match="pass a timeout above 0"):
        HttpSettings(timeout=0)
    monkeypatch.setenv("OPENAI_API_KEY", "sk two")
    with pytest.raises(EndpointError, match=r"^OPENAI_API_KEY holds spaces") as raised:
        ChatEndpoint(ChatSettings("m", base_url="http://127.0.0.1:1")).answer(prompt())
    assert "sk" not in str(raised.value)
