"""A real browser, for those tests alone that BROWSER_TESTS asks for: ``make test-site``, ``make test-lab``."""

import os
import shutil

import pytest


def asked_for(name):
    """Skip unless BROWSER_TESTS names the test: what is missing is then an error, and no reason to skip."""
    if os.environ.get("BROWSER_TESTS") != name:
        pytest.skip(f"wants a browser: make test-{name} runs it")


@pytest.fixture(scope="module")
def chromium():
    """Chromium as the system has it, else playwright's own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium") or shutil.which("chromium-browser"))
        yield browser
        browser.close()
