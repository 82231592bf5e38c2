# Everything is set up by the first target that needs it; nothing has to be installed before `make dev` or `make test`
# but Python 3.11 or newer, make and git.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: help dev test check types install demo bench format clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## Set up .venv with everything that the other targets use

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Headwater needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Set PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@[ -x $(BIN)/uv ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@echo "Installing the packages of requirements.lock ..."
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(STAMP)

dev: $(STAMP) ## Build, deploy, seed and serve the backend on this machine until Ctrl-C
	@exec $(BIN)/python -m local up

test: $(STAMP) ## Run every check and the whole test suite
	@$(BIN)/python -m checks
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile

check: $(STAMP) ## Style, types, templates, structure, generated files, docs
	@$(BIN)/python -m checks

types: $(STAMP) ## Generate the clients' types from client/operations and schema.graphql (TypeScript's with npm)
	@$(BIN)/python -m tools.client_types
	@if ! command -v npm >/dev/null; then echo "THE TYPESCRIPT TYPES WERE NOT GENERATED: there is no npm"; exit; fi; \
		cd client/web; [ -d node_modules/@graphql-codegen ] || npm ci --silent; npm run --silent types

demo: $(STAMP) ## Replay a chat log to 20 live subscribers and judge the result (CHAT=path of an IRC log)
	@exec $(BIN)/python -m benchmarks.demo $(if $(CHAT),"$(CHAT)")

bench: $(STAMP) ## Run the benchmarks, a table each
	@for f in benchmarks/[a-z]*.py; do echo "== $$f"; $(BIN)/python -m benchmarks.$$(basename $$f .py); done

format: $(STAMP) ## Sort imports and format the code
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .

clean: ## Remove the environment and all local state
	rm -rf .venv .headwater .aws-sam .mypy_cache .ruff_cache .pytest_cache
