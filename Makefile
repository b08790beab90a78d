# Two commands: `make app` starts the explorer, `make test` runs every test. Both set up what is missing first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# `make app DATA=/path/to/HAM10000` makes your own copy of the data known.
ifdef DATA
export DPCORE_DATA := $(DATA)
endif

.PHONY: app test setup setup-dev browser lint audit bench sweep clean

app: setup
	@$(BIN)/python -m streamlit run app.py

test: setup-dev browser
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

setup: $(VENV)/.installed

setup-dev: $(VENV)/.installed-dev

browser: setup-dev
	@tests/browser/ensure_chromium.sh $(BIN)/python

# torch comes first and alone, so that an index holding only its CPU build is honoured.
$(VENV)/.installed: requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.11 …"; exit 1; }
	@echo "Setting up $(VENV) (a few minutes the first time) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) "$$(grep '^torch==' requirements.txt)"
	@$(INSTALL) -r requirements.txt
	@echo "Compiling for this processor …"
	@$(BIN)/python -W ignore -m dpcore.training
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@echo "Adding what the tests need …"
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

lint: setup-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# In a place of its own, so that its packages never meet the pinned ones.
audit:
	@test -x $(VENV)-audit/bin/pip-audit || { $(PYTHON) -m venv $(VENV)-audit && $(VENV)-audit/bin/python -m pip install --quiet pip-audit; }
	@$(VENV)-audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip

bench: setup-dev browser
	@$(BIN)/python -m benchmarks

sweep: setup
	@$(BIN)/python -m dpcore sweep --plan default

clean:
	rm -rf $(VENV) $(VENV)-audit .pytest_cache .mypy_cache .ruff_cache .hypothesis
