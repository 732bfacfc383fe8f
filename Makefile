# Thin: each target is one command. The first of them builds .venv; it is filled anew only when the lock changes.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
BENCH_STAMP := .venv/.installed-bench
# What writes and audits the locks, apart from .venv: its own dependencies are none of the service's.
TOOLS := .venv/tools
LOCK_TOOLS := uv==0.13.9 pip-audit==2.10.1

COMPILE = $(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.PHONY: help run dev test chaos bench lint format migrate-up migrate-down schema swagger psql lock audit install-tools clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

run: $(STAMP) ## Serve on port 5003, with PostgreSQL and Redis of its own unless POSTGRES_HOST or DATABASE_URL is set
	@exec $(BIN)/python -m service home

dev: $(STAMP) ## The same, restarted when a source file changes
	@exec $(BIN)/watchfiles --sigint-timeout 40 '$(BIN)/python -m service home' service sql

# Tests start a hundred processes of the service: none should compile it anew, even where no bytecode is to be kept.
test: export PYTHONDONTWRITEBYTECODE =
test: $(STAMP) ## Run the tests, on servers of their own
	@exec $(BIN)/pytest -n 4 --dist worksteal

chaos: $(STAMP) ## Break everything for MINUTES (2) as SEED (1) says, then compare what ran with what was due
	@exec $(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),2) --seed $(or $(SEED),1)

bench: $(BENCH_STAMP) ## Measure, beside PgQueuer and bare loops; ONLY="lag api" runs some, QUICK=1 runs small
	@exec $(BIN)/python -m tests.benchmarks $(ONLY)

lint: $(STAMP) ## Check Python, types, migrations, Dockerfile and compose.yaml
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/squawk sql/migrations/*.sql
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

format: $(STAMP) ## Format the Python code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

migrate-up: $(STAMP) ## Apply pending migrations to the database of `make run`, or the one that is set
	@exec $(BIN)/python -m service.migrate up

migrate-down: $(STAMP) ## Take back the latest migration of that database
	@exec $(BIN)/python -m service.migrate down

schema: $(STAMP) ## Write schema.sql from the migrations
	@exec $(BIN)/python -m service.migrate schema

swagger: $(STAMP) ## Write openapi.json
	$(BIN)/python -m service openapi > openapi.json

psql: $(STAMP) ## Open psql on the database of a `make run` under way
	@exec "$$($(BIN)/python -m service.embedded)/psql" "$$(cat .data/database_url)"

lock: $(TOOLS) ## Pin all that the requirements.txt need, with hashes; UPGRADE=1 takes newer ones of what they don't name
	$(COMPILE) requirements.txt --output-file .requirements.lock
	$(COMPILE) tests/requirements.txt --constraint .requirements.lock --output-file tests/.requirements.lock

audit: $(TOOLS) ## Look up what .requirements.lock pins among published vulnerabilities, over the internet
	@$(TOOLS)/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off \
		--requirement .requirements.lock \
		|| { echo "Where no vulnerability is listed above, the database could not be asked: nothing is audited." >&2; exit 1; }

install-tools: $(STAMP) ## Install all that the other targets need into .venv

clean: ## Remove .venv and caches; .data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(STAMP): tests/.requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement tests/.requirements.lock
	@touch $(STAMP)

$(TOOLS): Makefile
	$(PYTHON) -m venv --clear $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check $(LOCK_TOOLS)
	@touch $(TOOLS)

$(BENCH_STAMP): $(STAMP) tests/benchmarks/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement tests/benchmarks/requirements.txt
	@touch $(BENCH_STAMP)
