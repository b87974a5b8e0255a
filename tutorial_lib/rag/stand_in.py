"""A stand-in for a language model, for when none is at hand: it quotes, and it can be asked over HTTP as one is."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tutorial_lib.rag.answer import Answer, Answerer, Messages
from tutorial_lib.rag.facts import plain_words
from tutorial_lib.rag.tokens import TokenCounter
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.terms import BM25Settings
from tutorial_lib.text import has_words

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_QUESTION = "Question:"
_JUDGED = re.compile(r"^Facts:\n(?P<facts>.*?)\n\n<answer>\n(?P<answer>.*?)\n?</answer>", re.DOTALL | re.MULTILINE)
_WORDS = BM25Settings(idf="lucene", stop_words="en", stemmer="en")


@dataclass(frozen=True)
class Quotes:
    r"""Answers with the sentences of the prompt that share most with the question, as BM25 weighs words.

    It understands nothing: no instruction, no sentence. So it is quick, the same on every machine, and of use where what
    is tried is the way to a model and not the model: contexts, caches, tables. The prompt must end in "Question: …", as
    those of the course do.

    Attributes:
        count: Counts the tokens of prompts and answers.
        sentences: How many are quoted.
        name: For tables and records.

    >>> quotes = Quotes(TokenCounter("words", lambda text: len(text.split())), sentences=1)
    >>> prompt = "Paid back within 14 days. Ask Box 4.\n\nQuestion: when am I paid?"
    >>> quotes.answer([{"role": "user", "content": prompt}]).text
    'Paid back within 14 days.'
    """

    count: TokenCounter
    sentences: int = 3
    name: str = "quotes"

    def answer(self, messages: Messages) -> Answer:
        """Return the quotation, its sentences in the order of the prompt; what it found nothing for, it says so."""
        shown, _, question = messages[-1]["content"].rpartition(_QUESTION)
        parts = {f"{n:06}": part for n, part in enumerate(_SENTENCE.split(shown)) if has_words(part)}
        found = BM25(parts, _WORDS).search({"q": question}, k=self.sentences)["q"] if parts else {}
        text = " ".join(parts[n] for n in sorted(found)) or "The articles do not say."
        tokens = sum(self.count(message["content"]) for message in messages)
        return Answer(text, tokens, self.count(text), seconds=0.0, model=self.name)


@dataclass(frozen=True)
class MatchesWords:
    r"""Stands in for a judge (``rag.judge``): says yes where the answer holds enough of the words of each fact.

    It understands nothing: "within 30 days" holds most words of "within 14 days". So it tries the way to a judge, and shows
    what a judge that is too kind looks like beside the facts. It reads the prompt "judge.v1".

    Attributes:
        share: Of the words of a fact that an answer must hold, 0 to 1.
        name: For tables and records.

    >>> prompt = "Facts:\n- within 14 days (or: two weeks)\n\n<answer>\nWithin 30 days.\n</answer>"
    >>> MatchesWords().answer([{"role": "user", "content": prompt}]).text
    'VERDICT: yes'
    """

    share: float = 0.6
    name: str = "matches words"

    def answer(self, messages: Messages) -> Answer:
        """Return a verdict; of a prompt in another form it says that it cannot judge it."""
        found = _JUDGED.search(messages[-1]["content"])
        if found is None:
            return Answer("There is nothing to judge.", None, None, seconds=0.0, model=self.name)
        held = set(plain_words(found["answer"]).split())
        facts = [set(plain_words(fact.partition(" (or: ")[0]).split()) for fact in found["facts"].splitlines()]
        yes = all(len(fact & held) >= self.share * len(fact) for fact in facts)
        return Answer(f"VERDICT: {'yes' if yes else 'no'}", None, None, seconds=0.0, model=self.name)


@contextmanager
def serve(answerer: Answerer) -> Iterator[str]:
    r"""Serve an answerer on a free port of this machine as OpenAI's chat completions are served; yield its base_url.

    For trying things out: no key is asked for, and only programs on this machine reach it.

    >>> from tutorial_lib.rag import ChatEndpoint, ChatSettings
    >>> words = TokenCounter("words", lambda text: len(text.split()))
    >>> with serve(Quotes(words)) as base_url:
    ...     endpoint = ChatEndpoint(ChatSettings("quotes", base_url))
    ...     endpoint.answer([{"role": "user", "content": "Paid back within 14 days.\nQuestion: paid back?"}]).text
    'Paid back within 14 days.'
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answerer))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(answerer: Answerer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept open
        wbufsize = -1  # head and body in one packet

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, reply = _reply(answerer, self.path, asked)
            content = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


def _reply(answerer: Answerer, path: str, asked: bytes) -> tuple[int, dict[str, Any]]:
    """Return status and body for a request."""
    if path != "/v1/chat/completions":
        return 404, {"error": {"message": f"no such path: {path}; there is /v1/chat/completions"}}
    try:
        messages = json.loads(asked)["messages"]
        answer = answerer.answer(messages)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        return 400, {"error": {"message": f"no chat that can be answered: {error}"}}
    message = {"role": "assistant", "content": answer.text}
    usage = {"prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.completion_tokens}
    choice = {"index": 0, "message": message, "finish_reason": answer.finish_reason}
    return 200, {"object": "chat.completion", "model": answer.model, "choices": [choice], "usage": usage}
