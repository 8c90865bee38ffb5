"""The pipeline on a cluster: a real Slurm of one node, and the plan of the sweep."""

import os
from pathlib import Path

import pytest
import yaml

from support.project import TINY, Project, run_snakemake

from .single_node import answer, single_node, why_not

SMALL = TINY | {
    "train_sizes": {"mnist": [200], "mnist5k": [120]},
    "recipes": TINY["recipes"] | {"reference": {"epochs": 1}},
    "interpolation": {"images": [14, 60, 119]},
}
MODELS = "results/mnist5k/models/reference/n120"
TARGETS = [
    f"{MODELS}/seed1/metrics.csv",
    f"{MODELS}/seed2/metrics.csv",
    "results/mnist5k/figures/latent_scatter.png",
]
PROFILE = ["--workflow-profile", "workflow/profiles/slurm"]


def snakemake(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    """Run Snakemake in a project's folder and return its output."""
    environment = {
        name: value for name, value in environment.items() if name not in ("MNIST_DIR", "PYTHONPATH")
    }
    result = run_snakemake(folder, *arguments, **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def project_in(folder: Path) -> Project:
    folder.mkdir()
    project = Project(folder)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(SMALL))
    return project


def results_of(folder: Path) -> dict[str, bytes]:
    """All arrays, tables and pictures, by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for suffix in ("safetensors", "csv", "png")
        for path in folder.glob(f"results/**/*.{suffix}")
    }


@pytest.mark.slurm
@pytest.mark.xdist_group("slurm")
@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_cluster_computes_what_one_machine_computes_bit_for_bit(tmp_path):
    local = project_in(tmp_path / "local")
    assert local.snakemake(*TARGETS).returncode == 0
    cluster = project_in(tmp_path / "cluster")
    with single_node() as environment:
        told = snakemake(
            cluster.folder,
            environment,
            *PROFILE,
            *("--configfile", "tiny.yaml"),
            *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "3"),
            *TARGETS,
        )
        asked = answer(environment, "squeue", "--noheader", "--states=all", "--format=%C %m %l")
    # Two models are one job: one core, the memory of one rule, the minutes of all.
    assert asked == "1 3200M 35:00", told
    expected = results_of(local.folder)
    assert set(TARGETS) <= set(expected)
    assert results_of(cluster.folder) == expected


@pytest.mark.xdist_group("slurm")
def test_sweep_is_240_trainings_and_one_more_in_25_jobs(tmp_path):
    project = Project(tmp_path)
    table = "results/mnist/tables/metrics.csv"
    told = snakemake(
        project.folder, dict(os.environ), *PROFILE, "--configfile", "config/sweep.yaml", "--dry-run", table
    )
    assert told.count("\n    rule train:") == 241
    assert told.count("Group job model") == 25
