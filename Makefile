# make demo    sets up .venv and runs the main job: four cells on built-in images, and their report
# make test    sets up .venv and runs the tests
# make check   sets up .venv and runs the linters and the type checker
# make bench   measures speed, in about an hour: see python -m benchmarks --help; make bench BENCH="--only step"
# make notebooks  runs the notebooks anew, in place
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test check notebooks bench

demo: $(VENV)/.installed
	$(BIN)/python -m ablate.run -m model.dropout=true,false stem=pyramid,direct

test: $(VENV)/.installed
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks $(BENCH)

notebooks: $(VENV)/.installed
	$(BIN)/jupyter execute --inplace notebooks/*.ipynb

$(VENV)/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@
