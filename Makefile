# Every target sets up what it needs and is safe to repeat.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
TOOLS := $(VENV)/.installed-development

.PHONY: help run test test-scale bench chaos scale format lint clean
.DEFAULT_GOAL := help

help:
	@echo "make run     start everything on http://127.0.0.1:8000 (PORT, HOST, DATA_DIR override)"
	@echo "make test    all tests, types and lint"
	@echo "make test-scale   all tests on PostgreSQL, Redis and S3 (DATABASE_URL, REDIS_URL override)"
	@echo "make bench   measure this machine; writes var/bench.json"
	@echo "make chaos   kill and cut everything while work goes on"
	@echo "make scale   PostgreSQL, Redis, S3, two webs, two workers, one clock on this machine"
	@echo "make format  format the code;  make lint  check it"

run: $(READY)
	@exec $(BIN)/python manage.py run

# Two files of tests at a time; a file's tests stay together, because they share installations.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: $(TOOLS)
	@exec $(PYTEST)

test-scale: export DATABASE_URL ?= postgresql://postgres@127.0.0.1:5432/genproj
test-scale: export REDIS_URL ?= redis://127.0.0.1:6379/8
test-scale: export TEST_STORAGE := s3
test-scale: $(TOOLS)
	@exec $(PYTEST)

bench: $(TOOLS)
	@$(call run_if_there,tests/bench/__main__.py,tests.bench,bench)

chaos: $(TOOLS)
	@$(call run_if_there,tests/chaos/__main__.py,tests.chaos,chaos)

scale: $(TOOLS)
	@$(call run_if_there,deploy/scale/__main__.py,deploy.scale,scale)

format: $(TOOLS)
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

lint: $(TOOLS)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache

define run_if_there
if [ -f $(1) ]; then exec $(BIN)/python -m $(2); \
else echo "make $(3): comes with a later release; it is not in this one." >&2; exit 1; fi
endef

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed; $(PYTHON) is not there." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(READY): requirements.txt | $(BIN)/python
	@echo "Installing what requirements.txt names into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(TOOLS): $(READY) pyproject.toml
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["tool"]["genproj"]["development"], sep="\n")' > $(VENV)/development.txt
	@echo "Installing the development pins of pyproject.toml ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r $(VENV)/development.txt
	@touch $@
