# Everything starts from plain python3 and pip: the environment is made from the lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
# Tests wait for brokers most of the time: two processes share the files, those that take long first.
TESTERS ?= 2

.PHONY: help demo test test-ops soak lint format types bench bench-quick bench-guard check lock clean

help: ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements-dev.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.lock; }
	@echo "Installing the locked environment into $(VENV) (several GB, minutes on a slow line) …" >&2
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python requirements-dev.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python -e .
	@touch $@

demo: $(STAMP) ## Run the main job on an embedded real Kafka; options by ARGS="…".
	@$(BIN)/streamer demo $(ARGS)

test: $(STAMP) ## Run all tests, integration tests on real Kafka included.
	@$(BIN)/python -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder -m "not ops and not bench" $(ARGS)

test-ops: $(STAMP) ## Run the tests that need Prometheus and promtool.
	@$(BIN)/python -m pytest -m ops $(ARGS)

soak: $(STAMP) ## Run workers through faults at random for minutes; options by ARGS="…".
	@$(BIN)/python -m tests.faults.soak $(ARGS)

lint: $(STAMP) ## Check style and format.
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(STAMP) ## Put style and format right.
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

types: $(STAMP) ## Check types.
	@$(BIN)/mypy

bench: $(STAMP) ## Measure speed beside the bare client and peers; prints a table, writes JSON and a plot.
	@$(BIN)/python -m tests.bench $(ARGS)

bench-quick: $(STAMP) ## The same with less of everything, in under two minutes.
	@$(BIN)/python -m tests.bench --quick $(ARGS)

bench-guard: $(STAMP) ## Fail if the worker became slow beside the bare client; ARGS=--store takes today's ratios.
	@$(BIN)/python -m tests.bench.guard $(ARGS)

check: lint types test ## Everything a commit must pass.

lock: ## Pin all dependencies anew.
	@echo uv | $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-header --no-annotate - -o requirements-uv.lock
	@$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-header --no-annotate pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --all-extras --group dev --constraint requirements.lock pyproject.toml -o requirements-dev.lock
	@grep -E '^(msgspec|numba|numpy|safetensors|torch)==' requirements.lock | tr -d '\\' | $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --constraint - tests/bench/quix.in -o tests/bench/quix.lock

clean: ## Remove the environment and everything the demo keeps.
	@rm -rf $(VENV) .streamer dist build
