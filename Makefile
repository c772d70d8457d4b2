# The five commands of CONTRIBUTING.md. PYTHON=.../bin/python chooses another environment.
PYTHON ?= .venv/bin/python
BIN := $(dir $(PYTHON))

.PHONY: install check test test-all run

install:  ## a virtual environment with everything a developer needs (builds llama.cpp: about 4 minutes)
	python3 -m venv .venv
	.venv/bin/pip install -e '.[dev]'

check:  ## style, types, import contracts
	$(BIN)ruff check .
	$(BIN)ruff format --check .
	$(BIN)mypy
	$(BIN)lint-imports

test:  ## the quick tests
	$(PYTHON) -m pytest -m 'not slow'

test-all:  ## all tests, as CI runs them
	$(PYTHON) -m pytest

run:  ## the interface
	$(BIN)kobold-modules
