"""What stands in for a language model quotes what it was shown, and is asked as one is."""

import json
import urllib.error
import urllib.request

import pytest

from tutorial_lib.rag.endpoint import ChatEndpoint, ChatSettings
from tutorial_lib.rag.stand_in import Quotes, serve
from tutorial_lib.rag.tokens import TokenCounter

WORDS = TokenCounter("words", lambda text: len(text.split()))
CONTEXT = "Cancel online. Money is paid back within 14 days.\nAsk Box 4 about vouchers."


def chat(question, context=CONTEXT):
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"{context}\n\nQuestion: {question}"}]


def test_it_quotes_the_sentence_that_shares_most_with_the_question_and_counts_tokens():
    answer = Quotes(WORDS, sentences=1).answer(chat("when is money paid back?"))
    assert answer.text == "Money is paid back within 14 days."
    assert (answer.prompt_tokens, answer.completion_tokens) == (2 + 14 + 6, 7)


def test_quotations_stand_in_the_order_of_the_prompt():
    assert Quotes(WORDS, sentences=2).answer(chat("vouchers or money")).text == (
        "Money is paid back within 14 days. Ask Box 4 about vouchers."
    )


@pytest.mark.parametrize(("question", "context"), [("zebras?", CONTEXT), ("money?", ""), ("", CONTEXT)])
def test_it_says_so_where_it_finds_nothing(question, context):
    assert Quotes(WORDS).answer(chat(question, context)).text == "The articles do not say."


def test_it_is_asked_over_http_as_a_model_is():
    with serve(Quotes(WORDS, sentences=1)) as base_url:
        endpoint = ChatEndpoint(ChatSettings("quotes", base_url))
        answer = endpoint.answer(chat("when is money paid back?"))
    assert (answer.text, answer.prompt_tokens, answer.model) == ("Money is paid back within 14 days.", 22, "quotes")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/models", {}, 404), ("/chat/completions", {}, 400), ("/chat/completions", {"messages": []}, 400)],
)
def test_what_is_no_chat_is_refused(path, body, status):
    with serve(Quotes(WORDS)) as base_url:
        request = urllib.request.Request(base_url + path, json.dumps(body).encode())
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == status
        assert "message" in json.loads(refused.value.read())["error"]
