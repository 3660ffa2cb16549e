# Needs: make and Python 3.11 or newer. Everything else is set up on the way, inside this folder.

.PHONY: help demo demo-credit test setup check golden bench clean

help:
	@echo "make demo    set up, play the 74 tickets of examples/retail-support, serve the console"
	@echo "make demo-credit  set up, play twelve weeks of examples/credit-decisions, serve the console"
	@echo "make test    set up, check the code, run every test"
	@echo "make check   format, lint, types, imports"
	@echo "make golden  rewrite golden files and generated pages; review the diff as product text"
	@echo "make bench   measure, and print the figures"
	@echo "make clean   remove what the above made (not your deployments)"

setup:
	@scripts/uv sync --frozen --inexact

demo: setup
	@scripts/uv run --frozen bridgehead demo

demo-credit:
	@scripts/uv sync --frozen --inexact --extra credit
	@scripts/uv run --frozen --extra credit bridgehead demo credit

test:
	@scripts/check
	@scripts/test

check:
	@scripts/check

golden: setup
	@BRIDGEHEAD_REWRITE_GOLDEN=1 scripts/uv run --frozen pytest -p no:randomly \
		tests/golden tests/docs tests/unit/test_error_codes.py
	@git status --short -- tests/golden docs README.md src/bridgehead/store/versions

bench: setup
	@for file in bench/*.py; do echo "== $$file"; scripts/uv run --frozen python $$file || exit 1; done

clean:
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
