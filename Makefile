# make course: run the course on aws_docs.  make test: everything CI runs.  make lab: open the notebooks.
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
PYTHON ?= python3
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: course test lab notebooks clean
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

clean:
	rm -rf workspace
