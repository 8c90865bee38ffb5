"""`make run` once on a tiny configuration of real digits: a quick test that the parts fit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from safetensors.numpy import load_file

from mnist_vae.figures.table import STUDY_FIGURES

pytestmark = pytest.mark.xdist_group("finished_project")

RESULTS = Path("results/mnist5k")


def test_metrics_hold_every_model_split_and_metric(finished_project):
    metrics = pd.read_csv(finished_project.folder / RESULTS / "tables/metrics.csv")
    assert list(metrics.columns) == ["recipe", "n", "seed", "split", "metric", "value", "standard_error"]
    assert set(metrics.n) == {120, 200}
    assert set(metrics.seed) == {1, 2}
    assert np.isfinite(metrics.value).all()
    wide = metrics.pivot(index=["recipe", "n", "seed", "split"], columns="metric", values="value")
    sampled = wide.loc[:, :, :, ["train", "test", "test_first_100"]]
    assert np.allclose(sampled.neg_elbo, sampled.kl + sampled.reconstruction)
    # Two epochs: better than the 784 log 2 = 543 nats of a fair coin per pixel, far from trained.
    assert sampled.neg_elbo.between(200, 543).all()
    exact = wide.loc[:, :, :, "test_subset"]
    assert (exact.neg_elbo >= exact.neg_elbo_refined).all()
    assert (exact.neg_elbo_refined >= exact.neg_log_px).all()
    assert np.allclose(exact.neg_elbo, exact.neg_log_px + exact.amortization_gap + exact.approximation_gap)


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


@pytest.mark.parametrize("name", sorted(STUDY_FIGURES))
def test_figures_are_pictures(finished_project, name):
    pixels = imread(finished_project.folder / RESULTS / f"figures/{name}.png")
    assert min(pixels.shape[:2]) > 300
    assert pixels[..., :3].std() > 0.05  # not an empty sheet


def test_second_run_does_nothing(finished_project):
    assert finished_project.planned() == {}
