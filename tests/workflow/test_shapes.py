"""Recipes of other shapes than the reference's, beside it in one run."""

import re

import pytest

from support.project import counted_jobs

LEFT_OUT = {"latent_scatter", "latent_manifold", "top_half_posterior", "explorer"}
SHAPES = "recipes={small: {hidden: 64}, tall: {latent: 3}, line: {latent: 1}, beta4: {beta: 4}}"
pytestmark = pytest.mark.xdist_group("finished_project")


@pytest.mark.parametrize(
    ("pictured", "dimensions"), [("tall", "3 latent dimensions"), ("line", "1 latent dimension;")]
)
def test_what_needs_a_plane_is_left_out_with_one_notice(finished_project, pictured, dimensions):
    result = finished_project.snakemake("--dry-run", "--config", SHAPES, f"figures={{recipe: {pictured}}}")
    assert result.returncode == 0, result.stdout + result.stderr
    printed = result.stdout + result.stderr
    assert printed.count("left out, as they show a latent plane") == 1
    assert dimensions in printed
    jobs = {line.split()[0] for line in printed.splitlines() if line.split()}
    assert not jobs & (LEFT_OUT | {"decode_manifold"})
    assert {"completion", "prior_samples", "reconstructions", "interpolation"} <= jobs


@pytest.mark.parametrize(
    "path",
    [
        "figures/latent_scatter.png",
        "figures/top_half_posterior.png",
        "explorer.html",
        "models/tall/n200/seed1/latent_manifold.safetensors",
    ],
)
def test_asking_for_a_plane_by_path_is_one_sentence(finished_project, path):
    result = finished_project.snakemake(
        f"results/mnist5k/{path}", "--config", SHAPES, "figures={recipe: tall}"
    )
    printed = result.stdout + result.stderr
    assert result.returncode != 0
    assert "shows a latent plane, and models of the recipe tall have latent = 3 at n = 200" in printed
    assert "Traceback" not in printed
    assert "rule train" not in printed


def test_reference_beside_other_shapes_keeps_its_pictures(finished_project):
    jobs = finished_project.planned("--config", SHAPES)
    assert jobs["train"] == 4 * 2 * 2
    assert not set(jobs) & {"latent_scatter", "explorer"}  # made before, and as good as they were


@pytest.mark.parametrize(
    ("target", "models", "further"),
    [
        ("latents", 2 * 8, {"compare_estimate": 2 * 3, "estimates_table": 1, "latents_figure": 1}),
        ("literature", 2 * 4, {"literature_table": 1, "binarize": 2}),
    ],
)
def test_targets_with_a_configuration_of_their_own_are_planned(finished_project, target, models, further):
    """Each recipe and size is trained once; three recipes of latents.yaml have one or two dimensions."""
    result = finished_project.snakemake(
        "--dry-run", target, "--configfile", f"config/{target}.yaml", MNIST_DIR="nowhere"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    jobs = counted_jobs(result.stdout + result.stderr)
    assert {name: jobs[name] for name in further} == further
    assert jobs["train"] == jobs["evaluate"] == models


def test_lattices_are_compared_of_the_models_that_have_a_sum(finished_project):
    result = finished_project.snakemake("--dry-run", "exactness", "--config", SHAPES)
    assert result.returncode == 0, result.stdout + result.stderr
    jobs = counted_jobs(result.stdout + result.stderr)
    assert jobs["exactness_figure"] == 1
    assert not re.search(r"models/tall/.*lattices.csv", result.stdout + result.stderr)
    for recipe in ("reference", "small", "line", "beta4"):
        assert f"models/{recipe}/n200/seed1/lattices.csv" in result.stdout + result.stderr


THREE = "recipes={reference: {latent: 3}}"


def test_without_a_model_that_has_a_sum_no_estimate_is_compared(finished_project):
    result = finished_project.snakemake(
        "--dry-run", "latents", "--config", "recipes={reference: {latent: 3}}"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "latents_table" in result.stdout + result.stderr
    assert "estimates_table" not in result.stdout + result.stderr
