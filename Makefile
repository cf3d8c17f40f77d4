# Affineur's two commands, `make run` and `make test`, and the rest. Needs Python >= 3.11, git and make; all
# else is installed by the rules below, locked by hashes, from the index that pip is configured for.

PYTHON ?=
DATA ?= ./data
PORT ?= 8040
SECONDS ?= 600
EXAMPLES ?= 200
WORKERS ?= 2
TESTS ?=

BIN := .venv/bin
RUN_LOCKS := requirements/build.txt requirements/run.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
INSTALL := $(BIN)/python -m pip install -qq --require-hashes

.DEFAULT_GOAL := help
.PHONY: help run test check bench scale demo fuzz describe soak stress lock clean clients

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: .venv/run.stamp ## Set everything up and serve ./data on http://127.0.0.1:8040/ (DATA=…, PORT=…)
	@exec $(BIN)/affineur serve --data $(DATA) --port $(PORT)

# What a process compiled is kept for the next: hundreds are started, and compiling takes each of them a second.
test: export PYTHONDONTWRITEBYTECODE :=
test: .venv/run.stamp .venv/test.stamp clients ## Run every test, real services and clients included (TESTS=…, WORKERS=…)
	@scripts/install-system-packages chromium
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(TESTS)

check: .venv/run.stamp .venv/test.stamp .venv/check.stamp ## Check format, lint, types and architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/run.stamp .venv/test.stamp ## Measure beside nginx, pypiron, devpi-server and pypiserver
	@scripts/install-system-packages wrk
	@$(BIN)/python -m bench $(ARGS)

scale: .venv/run.stamp .venv/test.stamp ## Measure at 886,000 projects
	@scripts/install-system-packages wrk
	@$(BIN)/python -m bench scale $(ARGS)

demo: .venv/run.stamp .cache/demo.stamp ## Serve an index already filled with a few real projects
	@scripts/demo .cache/demo $(PORT)

fuzz: .venv/run.stamp .venv/test.stamp ## Fuzz names, metadata, archives and requests for SECONDS=600
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

describe: .venv/run.stamp .venv/test.stamp ## Hold the API to its description by EXAMPLES=200 requests an operation
	@API_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest --timeout 0 tests/web/test_api_schema.py

soak: .venv/run.stamp .venv/test.stamp clients ## Kill the server thousands of times while it works
	@CRASH_KILLS=$${CRASH_KILLS:-5000} $(BIN)/python -m pytest --timeout 0 tests/walks/test_crash*.py

stress: .venv/run.stamp .venv/test.stamp ## Sixteen writers on 1,000 projects while readers and a follower watch
	@STRESS_PROJECTS=$${STRESS_PROJECTS:-1000} STRESS_ACTS=$${STRESS_ACTS:-500} \
		$(BIN)/python -m pytest --timeout 0 tests/walks/test_stress.py

lock: .cache/clients/uv/installed ## Write the locked requirements anew, with the newest versions
	@$(BIN)/python scripts/lock.py $(ARGS)

clients: .cache/clients/uv/installed
	@$(BIN)/python scripts/clients.py

clean: ## Remove what make installed and built (./data stays)
	rm -rf .venv .cache build dist .mypy_cache .ruff_cache .hypothesis

# The program itself is installed without asking any index (--no-index): its build backend is among the locks.
.venv/run.stamp: $(RUN_LOCKS) pyproject.toml | .venv/bin/python
	@echo "Installing Affineur and what it runs on …"
	@$(INSTALL) $(RUN_LOCKS:%=-r %)
	@$(BIN)/python -m pip install -qq --no-index --no-deps --no-build-isolation --editable .
	@touch $@

.venv/test.stamp: requirements/test.txt .venv/run.stamp
	@echo "Installing what the tests need …"
	@$(INSTALL) -r $<
	@touch $@

.venv/check.stamp: requirements/check.txt .venv/run.stamp
	@echo "Installing the checkers …"
	@$(INSTALL) -r $<
	@touch $@

.venv/bin/python:
	@python=$$(PYTHON='$(PYTHON)' scripts/find-python) && echo "Making .venv with $$python …" && "$$python" -m venv .venv

# uv is one of the clients, and makes the environments of the others.
.cache/clients/uv/installed: requirements/clients/uv.txt | .venv/bin/python
	@echo "Installing uv …"
	@$(BIN)/python -m venv --without-pip --clear .cache/clients/uv
	@$(BIN)/python -m pip --python .cache/clients/uv/bin/python install -qq --require-hashes -r $<
	@touch $@

.cache/demo.stamp: requirements/demo.txt | .venv/run.stamp
	@echo "Fetching a few real projects …"
	@rm -rf .cache/demo && mkdir -p .cache/demo
	@$(BIN)/python -m pip download -qq --no-deps --require-hashes -r $< -d .cache/demo/files
	@touch $@
