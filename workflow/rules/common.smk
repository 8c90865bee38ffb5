# What the rules share: the checked configuration, and functions from wildcards to files and values.

import fcntl
import json
import os
import re
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Jobs, and the lines below, use the library of this checkout, and the Python that runs Snakemake (or, in
# front of it, that of their conda environment): whoever starts .venv/bin/snakemake need not activate .venv.
LIBRARY = Path(workflow.basedir, "workflow")
sys.path.insert(0, str(LIBRARY))
os.environ |= {
    "PYTHONPATH": str(LIBRARY),
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]),
}

from mnist_vae.config import check_config, complete_recipes, setting_at, with_numbers
from mnist_vae.data.obtain import resolve_dataset
from mnist_vae.errors import InputError
from mnist_vae.provenance.record import RECORD
from mnist_vae.provenance.software import cores, processor, versions
from mnist_vae.provenance.sources import import_closure

OWN_RECORD = "results/record.jsonl"  # to which every job adds what it made, with what, and at what cost
os.environ[RECORD] = OWN_RECORD


def forget_killed_runs():
    """Remove the locks that killed runs left in this folder; return what tells others that this one is alive.

    Snakemake's own locks outlive it. Beside them each run holds a lock of the kernel's, which does not: who
    gets it alone knows that every run here is over. Where that cannot be known, Snakemake's locks stay.
    """
    try:
        os.makedirs(".snakemake", exist_ok=True)
        alive = open(".snakemake/alive", "w")
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for lock in Path(".snakemake/locks").glob("*.lock"):
                lock.unlink()
        except BlockingIOError:
            pass
        fcntl.flock(alive, fcntl.LOCK_SH)
        return alive
    except OSError:
        return None


def share_results(place):
    """Let Snakemake's cache between workflows have a folder for each software and processor.

    The cache knows of neither, and other versions make other bits. The record there says what was put in.
    """
    kind = "-".join(filter(None, [*versions(("torch", "numpy")).values(), processor()]))
    folder = Path(place, re.sub(r"[^\w.]+", "-", kind))
    if Path(place).name == folder.name:
        folder = Path(place)  # a job's own Snakemake is told so already
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        CACHE: str(folder),
        RECORD: os.pathsep.join([os.environ[RECORD], str(folder / "record.jsonl")]),
    }


CACHE = "SNAKEMAKE_OUTPUT_CACHE"
SHARED = CACHE in os.environ  # and used, if Snakemake is also told --cache
if SHARED:
    share_results(os.path.abspath(os.environ[CACHE]))
ALIVE = forget_killed_runs() if workflow.is_main_process else None

config.update(with_numbers(config))
try:
    check_config(config, LIBRARY / "schemas/config.schema.yaml")
except InputError as error:
    raise WorkflowError(str(error))

# Of --cores, what a job of one thread claims to have a processor to itself: with more jobs than processors each
# finds its caches full of another's numbers, and takes half as long again.
A_PROCESSOR = max(1, (workflow.cores or 1) // cores())

RECIPES = complete_recipes(config)
MODEL = "results/{dataset}/models/{recipe}/n{n}/seed{seed}"
FIGURES = [
    "prior_samples",
    "latent_scatter",
    "interpolation",
    "top_half_posterior",
    "completion",
    "training_curves",
    "latent_manifold",
    "inference_gap",
    "importance_weighted_bound",
]
TABLES = ["metrics.csv", "elbo.csv", "elbo.md", "gaps.csv", "gaps.md", "epochs.csv", "third_question.csv"]
# Those of results; the manifest, which lists them, has one too.
PAGES = ["explorer", "pages/elbo", "pages/gaps", "pages/questions"]
TEMPLATES = os.path.relpath(LIBRARY / "mnist_vae/pages/templates")
EXPLORER_TEMPLATES = [
    f"{TEMPLATES}/{name}" for name in ("explorer.html", "explorer.css", "model.js", "explorer.js")
]
PAGE_TEMPLATE = f"{TEMPLATES}/page.html"


def sources(command):
    """The library's modules on which a command's result depends: inputs of its rule."""
    return [os.path.relpath(path) for path in import_closure(f"mnist_vae.commands.{command}")]


def recipe_options(wildcards):
    """A recipe's settings at a train size, numbers and names, as options of the command line."""
    return " ".join(
        f"--{name.replace('_', '-')} {setting_at(setting, int(wildcards.n))}"
        for name, setting in sorted(RECIPES[wildcards.recipe].items())
        if name not in ("seeds", "train_sizes")
    )


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
    try:
        return resolve_dataset(config["dataset"], config["mnist_dir"], config["mirrors"])
    except InputError as error:
        raise WorkflowError(str(error))


def all_tables(wildcards):
    return expand(
        "results/{dataset}/tables/{table}",
        dataset=dataset_asked_for(wildcards),
        table=TABLES,
    )


def all_figures(wildcards):
    return expand(
        "results/{dataset}/figures/{figure}.png", dataset=dataset_asked_for(wildcards), figure=FIGURES
    )


def all_pages(wildcards):
    return expand(
        "results/{dataset}/{page}.html",
        dataset=dataset_asked_for(wildcards),
        page=[*PAGES, "pages/manifest"],
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
    return [word for figure in FIGURES for word in ("--figure", figure, *input.get(figure))]


def of_models(file, seeds):
    """The given file of the chosen seeds' models, of every recipe and size, as a function of the data set."""

    def files(wildcards):
        return [
            path
            for recipe, settings in RECIPES.items()
            for path in expand(
                f"{MODEL}/{file}",
                dataset=wildcards.dataset,
                recipe=recipe,
                n=settings["train_sizes"][wildcards.dataset],
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
    return max(RECIPES[config["figures"]["recipe"]]["train_sizes"][dataset])


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


def of_parity_model(file):
    """The given file of the resolved data set's first reference model, of those trained on the fewest images."""

    def path(wildcards):
        dataset = dataset_asked_for(wildcards)
        return expand(
            file,
            dataset=dataset,
            recipe="reference",
            n=min(RECIPES["reference"]["train_sizes"][dataset]),
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
                "interpolation",
                "latent_manifold",
                "top_half_fit",
                "top_half",
            )
            for path in of_pictured_model(f"{name}.safetensors")(wildcards)
        ],
        *[f"{results}/tables/{table}" for table in TABLES],
        *[f"{results}/figures/{figure}.png" for figure in FIGURES],
        *[f"{results}/{page}.html" for page in PAGES],
    ]


def config_of_results(wildcards):
    """The configuration that the results depend on, complete: each recipe says its seeds and sizes."""
    elsewhere = {"dataset", "mnist_dir", "mirrors", "parity", "benchmarks", "seeds", "train_sizes"}
    recipes = {
        name: recipe | {"train_sizes": recipe["train_sizes"][wildcards.dataset]}
        for name, recipe in RECIPES.items()
    }
    return json.dumps(
        {key: config[key] for key in config.keys() - elsewhere} | {"recipes": recipes}, sort_keys=True
    )


def of_one_model(shown):
    """The report's labels of what shows the pictured model, as a function of the data set."""

    def labels(wildcards):
        return {
            "shown": shown,
            "recipe": config["figures"]["recipe"],
            "n": str(pictured_size(wildcards.dataset)),
            "seed": str(config["figures"]["seed"]),
        }

    return labels


def of_all_models(shown):
    """The report's labels of what shows every model."""
    return {"shown": shown, "recipe": "all", "n": "all", "seed": "all"}
