# make run    every table and figure, from nothing: environment, data, models, pictures
# make test   the same environment, then the tests
# make help   the other targets

PYTHON ?= python3
CORES ?= 4
VENV := .venv
ENVIRONMENT := $(VENV)/.installed

# An environment belongs to one folder and one Python: its scripts and its editable install hold absolute paths.
# The marker says which; where the project was copied or moved, or Python replaced, the environment is made anew.
BELONGS_TO = echo "$$(pwd -P) $$($(VENV)/bin/python --version 2>&1)"
ifneq ($(shell cat $(ENVIRONMENT) 2> /dev/null),$(shell $(BELONGS_TO)))
.PHONY: $(ENVIRONMENT)
endif

# Prints the data set that the configuration comes down to.
DATASET = $(VENV)/bin/python -c 'from mnist_vae.config.layers import complete_config, read_config; \
	from mnist_vae.data.obtain import resolve_dataset; \
	config = complete_config(read_config("config/config.yaml")); \
	print(resolve_dataset(config["dataset"], config["mnist_dir"], config["mirrors"]))'

.DEFAULT_GOAL := help
.PHONY: run report site quote verify test test-faults julia parity golden lint lock clean help

run: $(ENVIRONMENT)  ## every table and figure of the study (CORES=4)
	@[ -t 1 ] && progress="--logger rich"; set -x; $(VENV)/bin/snakemake --cores $(CORES) $$progress $${SNAKEMAKE_OUTPUT_CACHE:+--cache}
	@dataset=$$($(DATASET) 2> /dev/null) && echo "To look at: results/$$dataset/explorer.html"

test: $(ENVIRONMENT)  ## every test but the next ones
	$(VENV)/bin/pytest --numprocesses auto -m 'not faults'

test-faults: $(ENVIRONMENT)  ## runs that are killed, full disks, and other trouble
	$(VENV)/bin/pytest --numprocesses auto -m faults

julia:  ## a Julia for the parity ladder, under .julia (Debian, amd64)
	sh reference_julia/debian/install.sh

parity: $(ENVIRONMENT)  ## compare every function with the Julia reference; fetches a Julia if it can
	-sh reference_julia/debian/install.sh
	$(VENV)/bin/snakemake --cores $(CORES) parity

golden: $(ENVIRONMENT) julia  ## compute tests/parity/golden.npz anew, by Julia
	$(VENV)/bin/python tests/parity/make_golden.py

report: run  ## results/{dataset}/report.html: every figure and table in one file
	dataset=$$($(DATASET)) && \
	$(VENV)/bin/snakemake --report results/$$dataset/report.html \
	    --report-metadata workflow/report/software.yaml --report-stylesheet workflow/report/report.css

site: report  ## results/site: the docs, the library's reference and the last run, as pages to publish
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet --strict --config-file site/mkdocs.yml
	@echo "To look at: results/site/index.html"

quote: $(ENVIRONMENT)  ## bring the numbers that README and docs quote up to date with the last run on MNIST
	$(VENV)/bin/python -m mnist_vae quote results/mnist/tables README.md docs/*.md --write
	mkdir -p docs/tables && cp results/mnist/tables/*.csv results/mnist/tables/*.md docs/tables

verify: $(ENVIRONMENT)  ## compare all results with their manifest (and with another one: AGAINST=path)
	dataset=$$($(DATASET)) && \
	$(VENV)/bin/python -m mnist_vae verify results/$$dataset/manifest.json $${AGAINST:+--against "$$AGAINST"}

lint: $(ENVIRONMENT)  ## linters, format and type checks
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/snakefmt --check Snakefile workflow
	$(VENV)/bin/snakemake --lint
	$(VENV)/bin/mypy

lock: pyproject.toml  ## pin anew every package that pyproject.toml asks for
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/pip install --editable '.[site,test]'
	(echo "# Every package of the environment, pinned; made by 'make lock' from pyproject.toml."; \
	 $(VENV)/bin/pip freeze --exclude-editable | sed 's/+cpu$$//') > requirements.lock
	@$(BELONGS_TO) > $(ENVIRONMENT)

clean:  ## remove everything computed; keeps the environment and downloaded data
	@$(PYTHON) workflow/scripts/clean.py

help:  ## these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*##/make \1\t/' | expand -t 20

$(ENVIRONMENT): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 run")'
	@if [ -L $(VENV) ] && [ -e $(ENVIRONMENT) ]; then \
	    echo "$(VENV) is a link to an environment of another folder ($$(cat $(ENVIRONMENT))). Remove the link."; exit 1; fi
	@echo "Installing the locked environment in $(VENV): once, in about two minutes, or longer where PyTorch is downloaded."
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/pip install --disable-pip-version-check --requirement requirements.lock
	$(VENV)/bin/pip install --disable-pip-version-check --quiet --no-deps --editable .
	@$(BELONGS_TO) > $@
