"""Ordinary trouble ends in the right result, or in an error that says what to do; the next run succeeds."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from support.project import inherited
from support.small_project import RESULTS, SmallProject, finish

GREY = f"{RESULTS}/data/grey.safetensors"
DIGITS = f"{RESULTS}/data/binarized.safetensors"
WEIGHTS = f"{RESULTS}/models/reference/n120/seed1/weights.safetensors"
METRICS = f"{RESULTS}/models/reference/n120/seed1/metrics.csv"


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A checkout with its digits."""
    project = SmallProject(tmp_path_factory.mktemp("digits") / "project")
    finish(project, DIGITS)
    return project


def told(result) -> str:
    said = result.stdout + result.stderr
    assert "Traceback" not in said
    return said


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk is mounted by root only: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_disk(project, small_disk, digits):
    """The digits need 4 MB. Once there is room, the same command succeeds, and no partial file is used."""
    result = project.snakemake("-d", str(small_disk), DIGITS)
    assert result.returncode != 0
    assert "No space left on device" in told(result)
    assert not list(small_disk.rglob("*.safetensors"))
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    finish(project, "-d", str(small_disk), DIGITS)
    assert (small_disk / DIGITS).read_bytes() == (digits.folder / DIGITS).read_bytes()


def test_read_only_source_and_results_elsewhere(project, tmp_path, digits):
    """With --directory. Python must not write bytecode there either."""
    elsewhere = tmp_path / "else where"
    shutil.copy(project.folder / "tiny.yaml", tmp_path)
    before = sorted(path for path in project.folder.rglob("*") if "__pycache__" not in path.parts)
    make_read_only(project.folder)
    try:
        result = project.snakemake("-d", str(elsewhere), DIGITS)
    finally:
        make_writable(project.folder)
    assert result.returncode == 0, told(result)
    assert (elsewhere / DIGITS).read_bytes() == (digits.folder / DIGITS).read_bytes()
    after = sorted(path for path in project.folder.rglob("*") if "__pycache__" not in path.parts)
    assert after == before


def make_read_only(folder):
    """Mount it read-only, since root may write whatever the permissions are."""
    mounted = subprocess.run(["mount", "--bind", str(folder), str(folder)], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a read-only tree is mounted by root only: {mounted.stderr.strip()}")
    subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)


def make_writable(folder):
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_results_taken_away(project):
    finish(project, GREY)
    before = (project.folder / GREY).read_bytes()
    shutil.rmtree(project.folder / "results")
    finish(project, GREY)
    assert (project.folder / GREY).read_bytes() == before


def start(project, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "1", *arguments],
        cwd=project.folder,
        env=inherited(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def at_work(project):
    """Whether a run holds the lock and has begun to write the log of its first job."""
    return (project.folder / f"{RESULTS}/logs/obtain.log").exists()


def wait_for(condition):
    while not condition():
        time.sleep(0.02)


def test_two_runs_in_one_folder(project):
    """The second one stops and says why; a dry run beside the first does no harm."""
    first = start(project, METRICS)
    wait_for(lambda: at_work(project))
    assert project.snakemake("--dry-run", METRICS).returncode == 0
    second = project.snakemake(METRICS)
    if first.poll() is None:
        assert second.returncode != 0
        assert "another run is at work" in second.stdout + second.stderr
    assert first.wait() == 0
    assert "Nothing to be done" in told(project.snakemake(METRICS))


def test_a_killed_runs_lock_is_no_hindrance(project):
    """Only the run is killed, not its jobs; these end by themselves and do not disturb the next run."""
    first = start(project, METRICS)
    wait_for(lambda: at_work(project))
    first.kill()
    first.wait()
    assert (project.folder / "results/.lock").exists()
    finish(project, GREY)


def test_a_refused_run_takes_nobodys_lock(project):
    """Nor does a run killed while it plans: as long as the first run works, all others are refused."""
    first = start(project, METRICS)
    wait_for(lambda: at_work(project))
    planning = start(project, "--dry-run", METRICS)
    planning.kill()
    planning.wait()
    for _ in range(2):
        refused = project.snakemake(METRICS)
        if first.poll() is not None:
            break
        assert "another run is at work" in told(refused)
    assert first.wait() == 0


@pytest.mark.parametrize("name", ["a b'c\"d$HOME;e é `f`"])
def test_folders_of_any_name(tmp_path, name):
    """A study and its report in a folder whose name has special characters of shells."""
    project = SmallProject(tmp_path / name)
    finish(project, f"{RESULTS}/figures/latent_scatter.png", METRICS)
    assert not (tmp_path / "e").exists()


def test_data_folder_of_any_name(project, tmp_path):
    """MNIST's own files, if available."""
    if not os.environ.get("MNIST_DIR"):
        pytest.skip("MNIST_DIR is not set: it names the folder of the four IDX files")
    folder = tmp_path / "a b'c\"d$HOME;e é `f`"
    folder.symlink_to(os.environ["MNIST_DIR"])
    finish(project, "results/mnist/data/grey.safetensors", MNIST_DIR=str(folder))
