# `make demo` and `make test` each set up what they need, as root or through sudo, and then run.

PYTHON := .venv/bin/python
SCRIPTS := .ci/run examples/demo integration/fetch-node.sh integration/provision \
  integration/run-tests integration/sandbox integration/vm/build $(wildcard benchmarks/*.sh)

.PHONY: help setup pm2 vm lint test demo bench clean

help:
	@echo 'make demo    run examples/tracking and show it'
	@echo 'make test    every check: lint, format, types, then all tests on a real systemd'
	@echo 'make bench   measure pm2sd beside PM2'
	@echo 'make lint    the checks that run nothing'
	@echo 'make setup   system packages and .venv, which the others do by themselves'
	@echo 'make pm2     the PM2 to compare with, which test and bench fetch by themselves'
	@echo 'make vm      the disks of the whole machines to test on, which test makes by itself'
	@echo 'make clean   remove what the others made in this folder'

setup:
	@integration/provision

# What tests and benchmarks compare with, and other versions of Node; the sandbox they run in has no network.
pm2:
	@integration/provision npm
	@benchmarks/fetch-pm2.sh
	@integration/fetch-node.sh

lint: setup
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	shellcheck $(SCRIPTS)

# The disks of the Debian machines that integration/vm boots.
vm: setup
	@integration/provision vm
	@integration/vm/build

test: lint pm2 vm
	SANDBOXES=1 SANDBOX_OPTIONS='--rate-limit 1000/2s' integration/run-tests integration/test_rate_limit.py
	integration/run-tests

demo: setup
	@examples/demo

bench: pm2
	@integration/provision npm wrk
	integration/sandbox -- $(PYTHON) -m benchmarks.run
	if [ -d .node/18 ] || [ -d .node/debian ]; then \
	  integration/sandbox -- $(PYTHON) -m benchmarks.rolling 18; fi

clean:
	rm -rf .venv .vm .node .mypy_cache .ruff_cache benchmarks/.pm2
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
