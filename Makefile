# make demo    see changes become versions, on a forge of this machine (makes its environment first)
# make test    the whole test suite that needs no root
# make fuzz    promote, kill -9, run again: make fuzz ROUNDS=200 SEED=1; a round's seed repeats it
# make e2e     what needs root: the image in Docker, GitHub's and GitLab's jobs in real runners, fresh environments
# make lint    ruff, mypy, and the documents as a site (in build/site)
# make faces   action.yml and the tables of the documents, from the code
# make live    see on a live forge what the documents say of it: make live FORGE=github; docs/verified.md; never in CI
# make bench   the benchmarks, against git itself, GTO, DVC and gto-action (the last needs .ci/runners)

PYTHON ?= python3
VENV := .venv
export PIP_DISABLE_PIP_VERSION_CHECK := 1
RETRY := .ci/retry

.PHONY: demo test fuzz live e2e lint faces bench clean

demo: $(VENV)/.run
	$(VENV)/bin/tagline demo

test: $(VENV)/.dev
	$(VENV)/bin/python -m pytest -n auto -m "not e2e" $(PYTEST)

ROUNDS ?= 200
SEED ?= 1
fuzz: $(VENV)/.dev
	TAGLINE_TESTS_ROUNDS=$(ROUNDS) TAGLINE_TESTS_SEED=$(SEED) \
	    $(VENV)/bin/python -m pytest -n auto -rP tests/commands/changes/test_kills.py $(PYTEST)

FORGE ?= github
live: $(VENV)/.dev
	$(VENV)/bin/python -m tests.live $(FORGE)

e2e: $(VENV)/.dev
	.ci/runners
	$(VENV)/bin/python -m pytest -m e2e $(PYTEST)

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet --site-dir build/site

faces: $(VENV)/.dev
	$(VENV)/bin/python -m tests.faces
	$(VENV)/bin/python -m tests.contract.test_gitlab_components

bench: $(VENV)/.dev
	$(VENV)/bin/python -m benchmarks.ledger
	$(VENV)/bin/python -m benchmarks.validate
	$(VENV)/bin/python -m benchmarks.changes
	$(VENV)/bin/python -m benchmarks.fetch
	$(VENV)/bin/python -m benchmarks.resolve
	$(VENV)/bin/python -m benchmarks.lineage
	$(VENV)/bin/python -m benchmarks.query
	$(VENV)/bin/python -m benchmarks.page
	$(VENV)/bin/python -m benchmarks.beside_mlflow
	$(VENV)/bin/python -m benchmarks.hostile
	$(VENV)/bin/python -m benchmarks.first_hour
	$(VENV)/bin/python -m benchmarks.image

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Tagline needs Python 3.11 or newer: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	$(RETRY) $(VENV)/bin/pip install --quiet --editable '.[site]'
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(RETRY) $(VENV)/bin/pip install --quiet --editable '.[test,lint]'
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
