"""The site in a real browser: every page, its links and pictures, the search, both schemes, a phone."""

import functools
import http.server
import json
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from bs4 import BeautifulSoup

from tests.browser.conftest import asked_for

ROOT = Path(__file__).resolve().parent.parent.parent
SITE = ROOT / "build" / "site"
MADE_BY_SPHINX = {"genindex.html", "search.html"}
ABORTED = "net::ERR_ABORTED"
"""A request that was still on its way when the next page was opened."""
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module", autouse=True)
def pages():
    """The addresses of all pages, relative to the site."""
    asked_for("site")
    found = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html") if "_static" not in path.parts)
    assert found, "make site builds them"
    return [page for page in found if page not in MADE_BY_SPHINX]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that says nothing of each request."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address(pages):
    """Where the site is served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def read(page):
    return BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")


def test_there_is_a_page_for_every_chapter_solution_and_document(pages):
    sources = [*(ROOT / "notebooks").rglob("*.ipynb"), *(ROOT / "docs").glob("*.md"), ROOT / "CHANGELOG.md"]
    wanted = {
        str(source.relative_to(ROOT).with_suffix(".html")) for source in sources if ".ipynb_checkpoints" not in source.parts
    }
    assert wanted | {"index.html"} <= set(pages)


def test_every_page_loads_with_its_pictures_and_without_a_word_on_the_console(chromium, address, pages):
    said = []
    tab = chromium.new_page()
    tab.on("console", lambda message: said.append((tab.url, message.text)) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: said.append((tab.url, str(error))))
    tab.on("requestfailed", lambda request: said.append((tab.url, request.url)) if request.failure != ABORTED else None)
    tab.on("response", lambda response: said.append((tab.url, response.url)) if response.status >= 400 else None)
    for page in pages:
        tab.goto(address + page, wait_until="networkidle")
        broken = "() => [...document.images].filter(image => image.complete && !image.naturalWidth).map(image => image.src)"
        assert tab.evaluate(broken) == [], page
    tab.close()
    assert said == []


def test_every_link_within_the_site_leads_somewhere(pages):
    names = {page: {tag["id"] for tag in read(page).find_all(id=True)} for page in [*pages, *MADE_BY_SPHINX]}
    lost = []
    for page in pages:
        for link in {a["href"] for a in read(page).find_all("a", href=True)}:
            target, heading = urldefrag(urljoin(f"http://site/{page}", link))
            if not target.startswith("http://site/"):
                continue
            path = unquote(target.removeprefix("http://site/")) or "index.html"
            if not (SITE / path).is_file() or (heading and path in names and unquote(heading) not in names[path]):
                lost.append((page, link))
    assert lost == []


def told_in_words(notebook):
    """Whether the figures of a notebook carry alternative texts, as those do that were run since ``show`` writes them."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    return all("alt" in output["metadata"].get("image/png", {}) for output in outputs)


def test_every_picture_is_told_in_words(pages):
    for page in pages:
        source = ROOT / Path(page).with_suffix(".ipynb")
        if source.exists() and not told_in_words(source):
            continue  # tests/test_notebooks.py names those
        for image in read(page).find("article").find_all("img"):
            assert len(image.get("alt", "")) > 20 and not image["alt"].endswith(".png"), (page, image["src"])


def test_the_search_finds_the_chapter_and_the_glossary(chromium, address):
    tab = chromium.new_page()
    tab.goto(address + "search.html?q=temperature")
    tab.wait_for_selector("#search-results li a")
    tab.wait_for_function("() => document.querySelector('#search-results .search-summary')?.textContent.includes('found')")
    found = tab.eval_on_selector_all("#search-results li > a", "links => links.map(link => link.pathname)")
    tab.close()
    assert {"/docs/glossary.html", "/notebooks/04_finetune_with_lora.html"} <= set(found)


def test_the_page_turns_dark_and_its_drawing_with_it(chromium, address):
    context = chromium.new_context(color_scheme="light")
    tab = context.new_page()
    tab.goto(address + "notebooks/00_the_whole_loop.html", wait_until="networkidle")
    paper = "() => getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(paper)
    tab.click(".theme-switch-button:visible")
    tab.click(".theme-change-button[data-mode=dark]:visible")
    scheme = tab.eval_on_selector("article img", "image => getComputedStyle(image).colorScheme")
    assert (light, scheme) == ("rgb(255, 255, 255)", "dark")
    assert max(int(part) for part in tab.evaluate(paper).removeprefix("rgb(").rstrip(")").split(",")) < 60
    context.close()


def test_no_page_goes_sideways_on_a_phone(chromium, address, pages):
    tab = chromium.new_page(viewport=PHONE)
    for page in pages:
        tab.goto(address + page, wait_until="networkidle")
        assert tab.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"], page
    tab.close()
