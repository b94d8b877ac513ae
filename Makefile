# Everything needs only Python >= 3.11, make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KAFKA ?= 127.0.0.1:19092
ELASTICSEARCH ?= http://127.0.0.1:19200

.PHONY: run demo test test-real check bench format lock schemas clean

run: $(VENV)/run.stamp ## start everything on the embedded default
	@exec $(BIN)/tanggap up

demo: $(VENV)/run.stamp ## send complaints through every entrance of a running Tanggap
	@exec $(BIN)/tanggap demo

test: $(VENV)/dev.stamp ## every test that needs no service from outside
	$(BIN)/python -m pytest

test-real: $(VENV)/dev.stamp ## the integration suite against KAFKA=host:port ELASTICSEARCH=url [DATABASE=url]
	TANGGAP_TEST_KAFKA=$(KAFKA) TANGGAP_TEST_ELASTICSEARCH=$(ELASTICSEARCH) TANGGAP_TEST_DATABASE=$(DATABASE) $(BIN)/python -m pytest -m integration

check: $(VENV)/dev.stamp ## format, lint, types, import rules, schema drift
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m schemas.export --check
	$(BIN)/python -m tanggap.generated --check

bench: $(VENV)/dev.stamp ## benchmarks, each with its baseline in the same run
	$(BIN)/python -m bench

format: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schemas: $(VENV)/dev.stamp ## write what is generated: JSON Schemas, AsyncAPI, .env.example, docs/reasons.md
	$(BIN)/python -m schemas.export
	$(BIN)/python -m tanggap.generated

lock: $(VENV)/dev.stamp ## pin requirements/*.in with hashes
	for name in run dev; do $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url requirements/$$name.in -o requirements/$$name.txt; done

clean: ## remove the embedded default's data
	rm -rf .data

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
