# From the configuration to files and values: what the rules share.

import json
import os
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from snakemake.exceptions import WorkflowError

# This checkout, wherever Snakemake was started, and whichever workflow imports this one as a module.
CHECKOUT = Path(os.path.abspath(str(workflow.current_basedir))).parents[1]
LIBRARY = CHECKOUT / "workflow"
if str(LIBRARY) not in sys.path:
    sys.path.insert(0, str(LIBRARY))

from mnist_vae.config.check import check_config
from mnist_vae.config.layers import complete_config, read_config
from mnist_vae.config.models import (
    check_model,
    check_plane,
    complete_recipes,
    completed_images,
    first_images,
    interpolated_images,
    latent_dimensions,
    pictured_seed,
    settings_at,
    train_sizes,
)
from mnist_vae.data.datasets import DATASETS
from mnist_vae.data.obtain import describe, resolve_dataset, sources_of
from mnist_vae.data.own import hash_own
from mnist_vae.errors import InputError
from mnist_vae.exact.settings import SUMMED_DIMENSIONS
from mnist_vae.figures.table import FIGURES
from mnist_vae.parameters import names, option_words
from mnist_vae.study.recipe import FitSettings
from mnist_vae.provenance import lock, record
from mnist_vae.provenance.environment import use_library
from mnist_vae.provenance.software import cores, kind_of_machine
from mnist_vae.provenance.sources import code_hash, import_closure

IS_MODULE = Path(workflow.basedir) not in (CHECKOUT, LIBRARY)
OWN_RECORD = "results/record.jsonl"  # to which every job adds what it made, with what, and at what cost
use_library(LIBRARY, alone=not IS_MODULE)
record.keep(OWN_RECORD)


def told(function, *arguments):
    """Call a function of the library; its InputError ends Snakemake with one line.

    Below a WorkflowError Snakemake prints the lines of code in which it was raised, which tell a user nothing.
    """
    try:
        return function(*arguments)
    except InputError as error:
        sys.exit(f"error: {error}")


def configured():
    """The complete configuration. Several files, and --config, are laid over each other one by one.

    What a module's importer hands over is one layer. `config` itself, in which Snakemake has merged
    everything, is not read where the parts are known: it merges settings by train size too.
    """
    given = workflow.config_settings
    by_command_line = config == given.overwrite_config
    layers = [*map(read_config, given.configfiles), given.config] if by_command_line else [config]
    complete = complete_config(read_config(CHECKOUT / "config/config.yaml"), *layers)
    check_config(complete)
    complete["figures"]["seed"] = pictured_seed(complete, complete_recipes(complete))
    return complete


def hold_folder():
    """Let this run be the only one in its folder."""
    told(lock.hold, "results/.lock")


config = told(configured)
RECIPES = complete_recipes(config)
MODEL = "results/{dataset}/models/{recipe}/n{n}/seed{seed}"
TABLES = [
    "metrics.csv",
    "elbo.csv",
    "elbo.md",
    "gaps.csv",
    "gaps.md",
    "differences.csv",
    "differences.md",
    "epochs.csv",
    "third_question.csv",
    "top_half_fits.csv",
]
# Those of results; the manifest, which lists them, has one too.
PAGES = ["explorer", "pages/elbo", "pages/gaps", "pages/differences", "pages/questions"]
SHARED = "SNAKEMAKE_OUTPUT_CACHE" in os.environ  # Snakemake's cache, used if it is also told --cache


def of_checkout(path):
    """A file of this checkout, as an input: it stays where it is, whatever prefix a module is imported with."""
    return local(os.path.relpath(CHECKOUT / path))


TEMPLATES = "workflow/mnist_vae/pages/templates"
EXPLORER_TEMPLATES = [
    of_checkout(path.relative_to(CHECKOUT)) for path in sorted((CHECKOUT / TEMPLATES / "explorer").iterdir())
]
PAGE_TEMPLATE = of_checkout(f"{TEMPLATES}/page.html")


def code(*commands):
    """A hash of the library's modules on which these commands' results depend: a param of their rules."""
    return [code_hash(f"mnist_vae.commands.{command}") for command in commands]


def sources(command):
    """These modules themselves, as inputs."""
    return [of_checkout(path) for path in import_closure(f"mnist_vae.commands.{command}")]


def software(wildcards, resources):
    """With what a job computes. Other software makes other bits, so Snakemake's cache must know it.

    A param that depends on `resources` is part of the key in the cache, and no reason to run a job again.
    """
    return kind_of_machine()


