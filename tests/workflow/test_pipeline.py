"""The whole pipeline, run by Snakemake on a tiny configuration of real digits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.image import imread
from safetensors.numpy import load_file

from .conftest import ROOT

pytestmark = pytest.mark.xdist_group("finished_project")

RESULTS = Path("results/mnist5k")
OF_REFERENCE, OF_STRONG = 4, 2  # models: two train sizes, by two seeds and by one
MODELS = OF_REFERENCE + OF_STRONG
FIGURES = {
    "prior_samples",
    "latent_scatter",
    "interpolation",
    "top_half_posterior",
    "completion",
    "training_curves",
    "latent_manifold",
}
OF_ONE_MODEL = {
    "sample_prior",
    "encode",
    "interpolate",
    "decode_manifold",
    "fit_top_half",
    "complete_top_half",
}


def after_evaluating(models: int = MODELS) -> dict[str, int]:
    return {"evaluate": models, "tabulate": 1}


def after_training(models: int = MODELS) -> dict[str, int]:
    after_encoding = dict.fromkeys(OF_ONE_MODEL | FIGURES | {"explorer"}, 1)
    return {"train": models} | after_evaluating(models) | after_encoding


def test_metrics_hold_every_model_split_and_metric(finished_project):
    metrics = pd.read_csv(finished_project.folder / RESULTS / "tables/metrics.csv")
    assert list(metrics.columns) == ["recipe", "n", "seed", "split", "metric", "value", "standard_error"]
    assert set(metrics.n) == {120, 200}
    assert set(metrics.seed) == {1, 2}
    assert set(metrics.split) >= {"train", "test", "test_first_100"}
    assert set(metrics.metric) >= {"neg_elbo", "kl", "reconstruction"}
    assert np.isfinite(metrics.value).all()
    wide = metrics.pivot(index=["recipe", "n", "seed", "split"], columns="metric", values="value")
    assert np.allclose(wide.neg_elbo, wide.kl + wide.reconstruction)
    # Two epochs: better than the 784 log 2 = 543 nats of a fair coin per pixel, far from trained.
    assert wide.neg_elbo.between(200, 543).all()


def test_elbo_table_is_made_of_the_metrics(finished_project):
    tables = finished_project.folder / RESULTS / "tables"
    metrics, elbo = pd.read_csv(tables / "metrics.csv"), pd.read_csv(tables / "elbo.csv")
    metrics, elbo = (table.query("recipe == 'reference' and n == 200") for table in (metrics, elbo))
    found = metrics.query("split == 'test' and metric == 'neg_elbo'").value
    mean = elbo.query("seed == 'mean'").iloc[0]
    assert mean.test_neg_elbo == pytest.approx(found.mean())
    assert mean.test_seed_spread == pytest.approx(found.std())
    assert f"{mean.test_neg_elbo:.2f}" in (tables / "elbo.md").read_text()


def test_models_keep_weights_and_history(finished_project):
    model = finished_project.folder / RESULTS / "models/reference/n200/seed1"
    weights = load_file(model / "weights.safetensors")
    assert weights["encoder.hidden.weight"].shape == (500, 784)
    assert weights["decoder.output.weight"].shape == (784, 500)
    history = pd.read_csv(model / "history.csv")
    assert list(history.epoch) == [1, 2]
    assert history.loss.is_monotonic_decreasing


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_figures_are_pictures(finished_project, name):
    pixels = imread(finished_project.folder / RESULTS / f"figures/{name}.png")
    assert min(pixels.shape[:2]) > 300
    assert pixels[..., :3].std() > 0.05  # not an empty sheet


def test_second_run_does_nothing(finished_project):
    result = finished_project.snakemake()
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout + result.stderr


def test_deleted_figure_reruns_its_rule_alone(finished_project):
    figure = finished_project.folder / RESULTS / "figures/interpolation.png"
    drawn = figure.read_bytes()
    figure.unlink()
    assert finished_project.planned() == {"interpolation": 1}
    assert finished_project.snakemake().returncode == 0
    assert figure.read_bytes() == drawn


EDITS = {
    "evaluation={draws: 3}": after_evaluating(),
    "evaluation={first_100_draws: 6}": after_evaluating(),
    "prior_samples={draws: 3}": {"sample_prior": 1, "prior_samples": 1},
    "interpolation={images: [1, 2, 3]}": {"interpolate": 1, "interpolation": 1},
    "latent_manifold={window: 3.0}": {"decode_manifold": 1, "latent_manifold": 1},
    "latent_manifold={size: 6}": {"decode_manifold": 1, "latent_manifold": 1},
    **dict.fromkeys(
        [
            "top_half={images: [4]}",
            "top_half={draws: 7}",
            "top_half={steps: 21}",
            "top_half={learning_rate: 0.1}",
        ],
        {"fit_top_half": 1, "complete_top_half": 1, "top_half_posterior": 1, "completion": 1},
    ),
    "top_half={completions: 2}": {"complete_top_half": 1, "top_half_posterior": 1, "completion": 1},
    **dict.fromkeys(
        [
            "recipes={reference: {epochs: 3}}",
            "recipes={reference: {learning_rate: 0.002}}",
        ],
        after_training(OF_REFERENCE),
    ),
    # The strong recipe has the reference's batch size, and rates and lengths of its own.
    "recipes={reference: {batch_size: 50}}": after_training(),
    **dict.fromkeys(
        [
            "recipes={strong: {epochs: {1: 1, 150: 2}}}",
            "recipes={strong: {augmentation: {1: 1, 150: 2}}}",
        ],
        {"train": 1} | after_evaluating(1) | {"training_curves": 1},
    ),
    "recipes={strong: {decay: 0.1}}": {"train": 2} | after_evaluating(2) | {"training_curves": 1},
    # One seed more is one model a size more, and every table and figure of all models.
    "seeds=[1, 2, 3]": {"train": 2, "evaluate": 2, "tabulate": 1, "training_curves": 1},
    # Another model is pictured: what it lacks is computed, and its pictures drawn.
    "figures={seed: 2}": dict.fromkeys(OF_ONE_MODEL | FIGURES - {"training_curves"} | {"explorer"}, 1),
    "recipes={brief: {epochs: 1}}": {"train": 4} | after_evaluating(4) | {"training_curves": 1},
    "recipes={brief: {seeds: [7]}}": {"train": 2} | after_evaluating(2) | {"training_curves": 1},
    "mnist_dir=elsewhere": {},
    "mirrors=['https://mirror.invalid']": {},
}


@pytest.mark.parametrize("edit", EDITS)
def test_edited_config_key_reruns_exactly_its_dependents(finished_project, edit):
    assert finished_project.planned("--config", edit) == EDITS[edit]


def test_every_config_key_has_its_edit():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    tested = {edit.split("=")[0] for edit in EDITS}
    chosen_by_the_fixture = {"dataset", "train_sizes"}
    assert set(config) == tested | chosen_by_the_fixture


def test_comments_in_the_config_rerun_nothing(finished_project):
    config = finished_project.folder / "config/config.yaml"
    before = config.read_text()
    config.write_text("# a remark\n" + before)
    assert finished_project.planned() == {}
    config.write_text(before)


def test_touched_but_unchanged_module_reruns_nothing(finished_project):
    (finished_project.folder / "workflow/mnist_vae/training.py").touch()
    assert finished_project.planned() == {}


def test_new_colour_redraws_and_retrains_nothing(finished_project):
    figures = finished_project.folder / "workflow/mnist_vae/figures.py"
    before = figures.read_text()
    assert '"#E69F00"' in before
    figures.write_text(before.replace('"#E69F00"', '"#FFAA00"'))
    assert finished_project.planned() == dict.fromkeys(FIGURES | {"explorer"}, 1)
    figures.write_text(before)
    assert finished_project.planned() == {}


@pytest.mark.parametrize("template", ["explorer.html", "explorer.css", "model.js", "explorer.js"])
def test_edited_template_builds_the_explorer_alone(finished_project, template):
    path = finished_project.folder / "workflow/mnist_vae/templates" / template
    before = path.read_text()
    path.write_text(before + "\n")
    assert finished_project.planned() == {"explorer": 1}
    path.write_text(before)
    assert finished_project.planned() == {}


def test_edited_training_retrains(finished_project):
    training = finished_project.folder / "workflow/mnist_vae/training.py"
    before = training.read_text()
    training.write_text(before + "\n# edited\n")
    assert finished_project.planned() == after_training()
    training.write_text(before)


def test_groups_run_alone(finished_project):
    (finished_project.folder / RESULTS / "figures/completion.png").unlink()
    result = finished_project.snakemake("--dry-run", "tables")
    assert "Nothing to be done" in result.stdout + result.stderr
    assert finished_project.snakemake("figures").returncode == 0
    assert finished_project.planned() == {}
