"""Recipes of other shapes in one run with the reference recipe."""

import pytest

from support.project import counted_jobs

LEFT_OUT = {"latent_scatter", "latent_manifold", "top_half_posterior", "explorer"}
SHAPES = "recipes={small: {hidden: 64}, tall: {latent: 3}, line: {latent: 1}, beta4: {beta: 4}}"
pytestmark = pytest.mark.xdist_group("finished_project")


def test_what_needs_a_plane_is_left_out_with_one_notice(finished_project):
    result = finished_project.snakemake("--dry-run", "--config", SHAPES, "figures={recipe: tall}")
    assert result.returncode == 0, result.stdout + result.stderr
    printed = result.stdout + result.stderr
    assert printed.count("left out, as they show a latent plane") == 1
    jobs = {line.split()[0] for line in printed.splitlines() if line.split()}
    assert not jobs & (LEFT_OUT | {"decode_manifold"})
    assert {"completion", "prior_samples", "reconstructions", "interpolation"} <= jobs


@pytest.mark.parametrize("path", ["explorer.html", "models/tall/n200/seed1/latent_manifold.safetensors"])
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


def test_further_targets_are_planned(finished_project):
    """For the models that exist: three of latents.yaml's recipes have one or two latent dimensions."""
    result = finished_project.snakemake(
        *("--dry-run", "latents", "literature", "exactness", "--configfile", "config/latents.yaml"),
        MNIST_DIR="nowhere",
    )
    assert result.returncode == 0, result.stdout + result.stderr
    jobs = counted_jobs(result.stdout + result.stderr)
    further = {"latents_table": 1, "latents_figure": 1, "estimates_table": 1, "exactness_figure": 1}
    further |= {"compare_estimate": 2 * 3, "compare_lattices": 2 * 3, "literature_table": 1, "binarize": 2}
    assert {name: jobs[name] for name in further} == further
    assert jobs["train"] == jobs["evaluate"] == 2 * 2 * 8
