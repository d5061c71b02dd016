# make demo       run four configurations on a few images of CIFAR-10 and write their report (3 to 6 minutes on two CPU cores)
# make test       run the tests, all but the slow ones
# make test-slow  run the slow tests: the documentation's commands, the recipes of CONTRIBUTING.md, the notebook, the benchmarks
# make test-all   both
# make check      run the linter, the formatter (without changing a file) and the type checker: lint, format-check, types
# make format     format the code, and fix what the linter can fix
# make docs       build the documentation into site/; a warning is an error
# make bench      measure speed, in about an hour: see python -m benchmarks --help; make bench BENCH="--only step"
# make notebooks  execute the notebooks in place
#
# Each target first sets up the virtual environment .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

.PHONY: demo test test-slow test-all check lint format-check types format docs bench notebooks

demo: $(VENV)/.installed
	$(BIN)/python -m ablate.run -m model.dropout=true,false stem=pyramid,direct

test: $(VENV)/.installed
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/.installed
	$(PYTEST) -m slow

test-all: test test-slow

check: lint format-check types

lint: $(VENV)/.installed
	$(BIN)/ruff check .

format-check: $(VENV)/.installed
	$(BIN)/ruff format --check .

types: $(VENV)/.installed
	$(BIN)/mypy

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks $(BENCH)

notebooks: $(VENV)/.installed
	$(BIN)/jupyter execute --inplace notebooks/*.ipynb

$(VENV)/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@
