"""The search page's files: what they may load, who may read them, and that no text becomes markup."""

import re

import pytest

from tests.serving.calls import client_of, refusal
from tutorial_lib.data.dataset import Document
from tutorial_lib.serving.keys import Keys
from tutorial_lib.serving.page import FILES

KEY = "a-key-nobody-will-guess"


@pytest.mark.parametrize("path", FILES)
def test_each_file_is_there_and_allows_nothing_from_elsewhere(client, path):
    answer = client.get(path)
    name, kind = FILES[path]
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
    assert name.rpartition(".")[2] == kind.partition("/")[2].replace("javascript", "js")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", FILES)
def test_nothing_is_loaded_from_elsewhere_and_no_text_becomes_markup(client, path):
    text = client.get(path).text
    assert not re.findall(r"https?://|@import|url\(|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
    assert not re.findall(r"\son\w+=|\sstyle=|<style|<script(?! src)", text)


def test_what_the_page_names_is_there(client):
    page = client.get("/").text
    assert set(re.findall(r'(?:src|href)="([^"]+)"', page)) == {"data:,", "page.css", "page.js", "docs"}
    script = client.get("/page.js").text
    assert set(re.findall(r'at\("(\w+)"\)', script)) <= set(re.findall(r'id="(\w+)"', page))


def test_the_page_needs_no_key_and_what_it_asks_for_does(models):
    with client_of(models, keys=Keys([KEY]), documents={"a": Document("a", "A", "text")}) as client:
        assert [client.get(path).status_code for path in FILES] == [200] * 3
        assert refusal(client.get("/document?id=a"), 401)
        for path in ("/search", "/compare", "/events"):
            assert refusal(client.post(path, json={"query": "refund"}), 401)
        key = {"Authorization": f"Bearer {KEY}"}
        assert client.get("/document?id=a", headers=key).json() == {"id": "a", "title": "A", "text": "text"}


@pytest.mark.parametrize("document_id", ["a/../b", "..", "ü & <b>", "a?b#c", "%2e%2e/etc", "a\nb"])
def test_a_document_is_found_by_whatever_id_it_has(models, document_id):
    with client_of(models, documents={document_id: Document(document_id, "<b>", "text")}) as client:
        assert client.get("/document", params={"id": document_id}).json()["id"] == document_id


@pytest.mark.parametrize("query", ["", "?id=../../etc/passwd", "?id=%ff%fe", "?id=" + "a" * 20_000])
def test_a_document_that_is_not_there_is_named(models, query):
    with client_of(models, documents={"a": Document("a", "A", "text")}) as client:
        answer = client.get(f"/document{query}")
        error = refusal(answer, 404 if query else 400)
        assert error["message"].startswith("there is no document" if query else "id: it is missing")