def one_processor(wildcards):
    """Of --cores, what a job of one thread claims to have a processor to itself.

    With more jobs than processors each finds its caches full of another's numbers, and takes half as long
    again. Without --cores, which Snakemake needs only to run jobs, there is nothing to share out.
    """
    try:
        return max(1, workflow.cores // cores())
    except WorkflowError:
        return 1


@cache
def dataset_named(name):
    """The description of the data set of a path; of one's own its files' headers are read, once."""
    return told(describe, name, config["datasets"])


@cache
def files_of_own(name):
    """SHA-256 of each file of one's own data set: another file makes other results, a touched one does not."""
    return {} if name in DATASETS else told(hash_own, name, config["datasets"][name]["folder"])


def places(name):
    """The folder and the mirrors that the configuration names for a data set."""
    return sources_of(name, config["mnist_dir"], config["mirrors"], config["datasets"])


def binarization(wildcards):
    """How a data set's pictures become binary, as words of the command line."""
    threshold = dataset_named(wildcards.dataset).threshold
    return ["--draw"] if threshold is None else ["--threshold", str(threshold)]


def first_test_images(section):
    """How many of the first images a section of the configuration asks for, as a function of the data set."""
    return lambda wildcards: first_images(config, section, dataset_named(wildcards.dataset))


def test_images_along_training(wildcards):
    """All for the model that answers the third question, the reference recipe's largest; the first for others."""
    dataset, recipe = dataset_named(wildcards.dataset), wildcards.recipe
    if recipe == "reference" and int(wildcards.n) == max(train_sizes(RECIPES[recipe], dataset)):
        return dataset.test_images
    return first_images(config, "snapshots", dataset)


def inferred(split):
    """The test or training images whose bottom is inferred, as a function of the data set."""
    return lambda wildcards: completed_images(config, split, dataset_named(wildcards.dataset))


def digits_of_known_model(wildcards):
    """What a model is trained on, if its path names one that can be trained."""
    dataset = dataset_named(wildcards.dataset)
    told(check_model, RECIPES, dataset, wildcards.recipe, int(wildcards.n), int(wildcards.seed))
    return f"results/{wildcards.dataset}/data/binarized.safetensors"


def recipe_options(wildcards):
    """A recipe's settings at a train size, as options of the command line."""
    return option_words(settings_at(RECIPES[wildcards.recipe], int(wildcards.n)))


def interpolated(wildcards):
    """The training images between which a model interpolates."""
    return interpolated_images(config, int(wildcards.n))


def snapshot_epochs(wildcards):
    """The epochs whose weights a training keeps: none, but for its recipe's first seed."""
    is_first = int(wildcards.seed) == RECIPES[wildcards.recipe]["seeds"][0]
    return config["snapshots"]["epochs"] if is_first else []


def dataset_asked_for(wildcards):
    """The resolved data set. Called for group targets only: a path under results/ says its own."""
    return resolved_dataset()


@cache
def resolved_dataset():
    """Looked for once, however many targets ask: the mirrors' answers take time, and the choice is said aloud."""
    return told(resolve_dataset, config["dataset"], config["mnist_dir"], config["mirrors"])


def all_tables(wildcards):
    return expand(
        "results/{dataset}/tables/{table}",
        dataset=dataset_asked_for(wildcards),
        table=TABLES,
    )


@cache
def without_plane(dataset):
    """What needs a latent plane, if the pictured model has none: figures and pages. Said aloud, once."""
    dimensions = latent_dimensions(RECIPES[config["figures"]["recipe"]], pictured_size(dataset))
    if dimensions == 2:
        return set()
    left_out = {"explorer", *(figure for figure, entry in FIGURES.items() if entry.needs_plane)}
    print(
        f"The pictured model has {dimensions} latent dimension{'s' * (dimensions > 1)}; left out, as they show a "
        f"latent plane: {', '.join(sorted(left_out))}. figures.recipe names another model.",
        file=sys.stderr,
    )
    return left_out


def shown_figures(dataset):
    return [figure for figure in FIGURES if figure not in without_plane(dataset)]


def shown_pages(dataset):
    return [page for page in PAGES if page not in without_plane(dataset)]


def on_plane(what, files):
    """The same files, as a function of the data set, of a pictured model that has a latent plane."""

    def checked(wildcards):
        n = pictured_size(wildcards.dataset)
        told(check_plane, RECIPES, config["figures"]["recipe"], n, what)
        return files(wildcards)

    return checked


def weights_with_plane(wildcards):
    """The weights of a model, if its recipe has two latent dimensions."""
    told(check_plane, RECIPES, wildcards.recipe, int(wildcards.n), "the latent manifold")
    return expand(f"{MODEL}/weights.safetensors", **wildcards)


def all_figures(wildcards):
    dataset = dataset_asked_for(wildcards)
    return expand("results/{dataset}/figures/{figure}.png", dataset=dataset, figure=shown_figures(dataset))


def all_pages(wildcards):
    dataset = dataset_asked_for(wildcards)
    return expand(
        "results/{dataset}/{page}.html", dataset=dataset, page=[*shown_pages(dataset), "pages/manifest"]
    )


def all_benchmarks(wildcards):
    dataset = dataset_asked_for(wildcards)
    tables = expand(
        "results/{dataset}/benchmarks/{name}.{suffix}",
        dataset=dataset,
        name=["ratios", "processes", "commands", "jobs"],
        suffix=["csv", "md"],
    )
    return [*tables, f"results/{dataset}/benchmarks/timings.png"]


def draw_options(wildcards, input):
    """Every figure and what it is drawn from, as options of `benchmark_commands`."""
    return [
        word
        for figure in shown_figures(wildcards.dataset)
        for word in ("--figure", figure, *input.get(figure))
    ]


def of_models(file, seeds, chosen=lambda recipe, n: True):
    """The given file of the chosen seeds' models, of every chosen recipe and size, as a function of the data set."""

    def files(wildcards):
        return [
            path
            for recipe, settings in RECIPES.items()
            for n in train_sizes(settings, dataset_named(wildcards.dataset))
            if chosen(settings, n)
            for path in expand(
                f"{MODEL}/{file}",
                dataset=wildcards.dataset,
                recipe=recipe,
                n=n,
                seed=settings["seeds"][seeds],
            )
        ]

    return files


def of_every_model(file):
    """The given file of every configured model."""
    return of_models(file, slice(None))


def of_first_seeds(file):
    """The given file of the models of each recipe's first seed."""
    return of_models(file, slice(1))


def pictured_size(dataset):
    """The train size of the model that the figures show: its recipe's largest."""
    return max(train_sizes(RECIPES[config["figures"]["recipe"]], dataset_named(dataset)))


def of_pictured_model(file):
    """The given file of the model that the figures show, as a function of the data set."""

    def path(wildcards):
        return expand(
            f"{MODEL}/{file}",
            dataset=wildcards.dataset,
            recipe=config["figures"]["recipe"],
            n=pictured_size(wildcards.dataset),
            seed=config["figures"]["seed"],
        )

    return path


def timed_models(wildcards):
    """The pictured model, and those of the same size whose log p(x) is a sum, of the first seeds."""
    n = pictured_size(wildcards.dataset)
    of_its_size = of_models(
        "weights.safetensors",
        slice(1),
        lambda recipe, size: size == n and has_sum(recipe, size),
    )
    pictured = of_pictured_model("weights.safetensors")
    return list(dict.fromkeys([*pictured(wildcards), *of_its_size(wildcards)]))


def of_parity_model(file):
    """The given file of the resolved data set's first reference model, of those trained on the fewest images."""

    def path(wildcards):
        dataset = dataset_asked_for(wildcards)
        return expand(
            file,
            dataset=dataset,
            recipe="reference",
            n=min(train_sizes(RECIPES["reference"], dataset_named(dataset))),
            seed=RECIPES["reference"]["seeds"][0],
        )

    return path


def all_results(wildcards):
    """Every file that is computed on a data set, each after those that it is made of."""
    results = f"results/{wildcards.dataset}"
    return [
        f"{results}/data/grey.safetensors",
        f"{results}/data/binarized.safetensors",
        *[
            path
            for file in (
                "weights.safetensors",
                "history.csv",
                "snapshots.safetensors",
                "metrics.csv",
            )
            for path in of_every_model(file)(wildcards)
        ],
        *[path for file in ("epochs.csv", "weighted_draws.csv") for path in of_first_seeds(file)(wildcards)],
        *[
            path
            for name in (
                "latents",
                "prior_samples",
                "reconstructions",
                "interpolation",
                "latent_manifold",
                "top_half_fit",
                "top_half",
            )
            if name not in without_plane(wildcards.dataset)
            for path in of_pictured_model(f"{name}.safetensors")(wildcards)
        ],
        *[f"{results}/tables/{table}" for table in TABLES],
        *[f"{results}/figures/{figure}.png" for figure in shown_figures(wildcards.dataset)],
        *[f"{results}/{page}.html" for page in shown_pages(wildcards.dataset)],
    ]


def config_of_results(wildcards):
    """The configuration that the results depend on, complete: each recipe says its seeds and sizes."""
    elsewhere = {"dataset", "datasets", "mnist_dir", "mirrors"}
    elsewhere |= {"parity", "benchmarks", "seeds", "train_sizes"}
    dataset = dataset_named(wildcards.dataset)
    found = {key: config[key] for key in config.keys() - elsewhere}
    found["recipes"] = {
        name: recipe | {"train_sizes": train_sizes(recipe, dataset)} for name, recipe in RECIPES.items()
    }
    if files := files_of_own(dataset.name):
        found["data"] = {"files": files, "threshold": dataset.threshold, "classes": dataset.classes}
    return json.dumps(found, sort_keys=True)


def has_sum(recipe, n):
    """Whether log p(x) of a recipe's models is a sum, and no estimate."""
    return latent_dimensions(recipe, n) <= SUMMED_DIMENSIONS


def of_summed_models(file):
    """The given file of those of the first seeds' models whose log p(x) is a sum, as a function of the data set."""
    return of_models(file, slice(1), has_sum)


# There the estimate can be compared with the sum.
with_sums = of_summed_models("estimate.csv")


def all_latents(wildcards):
    """Tables and figure; without the comparison of estimates and sums, if no model has a sum."""
    dataset = dataset_asked_for(wildcards)
    names = ["tables/latents.csv", "figures/latents.png"]
    if with_sums(SimpleNamespace(dataset=dataset)):
        names.append("tables/estimates.csv")
    return expand("results/{dataset}/{name}", dataset=dataset, name=names)


def literature_models(file):
    """The given file of every configured model of both data sets."""
    files = of_every_model(file)
    return [
        path for dataset in ("mnist", "mnist_sampled") for path in files(SimpleNamespace(dataset=dataset))
    ]
