"""The search page in a browser: find, open, say that it answered; then what the log holds, and the pair that comes of it."""

import json
import shutil
import threading
from datetime import UTC, datetime

import pytest
import uvicorn

from tests.data.logs import learnt, lines
from tutorial_lib.data.columns import ArticleColumns, Columns
from tutorial_lib.data.dataset import Document
from tutorial_lib.data.search_log import from_search_log
from tutorial_lib.index import FlatStore, VectorIndex, reindex
from tutorial_lib.serving.app import create_app
from tutorial_lib.serving.comparing import BaseSearch
from tutorial_lib.serving.event_log import EventLog
from tutorial_lib.serving.keys import Keys
from tutorial_lib.serving.live import Live
from tutorial_lib.serving.server import bound, configured
from tutorial_lib.serving.service import Service

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the search page is tested with playwright: pip install '.[browser]'"
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="the search page is tested in chromium, and there is none on the PATH"
)

SCRIPT = "<img src=x onerror=document.body.dataset.hit=1><script>document.body.dataset.hit=1</script>"
KEY = "a-key-nobody-will-guess"
DOCUMENTS = {
    d.document_id: d
    for d in [
        Document(
            "billing/annual-plan",
            "Refund of an annual plan",
            "open the refund page\nthen click cancel " + "invoice " * 400,
        ),
        Document("billing/coupon", "Coupon", "😀😀 open the coupon page"),
        Document("devices/router?a=1&b=../2", SCRIPT, f"reset the router {SCRIPT}"),
    ]
}


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """Return a function that opens a page; what the browser complains of, a broken policy say, fails the test."""
    complaints, contexts = [], []

    def visit(url, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.goto(url)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [said for said in complaints if "the server responded with a status of" not in said] == []


@pytest.fixture
def served(models, tmp_path):
    """Return a function that starts a service in a thread and returns its address; what it records lies in ``events``."""
    tuned, ended = models.get("tuned"), []

    def open_index():
        return VectorIndex(FlatStore(tmp_path / "flat"))

    texts = {a: document.full_text for a, document in DOCUMENTS.items()}
    reindex(open_index(), texts, tuned.encoder, tmp_path / "work")
    ids = sorted(texts)
    base = BaseSearch(tuned, ids, tuned.encoder.encode_documents([texts[a] for a in ids]))

    def served(**options):
        log = EventLog(tmp_path / "events", list, every=0.01)
        made = {"live": Live(open_index, models), "documents": DOCUMENTS, "events": log, "base": base, **options}
        server = uvicorn.Server(configured(create_app(Service(models, **made)), 30))
        listening = bound("127.0.0.1", 0)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()

        def end():
            server.should_exit = True
            thread.join()
            listening.close()

        ended.append(end)
        return f"http://127.0.0.1:{listening.getsockname()[1]}/", end

    yield served
    for end in ended:
        end()


def search(page, query):
    page.get_by_label("What do you want to know?").fill(query)
    page.keyboard.press("Enter")
    page.locator("#results li").first.wait_for()


def recorded(folder, kind):
    return [json.loads(line) for file in sorted(folder.glob(f"{kind}-*.jsonl")) for line in file.read_text().splitlines()]


def test_from_a_click_to_a_training_pair(visit, served, tmp_path):
    url, end = served()
    for _ in range(2):  # two visitors: at the first place one alone is not enough
        page = visit(url)
        search(page, "refund for annual plan")
        assert page.locator("#status").inner_text() == "3 articles for “refund for annual plan”"
        first = page.locator("#results li").first
        opened = first.locator(".about").inner_text().split(" · ")[0]
        first.get_by_role("button").click()
        page.get_by_role("button", name="This answered my question").click()
        page.get_by_text("Thank you: this is noted.").wait_for()
        assert page.locator("#text").inner_text() == DOCUMENTS[opened].text
        with page.expect_response(lambda answer: "leave" in (answer.request.post_data or "")) as left:
            page.get_by_role("button", name="Close").click()
        assert left.value.status == 202
    end()
    queries, events = recorded(tmp_path / "events", "queries"), recorded(tmp_path / "events", "events")
    assert [query["user_query"] for query in queries] == ["refund for annual plan"] * 2
    assert len({query["client_id"] for query in queries}) == 2
    assert [event["action_name"] for event in events] == ["click", "answered", "leave"] * 2
    for event in events:
        attributes = event["event_attributes"]
        assert (attributes["object"]["object_id"], attributes["position"]["ordinal"]) == (opened, 1)
        assert datetime.fromisoformat(event["timestamp"]) <= datetime.now(UTC)
    assert all(0 < event["event_attributes"]["dwell_seconds"] < 60 for event in events if event["action_name"] == "leave")

    rows = [{"article_id": a, "title": document.title, "body": document.text} for a, document in DOCUMENTS.items()]
    columns = Columns(articles=ArticleColumns(created_at=None, superseded_by=None))
    dataset = from_search_log(tmp_path / "events", lines(tmp_path / "articles.jsonl", rows), columns, divide=False)
    assert learnt(dataset) == {"refund for annual plan": [opened]}


def test_everything_is_done_with_the_keyboard(visit, served, tmp_path):
    url, end = served()
    page = visit(url)
    focused = page.locator(":focus")
    assert focused.get_attribute("id") == "query"
    page.keyboard.type("refund")
    page.keyboard.press("Enter")
    page.locator("#results li").first.wait_for()
    for _ in range(3):  # past the button and the switch
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    assert focused.get_attribute("id") == "title"
    page.get_by_role("button", name="This answered my question").wait_for()
    for name in ("close", "text", "answered"):
        page.keyboard.press("Tab")
        assert focused.get_attribute("id") == name
    page.keyboard.press("Enter")
    page.get_by_text("Thank you: this is noted.").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert focused.inner_text() in {document.title for document in DOCUMENTS.values()}
    end()
    assert [event["action_name"] for event in recorded(tmp_path / "events", "events")] == ["click", "answered", "leave"]


def test_hostile_texts_are_shown_as_they_are(visit, served):
    page = visit(served()[0])
    search(page, SCRIPT)
    assert SCRIPT in page.locator("#status").inner_text()
    page.get_by_role("button", name=SCRIPT).click()
    page.locator("#text", has_text="reset the router").wait_for()
    assert page.locator("#text").inner_text() == f"reset the router {SCRIPT}"
    assert page.locator("#title").inner_text() == SCRIPT
    assert page.evaluate("document.body.dataset.hit") is None
    assert page.locator("img, iframe, script:not([src='page.js'])").count() == 0


def test_words_that_are_close_are_marked_behind_an_emoji_too(visit, served):
    page = visit(served()[0])
    search(page, DOCUMENTS["billing/coupon"].text)
    item = page.locator("#results li", has_text="billing/coupon")
    assert item.locator("mark").all_inner_texts()[-4:] == ["open", "the", "coupon", "page"]


def test_both_models_side_by_side_and_nothing_recorded(visit, served, tmp_path):
    url, end = served()
    page = visit(url)
    page.get_by_label("Compare with the model before tuning").check()
    search(page, "refund")
    assert page.locator("#results section h2").all_inner_texts() == ["Live: version 1", "Before tuning"]
    about = page.locator("#results section").first.locator(".about").first.inner_text()
    assert about.endswith("before tuning at place 1")
    page.locator("#results li button").first.click()
    page.locator("#text", has_text="the").wait_for()
    assert not page.get_by_role("button", name="This answered my question").is_visible()
    end()
    assert recorded(tmp_path / "events", "queries") == recorded(tmp_path / "events", "events") == []


def test_where_there_is_nothing_to_compare_with_it_says_so(visit, served):
    page = visit(served(base=None)[0])
    page.get_by_label("Compare with the model before tuning").check()
    page.get_by_label("What do you want to know?").fill("refund")
    page.keyboard.press("Enter")
    page.get_by_text("there is nothing to compare with").wait_for()
    assert page.get_by_label("Compare with the model before tuning").is_disabled()
    search(page, "refund")


def test_a_key_is_asked_for_and_kept_while_the_page_is_open(visit, served):
    page = visit(served(keys=Keys([KEY]))[0])
    page.get_by_label("What do you want to know?").fill("refund")
    page.keyboard.press("Enter")
    page.get_by_label("This service asks for a key").fill("a-wrong-key-nobody-has")
    page.keyboard.press("Enter")
    page.get_by_text("this key is none of ours").wait_for()
    page.get_by_label("This service asks for a key").fill(KEY)
    page.keyboard.press("Enter")
    page.locator("#results li").first.wait_for()
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    page.locator("#results li button").first.click()
    page.get_by_role("button", name="This answered my question").click()
    page.get_by_text("Thank you: this is noted.").wait_for()
    page.reload()
    page.get_by_label("What do you want to know?").fill("refund")
    page.keyboard.press("Enter")
    page.get_by_label("This service asks for a key").wait_for()


def test_what_goes_wrong_is_said(visit, served):
    page = visit(served()[0])
    search(page, "refund")
    page.locator("#results li button").first.click()
    page.get_by_role("dialog").wait_for()
    page.route("**/events", lambda route: route.fulfill(status=502, body="a proxy's words"))
    page.get_by_role("button", name="This answered my question").click()
    page.get_by_text("It was not noted. The service cannot be reached.").wait_for()
    assert page.get_by_role("button", name="This answered my question").is_enabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_screen(visit, served, scheme):
    page = visit(served()[0], viewport={"width": 360, "height": 640}, color_scheme=scheme)
    for compare in (False, True):
        page.get_by_label("Compare with the model before tuning").set_checked(compare)
        search(page, "refund " * 100)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_label("Compare with the model before tuning").uncheck()
    page.get_by_text("3 articles for").wait_for()
    page.locator("#results li button").first.click()
    box = page.get_by_role("dialog").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    style = "getComputedStyle(document.body)"
    ink, paper = (page.evaluate(f"parseInt({style}.{name}.slice(4))") for name in ("color", "backgroundColor"))
    assert (ink < paper) == (scheme == "light")
