# Leadmill. `make` lists what there is. Nothing is installed outside .venv.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$p"; break; }; done)

# A stamp carries a digest of what it stands for: a checkout or a move of the folder reinstalls only if it must.
digest = $(shell { cat requirements/$(1).txt; echo "$(CURDIR)"; } | cksum | cut -d' ' -f1)
RUNTIME := $(VENV)/.runtime-$(call digest,runtime)
DEV := $(VENV)/.dev-$(call digest,dev)
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --require-hashes

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1m%-15s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- the environment ---------------------------------------------------------------------------------------
$(VENV)/.made:
	@if [ -z "$(PYTHON)" ]; then \
		echo "make: Python 3.11 or later is needed and was not found; on Debian: apt install python3 python3-venv" >&2; exit 1; fi
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "make: $(PYTHON) has no venv module; on Debian: apt install python3-venv" >&2; exit 1; }
	@echo "make: creating .venv with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv --clear "$(VENV)"; touch "$@"

# The project itself is not installed, it is pointed at: a .pth file and the command.
$(RUNTIME): | $(VENV)/.made
	@echo "make: installing what the product needs (requirements/runtime.txt)"
	@$(PIP) -r requirements/runtime.txt
	@echo "$(CURDIR)" > "$$("$(BIN)/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/leadmill.pth"
	@printf '%s\n' '#!/bin/sh' "'''exec' \"$(BIN)/python\" \"\$$0\" \"\$$@\"" "' '''" \
		'import sys' 'from leadmill.cli import main' 'sys.exit(main())' > "$(BIN)/leadmill"
	@chmod +x "$(BIN)/leadmill"
	@rm -f "$(VENV)"/.runtime-*; touch "$@"

$(DEV): requirements/dev.txt | $(RUNTIME)
	@echo "make: installing what tests and checks need (requirements/dev.txt)"
	@$(PIP) -r requirements/dev.txt
	@rm -f "$(VENV)"/.dev-*; touch "$@"

.PHONY: venv venv-runtime requirements
venv: $(DEV) ## .venv with everything; the command is then .venv/bin/leadmill

venv-runtime: $(RUNTIME)

requirements: | $(VENV)/.made ## pin requirements/*.in again, with hashes and without addresses
	@"$(PYTHON)" -m venv "$(VENV)/pip-tools" && "$(VENV)/pip-tools/bin/pip" install --quiet pip-tools==7.6.2
	@for name in runtime dev; do \
		env -u PIP_FIND_LINKS CUSTOM_COMPILE_COMMAND="make requirements" "$(VENV)/pip-tools/bin/pip-compile" --quiet \
			--generate-hashes --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
			--output-file "requirements/$$name.txt" "requirements/$$name.in"; done

# --- running it --------------------------------------------------------------------------------------------
.PHONY: demo up
demo: $(RUNTIME) ## a fortnight of leads in under a minute: real requests in, tables out, then the audit
	@exec "$(BIN)/leadmill" demo

up: $(RUNTIME) ## all five services on this machine, until stopped
	@exec "$(BIN)/leadmill" up

# --- proving it --------------------------------------------------------------------------------------------
# Much of it is waiting, so more processes than cores; each has its own servers. One broker for all is used by one.
JOBS ?= $(if $(LEADMILL_KAFKA),0,4)
# A test beside real servers that fails is tried again so often, and the run says so (docs/adr/0024).
SECOND_CHANCES ?= 1
EXAMPLES ?= 1000

# Tests start the command hundreds of times: whoever forbids Python to keep what it compiled would wait for it each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: test thorough explore check format contracts bench failure fuzz real-clients compose-smoke
test: $(DEV) ## the tests, with real PostgreSQL and real Apache Kafka; JOBS=4 processes at a time, SECOND_CHANCES=0 to try nothing twice
	@LEADMILL_SECOND_CHANCES=$(SECOND_CHANCES) exec "$(BIN)/python" -m pytest -m "not failure and not thorough" -rsR --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

thorough: $(DEV) ## what make test leaves out: services and journeys on Kafka, every command on every page, the long stories
	@LEADMILL_SECOND_CHANCES=$(SECOND_CHANCES) exec "$(BIN)/python" -m pytest -m "thorough and not failure" -rsR --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

explore: $(DEV) ## the property tests with examples that nobody has tried yet, EXAMPLES=1000 of each; a failure prints how to repeat it
	@LEADMILL_EXPLORE=1 LEADMILL_EXAMPLES=$(EXAMPLES) exec "$(BIN)/python" -m pytest tests/unit --numprocesses $(JOBS) --dist loadfile

check: $(DEV) ## lint, format, types, walls between the rooms, contracts unchanged
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	"$(BIN)/lint-imports"
	"$(BIN)/python" -m shared.contracts.generation --check

format: $(DEV) ## let ruff repair what it can
	@"$(BIN)/ruff" check --fix-only --quiet .
	@"$(BIN)/ruff" format .

contracts: $(DEV) ## write schemas and the AsyncAPI document from the declarations, and what editors know documents by
	@"$(BIN)/python" -m shared.contracts.generation
	@exec "$(BIN)/leadmill" config schemas config

bench: $(DEV) ## ratios against bare loops of the same shape, on this machine
	@exec "$(BIN)/python" -m tests.bench

failure: $(DEV) ## the long runs that kill things; goes on where it was stopped
	@exec "$(BIN)/python" -m tests.failure

real-clients: $(DEV) ## other people's SDKs, from their registries, with the log taken away for 15 s: all arrives once
	@exec "$(BIN)/python" -m tests.operations.real_clients

fuzz: $(DEV) ## hostile requests at the whole platform, by number; bounded by count and time
	@exec "$(BIN)/python" -m tests.operations.fuzz

first-minutes: $(DEV) ## the README's first minutes in a real browser, with pictures
	@exec "$(BIN)/python" -m tests.operations.real_clients.first_minutes

compose-smoke: $(DEV) ## docker compose up, one lead through it, down
	@exec bash deploy/compose/smoke.sh

# --- tidying up --------------------------------------------------------------------------------------------
.PHONY: clean
clean: ## remove caches and .venv; data in .leadmill stays
	@rm -rf "$(VENV)" .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
