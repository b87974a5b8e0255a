"""JupyterLab really opened: ``make lab``'s server, notebook 00, all cells run, the figure before and after seen.

Notebook 00 trains for minutes. With TUTORIAL_WORKSPACE, a folder in which it ran before, a copy of that is used.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from tests.browser.conftest import asked_for

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOK = "notebooks/00_the_whole_loop.ipynb"
TOKEN = "opened-by-a-test"
MINUTES = 30
"""How long a slow machine may take to run the notebook, training included."""


def a_checkout_to_spoil(folder):
    """Copy what JupyterLab serves, the notebook without the outputs that were committed: none can be taken for a new one."""
    shutil.copytree(ROOT / "docs", folder / "docs")
    notebook = nbformat.read(ROOT / NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    (folder / "notebooks").mkdir()
    nbformat.write(notebook, folder / NOTEBOOK)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(port):
    """Return what ``make lab`` starts, on this port and without a browser of its own."""
    recipe = re.search(r"^lab:.*\n\t\S+ (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    jupyter = Path(sys.executable).with_name("jupyter")
    return [
        str(jupyter),
        *recipe.split(),
        "--no-browser",
        "--allow-root",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
    ]


def settings_of_nobody(folder):
    """Return an environment in which nobody's settings, kernels or workspaces are used; every cell is drawn, seen or not."""
    tracker = (
        folder / "config" / "lab" / "user-settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    )
    tracker.parent.mkdir(parents=True)
    tracker.write_text(json.dumps({"windowingMode": "none"}), encoding="utf-8")
    places = {f"JUPYTER_{kind.upper()}_DIR": str(folder / kind) for kind in ("config", "data", "runtime")}
    return {**os.environ, **places, "JUPYTER_TOKEN": TOKEN, "TUTORIAL_WORKSPACE": str(folder / "workspace")}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The folder and the address of a running JupyterLab."""
    asked_for("lab")
    folder, port = tmp_path_factory.mktemp("lab"), free_port()
    a_checkout_to_spoil(folder)
    if made_before := os.environ.get("TUTORIAL_WORKSPACE"):
        shutil.copytree(made_before, folder / "workspace")
    log = (folder / "log").open("w")
    server = subprocess.Popen(command(port), cwd=folder, env=settings_of_nobody(folder), stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    while server.poll() is None and not answers(address):
        time.sleep(0.5)
    assert server.poll() is None, (folder / "log").read_text(encoding="utf-8")
    yield folder, address
    server.terminate()
    server.wait()
    log.close()


def answers(address):
    try:
        return urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=5).status == 200
    except OSError:
        return False


@pytest.mark.slow
def test_notebook_00_is_opened_run_and_shows_before_and_after(lab, chromium):
    folder, address = lab
    tab = chromium.new_page(viewport={"width": 1300, "height": 1000})
    tab.set_default_timeout(120_000)
    tab.goto(f"{address}/?token={TOKEN}")  # leads to the notebook that make lab names
    tab.wait_for_selector(".jp-Notebook .jp-CodeCell")
    assert "00_the_whole_loop" in tab.url
    drawing = tab.wait_for_selector('.jp-RenderedMarkdown img[src*="the_loop.svg"]')
    tab.wait_for_function("image => image.naturalWidth > 300", arg=drawing)

    tab.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', state="attached")
    tab.click('.lm-MenuBar-itemLabel:text-is("Run")')
    tab.click('.lm-Menu-itemLabel:text-is("Run All Cells")')
    last = code_cells()
    tab.wait_for_selector(f'.jp-InputPrompt:text-is("[{last}]:")', state="attached", timeout=60_000 * MINUTES)

    assert tab.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    figure = tab.locator(".jp-CodeCell", has_text="search_results").locator("img")
    figure.scroll_into_view_if_needed()
    assert figure.is_visible() and figure.evaluate("image => image.naturalWidth") > 1000
    tab.screenshot(path=folder / "seen.png")
    assert (folder / "workspace" / "support_desk" / "model").is_dir()
    tab.close()


def code_cells():
    """How many cells the notebook runs: the number at the last one."""
    return sum(cell.cell_type == "code" for cell in nbformat.read(ROOT / NOTEBOOK, as_version=4).cells)
