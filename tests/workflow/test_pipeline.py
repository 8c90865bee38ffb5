"""The whole pipeline, run by Snakemake on a tiny configuration of real digits."""

from contextlib import ExitStack
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest
import yaml

from mnist_vae.figures import table as figures_table
from mnist_vae.parameters import names
from mnist_vae.study.recipe import Recipe
from support.project import ROOT

pytestmark = pytest.mark.xdist_group("finished_project")

RESULTS = Path("results/mnist5k")
EDIT = "\nEDITED = True\n"
MODELS = 7  # two train sizes, by two seeds of the reference recipe and one of the strong; one of torch_init
FIGURES = set(figures_table.STUDY_FIGURES)
OF_ONE_MODEL = {
    "sample_prior",
    "reconstruct",
    "encode",
    "interpolate",
    "decode_manifold",
    "fit_top_half",
    "complete_top_half",
    "tabulate_top_half",
}


PAGES = dict.fromkeys(("elbo_page", "gaps_page", "differences_page", "questions_page"), 1)
TABLES = {"tabulate": 1, "inference_gap": 1} | PAGES  # the gaps' figure is drawn from the tables
OF_ALL_MODELS = {
    name for name in FIGURES if figures_table.FIGURES[name].source is not figures_table.Source.PICTURED_MODEL
}


def after_training(models: int, first_seeds: int) -> dict[str, int]:
    """Jobs that follow when so many models, some of them of their recipe's first seed, are trained again."""
    jobs = dict.fromkeys(("train", "evaluate"), models) | {"training_curves": 1} | TABLES
    if first_seeds:
        jobs |= {"measure_epochs": first_seeds, "weigh_draws": first_seeds, "importance_weighted_bound": 1}
    return jobs


def pictured() -> dict[str, int]:
    """Jobs that show the pictured model; the explorer shows another one beside it."""
    return dict.fromkeys(OF_ONE_MODEL | FIGURES - OF_ALL_MODELS | {"explorer"}, 1) | {"encode": 2}


MACHINE = ["processor", "blas", "cores", "threads", "versions"]
RATIOS = ["contest", "contender", "ms_a_unit", "ratio", "lowest", "highest"]
BENCHMARKS = {
    "ratios": [*RATIOS, *MACHINE],
    "processes": [*RATIOS, "memory_mb", *MACHINE],
    "commands": ["command", "seconds", "shortest", "longest", "torch", *MACHINE],
    "jobs": ["command", "jobs", "median_s", "longest_s", "total_s", "most_mb", "machine"],
}


