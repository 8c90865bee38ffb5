"""Commands that run no job, with exactly the words that a user types: none of them needs --cores."""

import os
import subprocess
import sys

import pytest

from support.project import Project

pytestmark = pytest.mark.xdist_group("finished_project")

TARGET = "results/mnist5k/tables/elbo.csv"


@pytest.fixture(scope="module")
def configured(tmp_path_factory):
    """A checkout whose own config/config.yaml is the tiny study, so that no option names another file."""
    project = Project(tmp_path_factory.mktemp("housekeeping"))
    project.configure_by_default()
    return project


def typed(project, *words):
    """Run Snakemake with these words alone."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *words],
        cwd=project.folder,
        env={name: value for name, value in os.environ.items() if name not in ("MNIST_DIR", "PYTHONPATH")},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "words",
    [
        "--list-rules",
        "--list-target-rules",
        "--lint",
        "--dry-run",
        "-n",
        "--dry-run --quiet",
        "--unlock",
        "--summary",
        "--detailed-summary",
        "--rulegraph",
        "--dag",
        "--filegraph",
        "--d3dag",
        "--list-input-changes",
        "--list-params-changes",
        f"--dag dot {TARGET}",
        "--list-untracked",
        "--delete-all-output --dry-run",
    ],
)
def test_housekeeping_needs_no_cores(configured, words):
    result = typed(configured, *words.split())
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_report_needs_no_cores(finished_project, tmp_path):
    result = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml"),
            *("--report", str(tmp_path / "report.html"), "--report-stylesheet", "workflow/report/report.css"),
        ],
        cwd=finished_project.folder,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "report.html").stat().st_size > 100_000


def test_no_more_trainings_run_at_once_than_there_are_processors(configured):
    """Of 64 times as many cores each training claims 64."""
    here = len(os.sched_getaffinity(0))
    result = typed(configured, "--dry-run", "--cores", str(64 * here), "--set-threads", "tabulate=1")
    threads = [
        int(line.split(":")[1])
        for block in result.stdout.split("\n\n")
        if "rule train:" in block
        for line in block.splitlines()
        if line.strip().startswith("threads:")
    ]
    assert threads
    assert set(threads) == {64}
