# One command each. Every target makes what it needs from a bare Python 3.11, as root or not.

.PHONY: demo up test check bench generated locks clean
.DEFAULT_GOAL := help

python := .venv/bin/python
ready := .venv/ready
distributions := pyproject.toml clients/python/pyproject.toml
locked := deploy/locks/dev.txt deploy/locks/dev-source.txt

$(ready): $(locked) $(distributions) deploy/bootstrap
	@deploy/bootstrap
	@touch $@

demo: $(ready) ## see it work: three lenders, a regulator, a few thousand synthetic borrowers
	@$(python) -m tests.demo

up: $(ready) ## serve a sandbox until Ctrl-C
	@.venv/bin/exchange up

test: $(ready) ## everything that CI runs, cheapest first
	@deploy/check all

check: $(ready) ## format, lint, types, arrows, unit and structure tests: under 30 s
	@deploy/check quick

bench: $(ready) ## the figures, as JSON
	@$(python) -m tests.bench all --out bench.json

generated: $(ready) ## write anew what is generated from the code: errors, OpenAPI
	@$(python) -m tests.structure.generated

locks: ## compile the lock files anew (needs uv)
	@deploy/lock

clean: ## remove the environment and every cache
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

help:
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/'
