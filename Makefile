# make course: run the course on aws_docs.  make test: everything CI runs.  make lab: open the notebooks.
# make site: the course as pages, in build/site.  make test-site, make test-lab: both in a real browser.
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
SITE := .venv-site/Scripts
else
BIN := .venv/bin
SITE := .venv-site/bin
endif
PYTHON ?= python3
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: course test lab notebooks site test-site test-lab clean
.DELETE_ON_ERROR:

# torch first and by itself: the exact version named in constraints.txt is the CPU build that was tested.
.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

course: .venv/installed
	$(BIN)/python -m tutorial_lib run --data aws_docs --out workspace/aws_docs

test: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest
	$(BIN)/python tests/validate_notebooks.py

lab: .venv/installed
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/00_the_whole_loop.ipynb

# After changing package or notebooks: run them all in a fresh workspace and save the outputs for nbval to compare with.
notebooks: .venv/installed
	$(BIN)/python tests/execute_notebooks.py

# Sphinx wants another docutils than awscli, the course's data: an environment of its own.
.venv-site/installed: docs/site/requirements.txt
	test -x $(SITE)/python || $(PYTHON) -m venv .venv-site
	$(SITE)/python -m pip install --quiet --requirement docs/site/requirements.txt
	touch $@

# The outputs that are committed, as pages; nothing is run. A link that leads nowhere is an error.
site: .venv-site/installed
	$(SITE)/sphinx-build -q -W --keep-going -c docs/site -d build/doctrees . build/site

# In Chromium: Debian's, or `.venv/bin/playwright install chromium`.
.venv/browser: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[browser]"
	touch $@

test-site: site .venv/browser
	BROWSER_TESTS=site $(BIN)/python -m pytest tests/browser/test_site.py

# Trains as notebook 00 does, unless TUTORIAL_WORKSPACE names a folder in which that was done.
test-lab: .venv/browser
	BROWSER_TESTS=lab $(BIN)/python -m pytest tests/browser/test_lab.py

clean:
	rm -rf workspace build