def test_benchmarks_time_contenders_and_add_up_the_jobs(finished_project):
    result = finished_project.snakemake("benchmarks")
    assert result.returncode == 0, result.stdout + result.stderr
    folder = finished_project.folder / RESULTS / "benchmarks"
    files = [*(f"{name}.{suffix}" for name in BENCHMARKS for suffix in ("csv", "md")), "timings.png"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(files)
    tables = {name: pd.read_csv(folder / f"{name}.csv") for name in BENCHMARKS}
    assert {name: list(table.columns) for name, table in tables.items()} == BENCHMARKS
    assert tables["ratios"].contender[0] == "this package"
    assert {"n = 1,000", "n = 4,000"} <= set(tables["processes"].contender)  # all that mnist5k has
    assert {f"mnist_vae draw {figure}" for figure in FIGURES} < set(tables["commands"].command)
    assert not tables["commands"].torch.any()
    jobs = tables["jobs"].set_index("command").jobs
    assert jobs["train"] == MODELS
    assert not jobs.index.str.startswith("benchmark").any()
    assert "of one run" in (folder / "jobs.md").read_text()


def test_deleted_figure_reruns_its_rule_alone(finished_project):
    figure = finished_project.folder / RESULTS / "figures/interpolation.png"
    drawn = figure.read_bytes()
    figure.unlink()
    assert finished_project.planned() == {"interpolation": 1}
    assert finished_project.snakemake().returncode == 0
    assert figure.read_bytes() == drawn


TOP_HALF = dict.fromkeys(
    ("fit_top_half", "complete_top_half", "tabulate_top_half", "top_half_posterior", "completion"), 1
)
COMPLETION = {name: 1 for name in TOP_HALF if name != "fit_top_half"}
EXACT = (
    {"evaluate": MODELS, "measure_epochs": 5, "weigh_draws": 5, "importance_weighted_bound": 1}
    | {"explorer": 1}
    | TABLES
    | COMPLETION
)
# Settings whose dependents have no rule in common are edited in one plan.
EDITS = [
    {"snapshots={epochs: [1, 2]}": after_training(5, 5) | pictured()},
    {
        "evaluation={draws: 3}": {"evaluate": MODELS} | TABLES,
        "importance_weighting={images: 6}": {"weigh_draws": 5, "importance_weighted_bound": 1},
        "prior_samples={draws: 3}": {"sample_prior": 1, "prior_samples": 1},
        "interpolation={images: [1, 2, 3]}": {"interpolate": 1, "interpolation": 1},
        "latent_manifold={window: 3.0}": {"decode_manifold": 1, "latent_manifold": 1},
        "top_half={images: [4]}": TOP_HALF,
    },
    {
        "evaluation={first_100_draws: 6}": {"evaluate": MODELS} | TABLES,
        "importance_weighting={draws: [1, 5]}": {"weigh_draws": 5, "importance_weighted_bound": 1},
        "latent_manifold={size: 6}": {"decode_manifold": 1, "latent_manifold": 1},
        "top_half={training_images: []}": TOP_HALF,
    },
    {"gaps={images: 30}": {"evaluate": MODELS} | TABLES, "top_half={starts: 2}": TOP_HALF},
    {
        "snapshots={images: 30}": {"measure_epochs": 5, "explorer": 1} | TABLES,
        "top_half={draws: 7}": TOP_HALF,
    },
    {"marginal={tolerance: 0.02}": EXACT},
    {"marginal={window: 21.0}": EXACT},
    {"top_half={steps: 21}": TOP_HALF},
    {"top_half={learning_rate: 0.1}": TOP_HALF},
    {"top_half={completions: 2}": COMPLETION},
    {"recipes={reference: {epochs: 3}}": after_training(4, 2) | pictured() | {"encode": 1}},
    # The strong recipe has the reference's batch size, and rates and lengths of its own.
    {"recipes={reference: {batch_size: 50}}": after_training(7, 5) | pictured()},
    {"recipes={torch_init: {train_sizes: {mnist5k: [120]}}}": after_training(1, 1)},
    # Its largest model is in the explorer too.
    {"recipes={strong: {decay: 0.1}}": after_training(2, 2) | {"encode": 1, "explorer": 1}},
    {"recipes={brief: {epochs: 1, seeds: [7]}}": after_training(2, 2)},
    # One seed more is one model a size more, and every table and figure of all models.
    {"seeds=[1, 2, 3]": after_training(2, 0)},
    {"train_sizes={mnist5k: [120, 150, 200]}": after_training(3, 2)},
    # Another model is pictured: what it lacks is computed, and its pictures drawn. The explorer's is encoded.
    {"figures={seed: 2}": pictured() | {"encode": 1}},
    {"figures={recipe: strong}": {rule: 1 for rule in pictured() if rule != "encode"}},
    {"device=auto": after_training(MODELS, 5) | pictured()},
]
WITHOUT_EFFECT = [
    "dataset=mnist5k",
    "datasets={}",
    "train_sizes={mnist: [100]}",  # another data set's
    "mnist_dir=elsewhere",
    "datasets={letters: {folder: elsewhere}}",
    "mirrors=['https://mirror.invalid']",
    "benchmarks={rounds: 2, images: 200}",
    "parity={backend: executable, solutions: [mine.jl]}",
    "inference={images: 5}",  # a target of its own
]


@pytest.mark.parametrize("edits", EDITS, ids=lambda edits: " and ".join(edits))
def test_edited_config_keys_rerun_exactly_their_dependents(finished_project, edits):
    assert not any(first.keys() & second.keys() for first, second in combinations(edits.values(), 2))
    expected = {rule: count for dependents in edits.values() for rule, count in dependents.items()}
    assert finished_project.planned("--config", *edits) == expected


def test_edits_that_concern_no_result_rerun_nothing(finished_project):
    assert finished_project.planned("--config", *WITHOUT_EFFECT) == {}


def test_every_config_key_has_its_edit():
    """All settings of a recipe reach its training by the same list of options: tests/unit/plan."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    edits = [edit.split("=", 1) for edit in (*(edit for edits in EDITS for edit in edits), *WITHOUT_EFFECT)]
    edited = {leaf for key, value in edits for leaf in leaves({key: yaml.safe_load(value)})}
    of_recipes = {f"recipes.{name}" for name in names(Recipe)}
    assert leaves(config) - of_recipes <= edited


def leaves(config):
    """Keys as in {"marginal.window", "recipes.decay"}, without the names of recipes and data sets."""
    found = set()
    for key, value in config.items():
        is_section = isinstance(value, dict) and key != "datasets"
        sections = value.values() if key == "recipes" else [value] if is_section else []
        found |= {f"{key}.{name}" for section in sections for name in section} or {key}
    return found


COMMENTED = (
    *("study/training.py", "exact/integrator.py", "data/idx.py", "files/storage.py", "figures/style.py"),
    "commands/obtain.py",
)


def test_comments_rerun_nothing(finished_project):
    with ExitStack() as edits:
        edits.enter_context(finished_project.edited("config/config.yaml", "\n# a remark\n"))
        for module in COMMENTED:
            edits.enter_context(finished_project.edited(f"workflow/mnist_vae/{module}", "\n# a remark\n"))
        assert finished_project.planned() == {}


@pytest.mark.parametrize("figure", ["completion", "inference_gap"])
def test_edited_figure_is_drawn_alone(finished_project, figure):
    with finished_project.edited(f"workflow/mnist_vae/figures/{figure}.py", EDIT):
        assert finished_project.planned() == {figure: 1}


def test_another_style_redraws_every_figure_and_retrains_nothing(finished_project):
    with finished_project.edited("workflow/mnist_vae/figures/style.py", EDIT):
        assert finished_project.planned() == dict.fromkeys(FIGURES, 1)


def test_other_class_colours_redraw_what_shows_classes(finished_project):
    with finished_project.edited("workflow/mnist_vae/figures/classes.py", EDIT):
        of_classes = {
            "latent_scatter",
            "interpolation",
            "reconstructions",
            "top_half_posterior",
            "completion",
        }
        assert finished_project.planned() == dict.fromkeys(of_classes | {"explorer"}, 1)


def test_another_line_in_the_table_of_figures_redraws_nothing(finished_project):
    with finished_project.edited("workflow/mnist_vae/figures/table.py", EDIT):
        assert finished_project.planned() == {}


def test_edited_template_builds_the_explorer_alone(finished_project):
    with finished_project.edited("workflow/mnist_vae/pages/templates/explorer/model.js", "\n"):
        assert finished_project.planned() == {"explorer": 1}


def test_edited_answers_make_their_page_alone(finished_project):
    with finished_project.edited("docs/questions.md", "\nA remark.\n"):
        assert finished_project.planned() == {"questions_page": 1}


def test_edited_training_retrains(finished_project):
    with finished_project.edited("workflow/mnist_vae/study/training.py", EDIT):
        assert finished_project.planned() == after_training(MODELS, 5) | pictured()


def test_groups_run_alone(finished_project):
    (finished_project.folder / RESULTS / "figures/completion.png").unlink()
    result = finished_project.snakemake("--dry-run", "tables")
    assert "Nothing to be done" in result.stdout + result.stderr
    assert finished_project.snakemake("figures").returncode == 0
    assert finished_project.planned() == {}
