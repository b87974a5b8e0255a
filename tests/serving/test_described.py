"""The description of the interface, and the page that shows it."""

from tests.serving.calls import client_of
from tests.serving.raw import KEY
from tutorial_lib.serving.described import page
from tutorial_lib.serving.keys import Keys


def test_models_sizes_and_refusals_are_described(client):
    made = client.get("/openapi.json").json()
    fields = made["components"]["schemas"]["EmbeddingsRequest"]["properties"]
    assert fields["model"]["enum"] == ["tuned", "base"]
    assert fields["dimensions"]["anyOf"][0]["enum"] == [8, 16, 32]
    for methods in made["paths"].values():
        for operation in methods.values():
            assert "422" not in operation["responses"]
            assert "security" not in operation
    assert set(made["paths"]["/search"]["post"]["responses"]) >= {"200", "400", "401", "413", "415", "429", "503"}


def test_a_key_is_described_where_it_is_asked_for(models):
    with client_of(models, keys=Keys([KEY])) as client:
        made = client.get("/openapi.json").json()
    assert made["paths"]["/search"]["post"]["security"] == [{"key": []}]
    assert "security" not in made["paths"]["/healthz"]["get"]
    assert KEY not in str(made)


def test_the_page_loads_nothing_and_runs_nothing(client):
    answer = client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for path in ("/v1/embeddings", "/v1/rerank", "/search", "/metrics", "/document?id=…"):
        assert path in answer.text
    for foreign in ("<script", "src=", "https://", "@import"):
        assert foreign not in answer.text


def test_texts_are_escaped(client):
    made = client.get("/openapi.json").json()
    made["info"]["title"] = "<script>alert(1)</script>"
    made["paths"] = {"/<b>": {"get": {"description": "<i>"}}}
    shown = page(made)
    assert "<script" not in shown
    assert "<b>" not in shown
    assert "<i>" not in shown


def test_what_an_answer_is_asked_about_further_is_there(client):
    operations = [o for methods in client.get("/openapi.json").json()["paths"].values() for o in methods.values()]
    links = [link for o in operations for link in o["responses"].get("200", {}).get("links", {}).values()]
    assert len(links) == 2
    assert {link["operationId"] for link in links} <= {o["operationId"] for o in operations}
