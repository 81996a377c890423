# Two commands do all the set-up: make demo, make test. Both work on a bare machine with python3 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
BENCH_STAMP := $(VENV)-bench/.installed
USER_STAMP := $(VENV)-user/.installed

.PHONY: demo test lint types layers suite bench torture test-desktop test-oldest constraints clean
.DEFAULT_GOAL := help

help:
	@echo "make demo     install into .venv, start the sandbox, import a sample sheet, say where the report is"
	@echo "make test     everything tests need, then linters, types, layers and the whole suite"
	@echo "make torture  kills and faults by the thousand, with a table at the end"
	@echo "make bench    speed and memory beside what one would use instead"
	@echo "make test-desktop   reports opened in LibreOffice and Chromium"
	@echo "make test-oldest    the suite with the oldest releases that pyproject.toml allows"
	@echo "make constraints    the exact versions of now, into constraints.txt"

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
	@echo "In this folder the command is $(BIN)/importer: put it in front of what is named above, or do: source $(BIN)/activate"

test: $(DEV_STAMP) lint types layers suite

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV_STAMP)
	$(BIN)/mypy

layers: $(DEV_STAMP)
	$(BIN)/lint-imports

suite: $(DEV_STAMP)
	$(BIN)/pytest -n auto --cov --cov-report=term:skip-covered --cov-fail-under=90

test-desktop: $(DEV_STAMP)
	$(BIN)/pytest -m desktop

# With the oldest releases that pyproject.toml allows: whoever has them already gets no newer ones from pip.
test-oldest: $(DEV_STAMP)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)-oldest
	$(BIN)/uv pip install --quiet --python $(VENV)-oldest --resolution lowest-direct -e .
	$(BIN)/uv pip install --quiet --python $(VENV)-oldest --group dev
	$(VENV)-oldest/bin/pytest -n auto

torture: $(DEV_STAMP)
	$(BIN)/python -m tests.torture

# What we are compared with lives in a venv of its own: its libraries must not change what is tested.
$(BENCH_STAMP): pyproject.toml $(DEV_STAMP)
	test -x $(VENV)-bench/bin/python || $(PYTHON) -m venv $(VENV)-bench
	$(BIN)/python -m pip --python $(VENV)-bench/bin/python install --quiet --disable-pip-version-check --group bench
	@touch $@

# The command as its users have it: without the libraries of developers, and compiled when it was installed.
$(USER_STAMP): pyproject.toml constraints.txt $(DEV_STAMP) $(shell find importer -type f -not -name '*.pyc')
	test -x $(VENV)-user/bin/python || $(PYTHON) -m venv $(VENV)-user
	$(BIN)/python -m pip --python $(VENV)-user/bin/python install --quiet --disable-pip-version-check -c constraints.txt .
	@touch $@

bench: $(BENCH_STAMP) $(USER_STAMP)
	$(BIN)/python -m benchmarks $(BENCH)

# For every Python and system that pyproject.toml allows: the numpy that 3.15 needs is none for 3.11.
constraints: $(DEV_STAMP)
	$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --no-header --no-annotate --group dev pyproject.toml -o constraints.txt

clean:
	rm -rf $(VENV) $(VENV)-bench $(VENV)-user $(VENV)-oldest build dist .coverage* .mypy_cache .ruff_cache .pytest_cache
