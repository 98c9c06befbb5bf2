# Every target is one or two scripts; CI calls the same ones.
# `PYTHON=/path/to/python make setup` chooses the interpreter .venv is made with.

.DEFAULT_GOAL := help
.PHONY: help setup build demo test check test-rust test-python test-services soak audit bench stubs docs wheels clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv with everything a developer needs, the extension included
	scripts/setup dev test demo
	scripts/build

build: ## compile the extension into this checkout
	scripts/build

demo: ## build, then a round trip on memory, local disk and S3 at once
	scripts/setup demo
	scripts/build
	scripts/services run -- .venv/bin/python examples/demo.py $(DEMO_ARGS)

test: ## everything: build, lints, type checks, Rust tests, Python tests on real servers
	scripts/test

check: ## lints and type checks only
	scripts/test lint

test-rust: ## Rust tests only
	scripts/test rust

test-python: ## Python tests only; PYTEST_ARGS="-k listing -x" chooses
	scripts/test python

test-services: ## the services no wheel has: compile all, test Redis and SQLite
	scripts/test services

soak: ## random operations and fuzzing for as long as you like: SOAK_MINUTES=5 of each target
	scripts/soak $(SOAK_MINUTES)

audit: ## licences, bans, sources and advisories of the Rust dependencies
	scripts/deny all

bench: ## micro-benchmarks: memory, local, await, import; scripts/bench s3 measures S3
	scripts/bench $(BENCH_ARGS)

stubs: ## write opendalfs/_core.pyi anew from the extension
	scripts/setup dev
	scripts/build
	.venv/bin/python scripts/stubs

docs: ## write the generated parts of the pages anew
	scripts/setup dev
	scripts/build
	.venv/bin/python scripts/docs

wheels: ## an sdist and a wheel made from it, checked, in dist/
	scripts/setup dev
	scripts/build wheels
	.venv/bin/twine check --strict dist/*

clean: ## remove what was made in this checkout; caches of the user stay
	scripts/services stop
	rm -rf .venv .services dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -f opendalfs/_core.*.so opendalfs/_core.*.pyd
	find opendalfs tests examples benches -name __pycache__ -type d -prune -exec rm -rf {} +
