# `make` alone lists the targets. Everything runs inside .venv, which `make setup` builds from requirements.lock; with
# LOCK=requirements-run.lock it leaves out what only tests need, as for a server or an image.
PYTHON ?= python3
VENV := .venv
LOCK := requirements.lock
BIN := $(VENV)/bin
BENCH := .venv-bench
RUN := .venv-run
OLD_DUCKDB := 1.3.2 1.4.3
NEXT_DUCKDB := 2.0.1
PACKAGES := avatar_tasks flows gateway pipeline reports simulator transforms warehouse
READERS := $(OLD_DUCKDB:%=.venv-duckdb/%/.set-up) .venv-duckdb/$(NEXT_DUCKDB)/.set-up
STAMP := $(VENV)/.set-up-from-$(LOCK)

.DEFAULT_GOAL := help
.PHONY: help setup demo test unit guide soak canary report-million check format docs bench lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## build .venv with every dependency, pinned by hash

$(STAMP): $(LOCK) requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"avatar-tasks needs Python 3.11 to 3.13 and found {v[0]}.{v[1]}; try: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(LOCK)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q $(PACKAGES)  # as pip does; 0.1 s a command where Python may not write (PYTHONDONTWRITEBYTECODE)
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null || true  # Prefect starts in half the time; a broken fixture inside a package is not a failure
	@touch $@

demo: setup  ## run everything on a simulated gateway, nothing else needed
	@$(BIN)/avatar-tasks demo

# pytest keeps the tests that it has rewritten, so that not each process of each run does it again: seconds for each.
unexport PYTHONDONTWRITEBYTECODE

# More workers than two cores: many tests wait, for a server, a deadline or a process.
test: setup $(READERS)  ## run the tests
	@$(BIN)/python -m pytest -n 4 --dist loadgroup --no-loadscope-reorder

unit: setup  ## run the tests of single parts, without servers, processes or whole runs, in a minute
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "not prefect and not postgres and not browser and not e2e and not guide and not soak"

guide: setup  ## follow docs/operating.md, command by command, in namespaces of its own, in three minutes; needs root
	@$(BIN)/python -m pytest -m guide -n 0 tests/guide

soak: setup  ## run the long forms of the promises' tests, about two hours, and print their figures
	@$(BIN)/python -m pytest -m soak -n 0

canary: setup .venv-duckdb/$(NEXT_DUCKDB)/.set-up  ## run the core of the tests with the next DuckDB, and print what is missing there
	@PYTHONPATH=.venv-duckdb/$(NEXT_DUCKDB) $(BIN)/python -m tests.warehouse.database.next_duckdb

report-million: setup  ## measure a report on a million tasks; fails if the page is 5 MB or more
	@$(BIN)/python -m benchmarks.report

check: setup  ## formatting, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: setup  ## format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: setup  ## regenerate the data dictionary
	@$(BIN)/python -m warehouse.dictionary

bench: $(BENCH)/.set-up  ## run the benchmarks and their peers (an hour; see benchmarks/README.md)
	@$(BENCH)/bin/python -m benchmarks
	@$(BENCH)/bin/python -m benchmarks --docs

$(BENCH)/.set-up: $(STAMP) requirements-bench.lock requirements-run.lock
	@$(MAKE) --no-print-directory setup VENV=$(RUN) LOCK=requirements-run.lock
	$(PYTHON) -m venv --clear $(BENCH)
	$(BIN)/uv pip install --quiet --python $(BENCH)/bin/python --require-hashes -r requirements-bench.lock
	@$(BENCH)/bin/python -m compileall -q -j 0 $(BENCH)/lib >/dev/null || true  # as in .venv
	@touch $@

UPGRADE ?= --upgrade
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-package avatar-tasks --python-version 3.11
SERVER := --extra prefect --extra report --extra lake --group build

.venv-duckdb/%/.set-up: tests/warehouse/database/duckdb-%.lock | $(STAMP)
	$(BIN)/uv pip install --quiet --target $(@D) --require-hashes -r $<
	@touch $@

lock: setup  ## resolve the dependencies again (then run `make setup test`); UPGRADE= keeps the versions that still fit
	$(COMPILE) $(UPGRADE) $(SERVER) --group dev pyproject.toml -o requirements.lock
	$(COMPILE) $(SERVER) --constraint requirements.lock pyproject.toml -o requirements-run.lock
	$(COMPILE) $(UPGRADE) --extra report --group bench --constraint requirements.lock pyproject.toml -o requirements-bench.lock
	echo uv | $(COMPILE) $(UPGRADE) - -o requirements-uv.lock
	for v in $(OLD_DUCKDB) $(NEXT_DUCKDB); do echo duckdb==$$v | $(COMPILE) - -o tests/warehouse/database/duckdb-$$v.lock || exit 1; done

clean:  ## remove .venv and caches (never data)
	rm -rf $(VENV) $(BENCH) $(RUN) .venv-duckdb .pytest_cache .mypy_cache .ruff_cache .hypothesis
