# make demo and make test install everything they need. A bare machine with python3 and make is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
BENCH_STAMP := $(VENV)-bench/.installed
USER_STAMP := $(VENV)-user/.installed

.PHONY: help demo quick test coverage lint types layers unit suite bench torture torture-cluster cluster-demo test-desktop test-oldest constraints clean
.DEFAULT_GOAL := help

help:
	@echo "make demo             install, start the practice CRM, import a sample sheet, show where the report is"
	@echo "make quick            linters, types, layers and the fast tests: under 40 seconds on two cores"
	@echo "make test             linters, types, layers and all tests"
	@echo "make coverage         all tests again, with the branches that they reach: half as much time again"
	@echo "make cluster-demo     send a batch over a cluster on this computer, and kill a worker on the way"
	@echo "make torture          thousands of faults and kills, with a table at the end"
	@echo "make torture-cluster  workers, network and coordinator of a cluster that fail, with a table at the end"
	@echo "make bench            speed and memory, compared with other tools"
	@echo "make test-desktop     tests that open the reports in LibreOffice and Chromium"
	@echo "make test-oldest      all tests with the oldest releases that pyproject.toml allows"
	@echo "make constraints      write the newest exact versions to constraints.txt"
	@echo "make clean            delete what the other targets have made"

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into $(VENV), about a minute ..."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(DEV_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . --group dev
	@touch $@

demo: $(STAMP)
	@$(BIN)/importer demo
	@echo "In this folder the command is $(BIN)/importer. To type importer alone, run: source $(BIN)/activate"
	@echo "To do the same in your browser, with your own sheet: $(BIN)/importer ui --practice"

# No socket, no simulation, no property test: see tests/conftest.py. Types are checked while the tests run.
quick: $(DEV_STAMP)
	@$(MAKE) --no-print-directory -j2 lint types layers unit

test: $(DEV_STAMP) lint types layers suite

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV_STAMP)
	$(BIN)/mypy

layers: $(DEV_STAMP)
	$(BIN)/lint-imports

unit: $(DEV_STAMP)
	$(BIN)/pytest -q -n auto -m "not socket and not slow and not desktop"

suite: $(DEV_STAMP)
	$(BIN)/pytest -n auto --dist worksteal

# A target of its own, because tracing costs as much as half of the tests on Python 3.11.
coverage: $(DEV_STAMP)
	$(BIN)/pytest -n auto --cov --cov-report=term:skip-covered --cov-fail-under=90

test-desktop: $(DEV_STAMP)
	$(BIN)/pytest -m desktop

# pip keeps the releases that users already have, so the oldest ones that pyproject.toml allows must work too.
test-oldest: $(DEV_STAMP)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)-oldest
	$(BIN)/uv pip install --quiet --python $(VENV)-oldest --resolution lowest-direct -e .
	$(BIN)/uv pip install --quiet --python $(VENV)-oldest --group dev
	$(VENV)-oldest/bin/pytest -n auto

cluster-demo: $(DEV_STAMP)
	@$(BIN)/python -m tools.cluster_demo

torture: $(DEV_STAMP)
	EXAMPLES_FACTOR=10 $(BIN)/pytest -q -n auto tests/test_csv_injection.py tests/sandbox/test_hostile_requests.py tests/loader/test_delimited_text.py tests/pipeline/test_any_edits.py tests/pipeline/test_row_search.py tests/planner/test_policy_tally.py
	$(BIN)/python -m tests.torture

torture-cluster: $(DEV_STAMP)
	$(BIN)/python -m tests.cluster.torture_cluster $(RUNS)

# The other tools are installed into their own venv, so that their libraries do not change what is tested.
$(BENCH_STAMP): pyproject.toml $(DEV_STAMP)
	test -x $(VENV)-bench/bin/python || $(PYTHON) -m venv $(VENV)-bench
	$(BIN)/python -m pip --python $(VENV)-bench/bin/python install --quiet --disable-pip-version-check --group bench
	@touch $@

# The command as users have it: without development libraries, and compiled during installation.
$(USER_STAMP): pyproject.toml constraints.txt $(DEV_STAMP) $(shell find importer -type f -not -name '*.pyc')
	test -x $(VENV)-user/bin/python || $(PYTHON) -m venv $(VENV)-user
	$(BIN)/python -m pip --python $(VENV)-user/bin/python install --quiet --disable-pip-version-check -c constraints.txt .
	@touch $@

bench: $(BENCH_STAMP) $(USER_STAMP)
	$(BIN)/python -m benchmarks $(BENCH)

# For every Python and system that pyproject.toml allows, because Python 3.15 needs another numpy than 3.11.
constraints: $(DEV_STAMP)
	$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --no-header --no-annotate --group dev pyproject.toml -o constraints.txt

clean:
	rm -rf $(VENV) $(VENV)-bench $(VENV)-user $(VENV)-oldest build dist .coverage* .mypy_cache .ruff_cache .pytest_cache
