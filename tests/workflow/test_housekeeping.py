"""Commands that run no job, exactly as a user types them: none of them needs --cores."""

import os

import pytest

from support.project import Project, run_snakemake

pytestmark = pytest.mark.xdist_group("finished_project")

TARGET = "results/mnist5k/tables/elbo.csv"


@pytest.fixture(scope="module")
def configured(tmp_path_factory):
    """A checkout whose own config/config.yaml is the tiny study, so that options need not name another."""
    project = Project(tmp_path_factory.mktemp("housekeeping"))
    project.configure_by_default()
    return project


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
    result = run_snakemake(configured.folder, *words.split())
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_report_needs_no_cores(finished_project, tmp_path):
    result = run_snakemake(
        finished_project.folder,
        *("--configfile", "tiny.yaml", "--report", tmp_path / "report.html"),
        *("--report-stylesheet", "workflow/report/report.css"),
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "report.html").stat().st_size > 100_000


def test_no_more_trainings_run_at_once_than_there_are_processors(configured):
    """Of 64 times as many cores, each training run claims 64."""
    here = len(os.sched_getaffinity(0))
    result = run_snakemake(
        configured.folder, "--dry-run", "--cores", str(64 * here), "--set-threads", "tabulate=1"
    )
    threads = [
        int(line.split(":")[1])
        for block in result.stdout.split("\n\n")
        if "rule train:" in block
        for line in block.splitlines()
        if line.strip().startswith("threads:")
    ]
    assert threads
    assert set(threads) == {64}
