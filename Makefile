PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROUNDS ?= 1000

.PHONY: setup test lint types demo demo-crash docs bench bench-peers soak lock

setup: $(VENV)/.installed  ## make the environment in .venv from the lock file

$(VENV)/.installed: requirements/dev.txt pyproject.toml
	@echo "making the environment in $(VENV): some minutes, the first time"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src/haar
	touch $@

test: setup  ## run all tests
	$(BIN)/pytest -n 2

lint: setup  ## ruff, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup  ## mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/pyright

demo: setup  ## tell the story of the README on 336,776 flights, and check each figure
	@$(BIN)/haar demo

demo-crash: setup  ## the same while haar is killed twice
	@$(BIN)/haar demo --crash

soak: setup  ## kill servers that writers work on, ROUNDS times
	HAAR_CRASH_ROUNDS=$(ROUNDS) $(BIN)/pytest tests/crash -s

docs: setup  ## write the generated pages anew
	$(BIN)/python docs/generate.py

bench: setup  ## measure; write the table of docs/performance.md
	$(BIN)/python bench/run.py --write

bench-peers:  ## install what haar is measured beside
	$(PYTHON) -m venv bench/.peers
	bench/.peers/bin/pip install --quiet --disable-pip-version-check -r bench/peers.txt
	cd bench && npm install --no-audit --no-fund --no-package-lock

lock:  ## write the lock file anew (needs uv)
	uv pip compile pyproject.toml --group dev --extra demo --extra testing --extra transfers \
	    --universal \
	    --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    --output-file requirements/dev.txt
