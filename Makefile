# The same targets for everyone. `make run` shows a picture; `make test` runs every test.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := run
BIN := .venv/bin
DATA ?= data

.PHONY: setup setup-tests run demo test check format fuzz bench soak build clean

setup:            ## everything that `make run` needs: virtual environment, packages, web pages
	@scripts/setup

setup-tests:      ## and what the tests need beside it
	@scripts/setup tests

run: setup        ## start Madang with its demo broadcast
	@exec $(BIN)/madang serve --demo --data $(DATA)

test: setup-tests ## every test: unit, integration, end to end
	@scripts/test

check: setup-tests ## format, lint, types, contracts, web lint and types
	@scripts/check

format: setup-tests
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

fuzz: setup-tests ## the fuzz targets for longer than in `make test`
	@HYPOTHESIS_PROFILE=long $(BIN)/pytest tests/fuzz --timeout 3600

bench: setup-tests ## capacity beside the peers and the floor, one table
	@$(BIN)/python -m bench

soak: setup-tests ## half an hour of five publishers and 250 viewers
	@$(BIN)/python -m tests.soak

build: setup-tests ## a wheel that carries the web pages
	@$(BIN)/python -m build --wheel --outdir dist

clean:
	@rm -rf .venv .stamps dist web/node_modules src/madang/api/web
