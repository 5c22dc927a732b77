# Everything that a fresh machine needs besides this file: Python 3.11+ with venv, make, git and a C compiler.
#   make demo    load two brands, start everything, print where it is
#   make test    every check and every test; `make faults` is the long form of the fault tests

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
STAMP := .venv/.ready

.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:
.PHONY: help setup demo test lint faults lock clean

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make setup    make .venv with everything in requirements.lock (other targets do it by themselves)
setup: $(STAMP)

## make demo     start Midstage with the data of two brands; Ctrl-C stops all of it
demo: $(STAMP)
	@exec $(BIN)/midstage demo

## make test     ruff, pyright, import-linter, pytest
test: lint
	@$(BIN)/pytest -n 2 -m "not slow"

## make lint     the same without the tests
lint: $(STAMP)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright
	@$(BIN)/lint-imports --no-logo

## make faults   the long form of the fault and property tests
faults: $(STAMP)
	@$(BIN)/pytest -m slow

## make lock     write requirements.lock anew from pyproject.toml
lock: $(BIN)/uv
	@$(BIN)/uv pip compile --quiet --no-header --no-annotate --no-emit-index-url --universal --all-extras \
	  --group dev pyproject.toml -o requirements.lock

## make clean    remove .venv and what the tools left; the data stays
clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# uv does not read pip's settings; a package mirror that is set there counts here too.
$(STAMP): requirements.lock pyproject.toml $(BIN)/uv
	@mirror="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/pip config get global.index-url 2>/dev/null)}}"; \
	if [ -n "$$mirror" ]; then export UV_DEFAULT_INDEX="$$mirror"; fi; \
	$(BIN)/uv pip install --compile-bytecode --python $(BIN)/python -r requirements.lock && \
	$(BIN)/uv pip install --python $(BIN)/python --no-deps -e .
	@touch $@

# An environment that was left half-made has no uv yet, so it is made again.
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Midstage needs Python 3.11 or newer; name yours with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "This Python has no venv or ensurepip; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
