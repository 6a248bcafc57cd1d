# Every command of this repository. `make` alone prints them.
#
# Needs only Python 3.11 or newer and make. Each target installs what it needs into .venv, from
# the locked files in requirements/, and does nothing when that is already there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install -qq --require-hashes

# Feeds, labelled data and test vectors that are too large to keep here. Made absolute, so that a
# test may change its working directory.
TEARLINE_TEST_DATA ?= ../shared/data
override TEARLINE_TEST_DATA := $(abspath $(TEARLINE_TEST_DATA))
export TEARLINE_TEST_DATA

# More words for the command behind a target, as in: make test ARGS="-k shape"
ARGS ?=

# How many tests run at a time.
JOBS ?= auto

# How often the databases lose their primary in `make soak`.
ROUNDS ?= 20

# The folders that are linted and typed, as far as they are there.
CODE := $(wildcard src tests tools bench evaluation soak)

# The tests that hold the documentation against the code; `make test` runs them too.
DOCS := tests/docs/test_links.py tests/docs/test_reference.py tests/release/test_reasons.py \
  tests/cli/test_reference.py tests/test_dependencies.py

RUN := $(VENV)/.installed-run
TEST := $(VENV)/.installed-test
WITNESS := $(VENV)/.installed-witness
CHECK := $(VENV)/.installed-check
LOCK := $(VENV)/.installed-lock
TEARLINE := $(VENV)/.installed-tearline
NPM := $(VENV)/.installed-npm

# Browser files that others wrote: fetched by web/package-lock.json, served by the pages.
ASSETS := src/tearline/web/static/vendor/manifest.json

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## print this help
	@echo "Tearline. Each command sets up what it needs by itself and can be run twice."
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) \
	  | while IFS='|' read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: $(TEARLINE) $(ASSETS) ## only install, into .venv

.PHONY: assets
assets: $(RUN) $(NPM) ## fetch the browser files that others wrote, by their lock
	$(BIN)/python tools/assets.py

.PHONY: serve
serve: $(TEARLINE) $(ASSETS) ## run one node
	$(BIN)/tearline serve $(ARGS)

.PHONY: demo
demo: $(TEARLINE) $(ASSETS) ## play the founding story between two nodes, and leave them running
	$(BIN)/tearline demo $(ARGS)

.PHONY: test
test: $(TEARLINE) $(TEST) $(WITNESS) $(ASSETS) ## run every test
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

.PHONY: check
check: $(TEARLINE) $(TEST) $(CHECK) ## lint, formatting, types, import contracts, docs in step
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n 0 $(DOCS)

.PHONY: bench
bench: $(TEARLINE) $(TEST) ## run every benchmark
	$(BIN)/python -m bench $(ARGS)

.PHONY: evaluate
evaluate: $(TEARLINE) $(TEST) ## score quality on labelled data
	$(BIN)/python -m evaluation $(ARGS)

.PHONY: soak
soak: $(TEARLINE) $(TEST) ## long play and kill tests
	$(BIN)/python -m soak $(ARGS)
	$(BIN)/python -m soak.failover --rounds $(ROUNDS)

# The files in requirements/ hold exact versions and the hashes of every published file, for Linux
# and macOS and every Python we support; they hold no addresses. run.txt is locked first and binds
# the others, so that all of them fit into one environment. To raise the versions:
# make lock ARGS=--upgrade
COMPILE := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header

.PHONY: lock
lock: $(LOCK) ## renew the locked requirements
	$(COMPILE) $(ARGS) pyproject.toml -o requirements/run.txt
	$(COMPILE) $(ARGS) --group test -c requirements/run.txt -o requirements/test.txt
	$(COMPILE) $(ARGS) --group check -c requirements/run.txt -c requirements/test.txt \
	  -o requirements/check.txt
	$(COMPILE) $(ARGS) --group build -c requirements/test.txt -c requirements/check.txt \
	  -o requirements/build.txt
	$(COMPILE) $(ARGS) --group lock -o requirements/lock.txt
	$(subst 3.11,3.12,$(COMPILE)) $(ARGS) --group witness --no-emit-package cryptography \
	  --no-emit-package cffi --no-emit-package pycparser -o requirements/witness.txt
	$(COMPILE) $(ARGS) --group assets -o requirements/assets.txt

.PHONY: clean
clean: ## remove what the other commands made
	rm -rf $(VENV) $(dir $(ASSETS)) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Tearline needs Python 3.11 or newer, and '$(PYTHON)' is older or missing."; \
	  echo "Name another one: make PYTHON=python3.13 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN): requirements/build.txt requirements/run.txt | $(BIN)/python
	$(INSTALL) -r requirements/build.txt -r requirements/run.txt
	@touch $@

$(TEARLINE): pyproject.toml $(RUN)
	$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@touch $@

$(TEST): requirements/test.txt $(RUN)
	$(INSTALL) -r requirements/test.txt
	@touch $@

# Beside the others, not among them: only its own program sees this folder.
$(WITNESS): requirements/witness.txt $(TEST)
	$(INSTALL) --no-deps --ignore-requires-python --upgrade --target $(VENV)/witness \
	  -r requirements/witness.txt
	@touch $@

$(CHECK): requirements/check.txt $(RUN)
	$(INSTALL) -r requirements/check.txt
	@touch $@

$(LOCK): requirements/lock.txt | $(BIN)/python
	$(INSTALL) -r requirements/lock.txt
	@touch $@

# The machine's npm does; where there is none, a package brings one with node (61 MB to fetch).
$(NPM): requirements/assets.txt $(RUN)
	@command -v npm > /dev/null || { echo $(INSTALL) -r $<; $(INSTALL) -r $<; }
	@touch $@

# Where npm's registry cannot be reached the rest is set up all the same: pages that draw with these
# files are read without. `make assets` says what went wrong.
$(ASSETS): web/package-lock.json tools/assets.py | $(RUN)
	@$(MAKE) --no-print-directory assets || echo "Going on without the browser files."
