# make demo and make test each work from a fresh clone with Python 3.11, git and make.
#
# On Linux, PyPI's PyTorch is the CUDA build. To take PyTorch's own CPU or CUDA wheels instead:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cu130
TORCH_INDEX ?=
PYTHON ?= python3.11
PORT ?= 8080
VENV ?= .venv
BIN := $(VENV)/bin
export DO_NOT_TRACK := 1
export PATH := $(abspath $(BIN)):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test lint test-quick test-slow serve lock registry clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/installed: requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --progress-bar off --quiet \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r requirements.lock
	@touch $@

demo: $(VENV)/installed ## from nothing to a registered, promoted int8 model on the phrasebook
	python -m flows.pipeline

test: lint test-quick ## lint and tests

lint: $(VENV)/installed ## ruff, mypy, import-linter, hadolint
	ruff check
	ruff format --check
	mypy seq2seq registry tasks flows serving benchmarks
	lint-imports --no-cache
	hadolint Dockerfile

test-quick: $(VENV)/installed ## the tests alone, two files at a time: most wait for servers and processes
	pytest -n 2 --dist loadfile

test-slow: $(VENV)/installed ## the tests that take minutes: same bytes after kills and in another folder
	pytest -m slow

serve: $(VENV)/installed ## answer over HTTP with the champion, at http://127.0.0.1:8080
	python -m serving --port $(PORT)

registry: $(VENV)/installed ## MLflow's pages at http://127.0.0.1:5000
	mlflow server --backend-store-uri "$$(python -m registry.store)" --host 127.0.0.1 --port 5000

lock: $(VENV)/installed ## resolve requirements.lock again from pyproject.toml
	pip-compile --quiet --extra dev --no-strip-extras --no-header --no-annotate --no-emit-index-url \
		--no-emit-find-links --allow-unsafe --output-file requirements.lock pyproject.toml
	sed -i 's/^torch==\([0-9.]*\).*/torch==\1/' requirements.lock # a CPU build satisfies it, and a CUDA build

clean: ## remove what the default run made (but not the environment or DVC's cache)
	rm -rf code data/raw data/clean data/distilled data/synthetic models reports .work
