# make explore   the interactive page and the models in it, as a first look
# make run       every table and figure, from nothing: environment, data, models, pictures
# make test      the quick tests
# make help      the other targets

PYTHON ?= python3
CORES ?= 4
VENV := .venv
ENVIRONMENT := $(VENV)/.installed
DEVELOPMENT := $(VENV)/.installed-dev

# An environment belongs to one folder and one Python: its scripts and its editable install hold absolute paths.
# The marker says which. If the project was copied or moved, or Python replaced, the environment is made again.
BELONGS_TO = echo "$$(pwd -P) $$($(VENV)/bin/python --version 2>&1)"
ifneq ($(shell cat $(ENVIRONMENT) 2> /dev/null),$(shell $(BELONGS_TO)))
.PHONY: $(ENVIRONMENT)
endif

# Prints the data set that the configuration comes down to. LOCAL: without asking a mirror.
DATASET = $(VENV)/bin/python -c 'from mnist_vae.config.layers import complete_config, read_config; \
	from mnist_vae.data.obtain import resolve_dataset; \
	config = complete_config(read_config("config/config.yaml")); \
	print(resolve_dataset(config["dataset"], config["mnist_dir"], $(if $(LOCAL),[],config["mirrors"])))'

# A run shows one line per step, and after Ctrl-C how to go on.
SNAKEMAKE = trap 'echo "Interrupted. The same command resumes where this run stopped." >&2; exit 130' INT; \
	$(VENV)/bin/snakemake --cores $(CORES) $${SNAKEMAKE_OUTPUT_CACHE:+--cache} --logger steps

.DEFAULT_GOAL := help
.PHONY: run explore report site quote verify test test-all julia parity golden lint lock clean help

explore: LOCAL := yes
explore: $(ENVIRONMENT)  ## the interactive page and the models in it: the first thing to try (CORES=4)
	@dataset=$$($(DATASET)) && $(SNAKEMAKE) --config dataset=$$dataset -- results/$$dataset/explorer.html && \
	echo "To look at: results/$$dataset/explorer.html"

run: $(ENVIRONMENT)  ## every table and figure of the study (CORES=4)
	@$(SNAKEMAKE)
	@dataset=$$($(DATASET) 2> /dev/null) && echo "To look at: results/$$dataset/explorer.html"

test: $(DEVELOPMENT)  ## the quick tests
	$(VENV)/bin/pytest --numprocesses auto -m quick

test-all: test  ## every test: after the quick ones, those that run Snakemake, browsers and clusters, and kill runs
	$(VENV)/bin/pytest --numprocesses auto -m "not quick"

julia:  ## a Julia for the parity ladder, under .julia (Debian, amd64)
	sh reference_julia/debian/install.sh

parity: $(ENVIRONMENT)  ## compare every function with the Julia reference; fetches a Julia if it can
	-sh reference_julia/debian/install.sh
	$(VENV)/bin/snakemake --cores $(CORES) parity

golden: $(DEVELOPMENT) julia  ## compute tests/parity/golden.npz again, by Julia
	$(VENV)/bin/python tests/parity/make_golden.py

report: run  ## results/{dataset}/report.html: every figure and table in one file
	dataset=$$($(DATASET)) && \
	$(VENV)/bin/snakemake --report results/$$dataset/report.html \
	    --report-metadata workflow/report/software.yaml --report-stylesheet workflow/report/report.css

site: report $(DEVELOPMENT)  ## results/site: the docs, the library's reference and the last run, as pages to publish
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet --strict --config-file site/mkdocs.yml
	@echo "To look at: results/site/index.html"

quote: $(ENVIRONMENT)  ## bring the numbers that README and docs quote up to date with the last run on MNIST
	$(VENV)/bin/python -m mnist_vae quote results/mnist/tables README.md docs/*.md --write
	mkdir -p docs/tables && cp results/mnist/tables/*.csv results/mnist/tables/*.md docs/tables

verify: $(ENVIRONMENT)  ## compare all results with their manifest (and with another one: AGAINST=path)
	dataset=$$($(DATASET)) && \
	$(VENV)/bin/python -m mnist_vae verify results/$$dataset/manifest.json $${AGAINST:+--against "$$AGAINST"}

lint: $(DEVELOPMENT)  ## linters, format and type checks
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/snakefmt --check Snakefile workflow
	$(VENV)/bin/snakemake --lint
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

lock: pyproject.toml  ## pin every package that pyproject.toml asks for again
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/pip install --editable '.[pipeline]'
	(echo "# Every package that a run needs, pinned; made by 'make lock' from pyproject.toml."; $(PINS)) > requirements.lock
	$(VENV)/bin/pip install --constraint requirements.lock --editable '.[inference,site,test]'
	(echo "# What tests, linters, the site and comparisons of inference need besides; made by 'make lock' from pyproject.toml."; \
	 echo "--requirement requirements.lock"; $(PINS) | grep -vxFf requirements.lock) > requirements-dev.lock
	$(VENV)/bin/python workflow/scripts/pin_environments.py
	@$(BELONGS_TO) > $(ENVIRONMENT)
	@touch $(DEVELOPMENT)

PINS = $(VENV)/bin/pip freeze --exclude-editable | sed 's/+cpu$$//'

clean:  ## remove everything computed; keeps the environment and downloaded data
	@$(PYTHON) workflow/scripts/clean.py

help:  ## these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*##/make \1\t/' | expand -t 20

$(ENVIRONMENT): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 run")'
	@if [ -L $(VENV) ] && [ -e $(ENVIRONMENT) ]; then \
	    echo "$(VENV) is a link to an environment of another folder ($$(cat $(ENVIRONMENT))). Remove the link."; exit 1; fi
	@echo "Installing what a run needs in $(VENV): once, in about a minute, or longer where PyTorch is downloaded."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(call INSTALL,--requirement requirements.lock)
	@$(call INSTALL,--no-deps --editable .)
	@[ -x $(VENV)/bin/snakemake ] || { echo "pip installed nothing in $(VENV): see '$(VENV)/bin/pip config list'."; exit 1; }
	@$(BELONGS_TO) > $@

$(DEVELOPMENT): $(ENVIRONMENT) requirements-dev.lock
	@echo "Installing the tools for tests and linters in $(VENV): once, in about a minute."
	@$(call INSTALL,--requirement requirements-dev.lock)
	@touch $@

# Settings of pip's that send packages elsewhere are set aside. pip's own words are shown where it fails.
INSTALL = env -u PIP_PREFIX -u PIP_TARGET -u PIP_ROOT \
	$(VENV)/bin/pip install --disable-pip-version-check --no-user $(1) > $(VENV)/pip.log 2>&1 || \
	{ cat $(VENV)/pip.log; echo "pip failed, see above. The same command tries again."; exit 1; }
