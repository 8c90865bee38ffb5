# Helpers that need Snakemake itself. The package mnist_vae.plan determines models, files and options.

import os
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

# This checkout, wherever Snakemake was started, and whichever workflow imports this one as a module.
CHECKOUT = Path(os.path.abspath(str(workflow.current_basedir))).parents[1]
LIBRARY = CHECKOUT / "workflow"
sys.path.insert(0, str(LIBRARY))

from mnist_vae.config.layers import complete_config, read_config
from mnist_vae.data.obtain import resolve_dataset
from mnist_vae.errors import InputError
from mnist_vae.parameters import option_words
from mnist_vae.plan.models import MODEL, Model
from mnist_vae.plan.results import Results
from mnist_vae.plan.study import Study
from mnist_vae.provenance import environment, lock, record, software, sources

OWN_RECORD = "results/record.jsonl"  # every job appends how it made its files, and its cost
SHARED = "SNAKEMAKE_OUTPUT_CACHE" in os.environ  # Snakemake's cache, used together with --cache
environment.use_library(LIBRARY, alone=Path(workflow.basedir) in (CHECKOUT, LIBRARY))
record.keep(OWN_RECORD)


def told(function, *arguments):
    """Call a function of the library; an InputError ends Snakemake with one line, without a traceback."""
    try:
        return function(*arguments)
    except InputError as error:
        sys.exit(f"error: {error}")


def layers():
    """The layers of the configuration, from the defaults to --config.

    The configuration that an importing workflow passes is one layer. Otherwise Snakemake's merged `config` is
    not used, since it also merges settings by train size, which are single values.
    """
    given = workflow.config_settings
    by_command_line = config == given.overwrite_config
    own = [*map(read_config, given.configfiles), given.config] if by_command_line else [config]
    return [read_config(CHECKOUT / "config/config.yaml"), *own]


study = told(lambda: Study(complete_config(*layers())))
results = Results(study)
config = study.config.copy()


@cache  # a mirror may take long to answer
def resolved_dataset():
    return told(resolve_dataset, config["dataset"], config["mnist_dir"], config["mirrors"])


@cache
def announced(dataset):
    """The data set, after telling the user what this run leaves out or replaces."""
    for sentence in told(results.notices, dataset):
        print(sentence, file=sys.stderr)
    return dataset


def asked_for(files):
    """Files of the resolved data set, as the input of a group target."""
    return lambda wildcards: told(lambda: files(resolved_dataset()))


def of(models, file, *about):
    """One file of each of these models, as a function of the data set in a rule's path."""
    return lambda wildcards: [model.file(file) for model in told(models, wildcards.dataset, *about)]


def per_dataset(answer, *about):
    """The plan's answer about the data set in a rule's path."""
    return lambda wildcards: told(answer, wildcards.dataset, *about)


def per_model(answer, *about):
    """The plan's answer about the model in a rule's path."""
    return lambda wildcards: told(lambda: answer(Model.named(**wildcards), *about))


def checked(check, pattern, *about):
    """An input of a rule for one model, after a check of that model by the plan."""
    return lambda wildcards: told(lambda: check(Model.named(**wildcards), *about)) or expand(
        pattern, **wildcards
    )


def of_checkout(path):
    """A file of this checkout, as an input whose path no module's prefix changes."""
    return local(os.path.relpath(CHECKOUT / path))


def code(*modules):
    """A hash of the library's code on which a rule's results depend, as a param."""
    return lambda wildcards: [sources.code_hash(f"mnist_vae.{module}") for module in modules]


def computed_with(wildcards, resources):
    """The kind of machine, as part of a cache key. It depends on `resources`, so a change reruns no job."""
    return software.kind_of_machine()


def one_processor(wildcards):
    """The share of --cores that a job of one thread takes: two jobs on one processor would take 1.5 times as long.

    Without --cores, which Snakemake needs only to run jobs, it is 1.
    """
    try:
        return max(1, workflow.cores // software.cores())
    except WorkflowError:
        return 1
