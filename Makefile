# make run    all tables and figures, from nothing: environment, data, models, pictures
# make test   the same environment, then every test
# make help   the other targets

PYTHON ?= python3
CORES ?= 4
VENV := .venv
ENVIRONMENT := $(VENV)/.installed

# Prints the data set that the configuration comes down to.
DATASET = $(VENV)/bin/python -c 'import yaml; from mnist_vae.data.digits import resolve_dataset; \
	config = yaml.safe_load(open("config/config.yaml")); \
	print(resolve_dataset(config["dataset"], config["mnist_dir"], config["mirrors"]))'

.DEFAULT_GOAL := help
.PHONY: run report verify test test-faults julia parity golden lint lock clean help

run: $(ENVIRONMENT)  ## every table and figure of the study (CORES=4)
	@[ -t 1 ] && progress="--logger rich"; set -x; $(VENV)/bin/snakemake --cores $(CORES) $$progress $${SNAKEMAKE_OUTPUT_CACHE:+--cache}

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

verify: $(ENVIRONMENT)  ## compare all results with their manifest (and with another one: AGAINST=path)
	dataset=$$($(DATASET)) && \
	$(VENV)/bin/python -m mnist_vae verify results/$$dataset/manifest.json $${AGAINST:+--against "$$AGAINST"}

lint: $(ENVIRONMENT)  ## lint and format checks
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/snakefmt --check Snakefile workflow
	$(VENV)/bin/snakemake --lint

lock: pyproject.toml  ## pin anew every package that pyproject.toml asks for
	rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --editable '.[test]'
	(echo "# Every package of the environment, pinned; made by 'make lock' from pyproject.toml."; \
	 $(VENV)/bin/pip freeze --exclude-editable | sed 's/+cpu$$//') > requirements.lock
	touch $(ENVIRONMENT)

clean:  ## remove everything computed, and keep the environment and downloaded data
	find results -mindepth 1 ! -name README.md -delete
	rm -rf .snakemake

help:  ## these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*##/make \1\t/' | expand -t 20

$(ENVIRONMENT): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 run")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement requirements.lock
	$(VENV)/bin/pip install --quiet --no-deps --editable .
	touch $@
