# `make help` lists the targets. Each creates what it needs; nothing is installed outside .venv*.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PHOTOS ?=
# The environment of tests and development is apart from the demo's, which stays without torch.
DEV := .venv-dev
DEVBIN := $(DEV)/bin
TESTS ?= tests
# Programs in bench/: what measures speed, and what trains on the development photos.
BENCH ?= atlas audit cells crops data evaluate locate marks training
RESULTS ?= $(filter-out $(BENCH),$(basename $(notdir $(wildcard bench/*.py))))
# A newer Python for check-base, where one is at hand; checks with one Python otherwise.
NEWEST ?= $(lastword $(sort $(wildcard $(HOME)/.pyenv/versions/3.1[2-9]*/bin/python /usr/bin/python3.1[2-9])))

.PHONY: help demo test test-slow lint format types layers bench results check-base check-geoclip check-minimum clean
.DEFAULT_GOAL := help

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.installed  ## Locate the sample photo, or PHOTOS=folder, and write demo/map.html
	$(BIN)/python scripts/demo.py $(if $(PHOTOS),"$(PHOTOS)")

test: $(DEV)/.installed  ## Run the tests (TESTS=path for some)
	$(DEVBIN)/python -m pytest -n 2 $(TESTS)

test-slow: $(DEV)/.installed  ## Run the tests marked slow
	$(DEVBIN)/python -m pytest -n 2 -m slow $(TESTS)

lint: $(DEV)/.installed  ## Check format and style
	$(DEVBIN)/ruff format --check src tests bench scripts
	$(DEVBIN)/ruff check src tests bench scripts

format: $(DEV)/.installed  ## Format and mend what can be mended
	$(DEVBIN)/ruff format src tests bench scripts
	$(DEVBIN)/ruff check --fix src tests bench scripts

types: $(DEV)/.installed  ## Check types, strictly
	$(DEVBIN)/mypy

layers: $(DEV)/.installed  ## Check that imports point down the house
	$(DEVBIN)/lint-imports

bench: $(DEV)/.installed  ## Measure speed and memory into results/, half an hour (BENCH="atlas locate" for some)
	for part in $(BENCH); do $(DEVBIN)/python bench/$$part.py || exit 1; done

results: $(DEV)/.installed  ## Train and judge every system on ../shared/photos into results/, some hours (RESULTS="s3" for some)
	for part in $(RESULTS); do $(DEVBIN)/python bench/$$part.py || exit 1; done

check-base: $(DEV)/.installed  ## Install the wheel alone, by the oldest and the newest Python at hand, and use it offline
	rm -rf dist && $(DEVBIN)/uv build --quiet --wheel --out-dir dist
	for python in $(DEVBIN)/python $(NEWEST); do \
	  rm -rf .venv-base && $(DEVBIN)/uv venv --quiet --python $$python .venv-base && \
	  $(DEVBIN)/uv pip install --quiet --python .venv-base dist/*.whl && \
	  .venv-base/bin/python -I scripts/check_base.py || exit 1; done

check-geoclip: $(DEV)/.installed  ## Compare with the geoclip package; fails where its extra is missing
	$(DEVBIN)/python -c 'import faiss, geoclip, onnx, torch, transformers'
	$(DEVBIN)/python -m pytest -m 'slow or not slow' tests/encoders/test_geoclip.py

check-minimum: $(DEV)/.installed  ## Run the tests at the lowest versions pyproject.toml allows
	rm -rf .venv-min && $(DEVBIN)/uv venv --quiet --python $(DEVBIN)/python .venv-min
	$(DEVBIN)/uv pip install --quiet --python .venv-min --resolution lowest-direct -e . --group test
	.venv-min/bin/python -m pytest -n 2 $(TESTS)

clean:  ## Remove environments and caches
	rm -rf .venv .venv-dev .venv-base .venv-min build dist .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[demo]'
	touch $@

$(DEV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(DEV)
	$(DEVBIN)/python -m pip install --quiet --upgrade 'pip>=25.1'  # 25.1: --group
	$(DEVBIN)/python -m pip install --quiet -e '.[train,report,index,geoclip,demo]' --group test --group lint --group bench
	touch $@
