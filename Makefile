# The words of this house: `make help` tells them, and CI says the same ones.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# Hundreds of programs start in a test: none may compile again what the one before has compiled.
unexport PYTHONDONTWRITEBYTECODE

# PYTHON=... names the interpreter that makes the environment; ARGS=... goes to pytest, the demonstration or the benchmark;
# JOBS=... says how many processes test beside each other: those of servers wait more than they work.
PYTHON ?=
ARGS ?=
JOBS ?= 3

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PROTO_OUT ?= adapters/_generated
PROTOS := $(sort $(wildcard contracts/proto/pprd/v1/*.proto))

.PHONY: help setup fmt check test test-postgres fuzz demo bench lock proto docs vectors clean

help: ## Tell these words
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r word does; do \
	  printf '  make %-13s %s\n' "$$word" "$$does"; done

setup: $(READY) ## Make .venv from the hashed lock file; again only when the lock or pyproject.toml changed

$(READY): pyproject.toml requirements/dev.txt
	@if [ ! -x $(BIN)/python ]; then \
	  for python in $(or $(PYTHON),python3.11 python3 python3.12 python3.13); do \
	    if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	      echo "Making $(VENV) with $$("$$python" --version)"; exec "$$python" -m venv $(VENV); \
	    fi; \
	  done; \
	  echo "No Python 3.11 or newer with the venv module at $(or $(PYTHON),python3.11 or python3): install one, or say make PYTHON=/its/path." >&2; \
	  exit 1; \
	fi
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

fmt: $(READY) ## Format, and repair what the linter can repair
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

check: $(READY) ## Format, lint, types, direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: check ## All checks and all tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-postgres: $(READY) ## The tests of whole servers, every ledger in a PostgreSQL instead of a file
	PPRD_TEST_STORE=postgres $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder \
	  tests/integration $(ARGS)

fuzz: $(READY) ## A million mutated inputs through every parser; ARGS="10000 note" for fewer
	$(BIN)/python -m tests.support.fuzz_run $(ARGS)

demo: $(READY) ## Eleven regions on this machine, played and audited in under two minutes
	$(BIN)/pprd demo --data var/demo --fresh $(ARGS)

bench: $(READY) ## This hub and the straightforward one, same events, same machine, one run
	$(BIN)/python -m bench $(ARGS)

# One resolution: each longer list keeps the versions of the shorter one. No address of an index or path goes into them.
LOCK := pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --build-deps-for editable \
  --no-header --no-emit-options --annotation-style line

lock: $(READY) ## Resolve again and write the hashed lock files; ARGS=--upgrade takes newer releases
	$(BIN)/$(LOCK) $(ARGS) -o requirements/runtime.txt pyproject.toml
	$(BIN)/$(LOCK) $(ARGS) -c requirements/runtime.txt --extra demo -o requirements/demo.txt pyproject.toml
	$(BIN)/$(LOCK) $(ARGS) -c requirements/runtime.txt --extra postgres -o requirements/postgres.txt pyproject.toml
	$(BIN)/$(LOCK) $(ARGS) -c requirements/demo.txt -c requirements/postgres.txt --extra demo --extra postgres --extra dev \
	  -o requirements/dev.txt pyproject.toml

# The generator imports its own files from the root `pprd`; ours stand below adapters, so that one line is turned.
proto: $(READY) ## Write adapters/_generated from contracts/proto
	$(BIN)/python -m grpc_tools.protoc -I contracts/proto --python_out=$(PROTO_OUT) --pyi_out=$(PROTO_OUT) \
	  --grpc_python_out=$(PROTO_OUT) $(PROTOS)
	sed -i.bak -E 's/^from pprd\.v1 import /from adapters._generated.pprd.v1 import /' $(PROTO_OUT)/pprd/v1/*_pb2*.py*
	rm -f $(PROTO_OUT)/pprd/v1/*.bak

docs: $(READY) ## Write the pages that are made from data
	$(BIN)/python -m docs.codes
	$(BIN)/python -m docs.conformance
	$(BIN)/python -m docs.drill
	$(BIN)/python -m docs.privacy
	$(BIN)/python -m docs.procedures
	$(BIN)/python -m docs.spec_examples

vectors: $(READY) ## Write the vectors of the ledger's formats again, and the small ledger that they follow
	$(BIN)/python -m tests.support.small_ledger tests/vectors/export
	$(BIN)/python -m docs.ledger_vectors

clean: ## Remove what tools leave behind; keeps .venv and var
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
