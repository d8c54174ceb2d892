# Corridor. `make` alone lists what there is. Everything is set up inside this folder: .venv, .cache.

PYTHON ?= python3 python3.13 python3.12 python3.11
VENV := .venv
BIN := $(VENV)/bin
TOOLS := .cache/tools
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo serve test check regal bench lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## the whole story on real data, step by step, in one process
	@$(BIN)/corridor demo

serve: $(VENV)/.demo ## the same data space, kept running at http://127.0.0.1:8080/
	@$(BIN)/corridor demo --serve

test: $(VENV)/.dev ## every test that needs nothing beyond the package index (ARGS="-k contracts")
	@$(BIN)/python -m pytest -q -n auto --dist loadfile $(ARGS)

check: $(VENV)/.dev ## lint, types, import rules, policies, and the tests with a real OPA, PostgreSQL, tlog client and browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@opa=$$(bash .ci/opa) && postgresql=$$(bash .ci/postgresql) && tlog=$$(bash .ci/tlog) && \
	compiler=$$(bash .ci/cc) && chromium=$$(bash .ci/chromium) && provider=$$(bash .ci/oidc) && set -x && \
	"$$opa" check --strict policies && \
	"$$opa" test --fail-on-empty policies && \
	"$$opa" test --coverage --threshold 100 policies >/dev/null && \
	CORRIDOR_OPA=$$opa CORRIDOR_PG_BIN=$$postgresql CORRIDOR_TLOG=$$tlog CORRIDOR_CC=$$compiler \
	CORRIDOR_CHROMIUM=$$chromium CORRIDOR_OIDC_PROVIDER=$$provider \
	$(BIN)/python -m pytest -q -m server $(ARGS)

regal: ## Regal over the policies, as .regal.yaml says (needs Regal, or Go and a module proxy that has it)
	@regal=$$(bash .ci/regal) && set -x && "$$regal" lint policies

bench: $(VENV)/.dev ## the benchmarks: ratios measured side by side in one run
	@$(BIN)/python -m benchmarks $(ARGS)

lock: $(TOOLS)/.uv ## resolve again and write requirements/*.txt, hashes and no addresses
	$(TOOLS)/bin/uv lock --python $(BIN)/python --upgrade
	$(EXPORT) --output-file requirements/client.txt
	$(EXPORT) --extra server --output-file requirements/runtime.txt
	$(EXPORT) --extra server --group data --output-file requirements/demo.txt
	$(EXPORT) --extra server --group data --group dev --output-file requirements/dev.txt
	sed -i.bak 's/^coverage==/coverage[toml]==/' requirements/dev.txt && rm requirements/dev.txt.bak  # pip wants the extra pinned
	$(EXPORT) --only-group uv --output-file requirements/uv.txt
	$(EXPORT) --only-group build --output-file requirements/build.txt

clean: ## remove what was set up and built; a data space in .corridor stays
	rm -rf $(VENV) .cache build dist *.egg-info .coverage .hypothesis
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

EXPORT = $(TOOLS)/bin/uv export --quiet --locked --python $(BIN)/python --format requirements.txt \
	--no-emit-project --no-annotate --no-header

# The environment. A stamp in .venv says that a set is installed; it is older than its list when the list changes.

$(VENV)/.demo $(VENV)/.dev: $(VENV)/.%: requirements/%.txt $(VENV)/.corridor
	@echo "Setting up $(VENV) from $< ..."
	@{ test -x $(TOOLS)/bin/uv && \
	UV_PYTHON_DOWNLOADS=never $(TOOLS)/bin/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<; } || \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# The project itself, as a link to this checkout. Its build tool is pinned too, so nothing is fetched unseen.
$(VENV)/.corridor: pyproject.toml $(TOOLS)/.build $(TOOLS)/.uv
	@PYTHONPATH=$(TOOLS) $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	--no-deps --no-build-isolation --editable .
	@touch $@

# uv is twenty times as fast as pip, and not needed: where it cannot be had, pip does the work.
$(TOOLS)/.uv: requirements/uv.txt | $(BIN)/python
	@$(PIP_TARGET) --only-binary :all: -r $< 2>/dev/null || echo "No uv for this machine: pip does its work, which takes longer."
	@touch $@

$(TOOLS)/.build: requirements/build.txt | $(BIN)/python
	@$(PIP_TARGET) -r $<
	@touch $@

PIP_TARGET = mkdir -p $(TOOLS) && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	--require-hashes --upgrade --target $(TOOLS)

$(BIN)/python:
	@for python in $(PYTHON); do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			$$python -m venv $(VENV) && exit 0; \
			rm -rf $(VENV); \
			echo "$$python cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
			exit 1; \
		fi; \
	done; \
	echo "Corridor needs Python 3.11 or later; none found among: $(PYTHON). Say which: make PYTHON=/path/to/python3" >&2; \
	exit 1
