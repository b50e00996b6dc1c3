# What is done daily. Every target brings what it needs first (scripts/setup), which takes a moment where all of it is there.

SEED ?= 42
TIME ?= 30
CASES ?= 2000000

# The programs of setup and of the Python environment, before those of the machine.
export PATH := $(CURDIR)/.tools/bin:$(CURDIR)/.venv/bin:$(PATH)

CARGO := cargo --quiet
NATIVE := --manifest-path native/Cargo.toml

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup develop demo test lint types format native pytest thorough netem bench fuzz campaign storm proto clean

help: ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## Install what a run needs: uv, Rust, system packages, the Python environment
	@scripts/setup

develop: ## Install what lint and tests need as well
	@scripts/setup develop

demo: setup ## Five etcd nodes under partitions, kills and pauses: a verdict and a report (SEED=42 TIME=30)
	schrodinger run suites/etcd --workload register --faults partition,kill,pause --nodes 5 --time $(TIME) \
		--rate 300 --concurrency 10 --seed $(SEED)

test: lint native pytest ## Everything that continuous integration checks

lint: develop ## Style, layers and types, of Python and Rust
	ruff check
	ruff format --check
	lint-imports --no-logo
	$(CARGO) fmt $(NATIVE) --all --check
	$(CARGO) clippy $(NATIVE) --locked --workspace --all-targets -- --deny warnings
	mypy

types: develop ## Types of Python only
	mypy

format: develop ## Rewrite sources to the project's format
	ruff check --fix
	ruff format
	cargo fmt $(NATIVE) --all

native: develop ## The tests of the Rust core
	cargo test $(NATIVE) --locked --workspace

pytest: develop ## The tests of the Python packages (TESTS="tests/unit -k partition" for some of them)
	pytest $(TESTS)

thorough: develop ## Whole runs that take too long for every change: databases under faults, findings with their twins
	pytest -m thorough

netem: develop ## The faults that netem does, under a kernel of Debian in an emulator, whatever this machine's kernel has
	CI=true scripts/guest pytest --runxfail -p no:cacheprovider tests/integration/test_netem.py \
		tests/integration/test_network_shaping.py tests/integration/test_link_faults.py -k netem

bench: develop ## The figures that the project promises
	@for benchmark in $(basename $(notdir $(wildcard benchmarks/*.py))); do \
		echo "== $$benchmark"; python -m benchmarks.$$benchmark || exit; done

fuzz: develop ## Long differential campaigns: checkers against brute force, properties with new examples (CASES=2000000)
	SCHRODINGER_FUZZ_CASES=$(CASES) cargo test $(NATIVE) --locked --release --package schrodinger-checkers \
		--test differential --test append --test register --test weak --test sequential --test prefixes --test models --test counters --test stacks --test stores \
		--test objects --test lockstep --test invariants --test growing --test locks --test logs --test splitting \
		--test metamorphic
	SCHRODINGER_FUZZ_CASES=$(CASES) cargo test $(NATIVE) --locked --release --package schrodinger-interchange
	SCHRODINGER_FUZZ_CASES=$(CASES) cargo test $(NATIVE) --locked --release --package schrodinger-switch
	pytest --hypothesis-profile=fuzz tests/unit

campaign: setup ## Twenty seeds of the etcd suite, then ten of its unsafe setting (half an hour)
	python scripts/campaign.py 20 suites/etcd --workload register --nodes 5 --time 30 --rate 300 --concurrency 10
	python scripts/campaign.py 10 suites/etcd --workload register --nodes 5 --time 30 --rate 300 --concurrency 10 \
		--reads serializable

storm: develop ## Kills of controller and agent at random moments, under every kind of fault: nothing may stay behind
	SCHRODINGER_STORM=10 pytest tests/e2e/test_interruptions.py
	SCHRODINGER_STORM=200 pytest tests/integration/test_storm.py

proto: develop ## Generate the agent's messages and stubs from agent.proto
	PYTHON=$(CURDIR)/.venv/bin/python agent/proto/generate.sh

clean: ## Remove what was built here; runs are kept
	rm -rf .venv .tools native/target .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
