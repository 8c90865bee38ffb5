"""A copy of the project, in which real Snakemake runs on a tiny configuration."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "reference_julia"
CHECKOUT = (
    *("Snakefile", "workflow", "config", "profiles", "envs", "docs", "reference_julia", "site", "tests"),
    *("Makefile", "pyproject.toml", "requirements.lock", "README.md", "LICENSE", "results/README.md"),
    *("requirements-dev.lock", "CHANGELOG.md", "CONTRIBUTING.md"),
)
ONE_SIZE = {"epochs": 1, "seeds": [1], "train_sizes": {"mnist": [200], "mnist5k": [200]}}
TINY = {
    "dataset": "mnist5k",
    "train_sizes": {"mnist": [200], "mnist5k": [120, 200]},
    "seeds": [1, 2],
    "recipes": {"reference": {"epochs": 2}, "strong": {"epochs": 1, "seeds": [1]}, "torch_init": ONE_SIZE},
    "evaluation": {"draws": 2, "first_100_draws": 5},
    "marginal": {"window": 20.0, "tolerance": 0.01},  # codes lie far out
    "gaps": {"images": 20},
    "snapshots": {"epochs": [1], "images": 20},
    "importance_weighting": {"images": 5, "draws": [1, 10]},
    "interpolation": {"images": [14, 119, 198]},
    "latent_manifold": {"size": 5},
    "benchmarks": {"rounds": 1, "images": 100},
    "top_half": {"images": [0, 1], "starts": 3, "steps": 20},
}


TINY_RUN = ("--configfile", "tiny.yaml", "--cores", "2")


def inherited() -> dict[str, str]:
    """The environment without MNIST_DIR and PYTHONPATH."""
    return {name: value for name, value in os.environ.items() if name not in ("MNIST_DIR", "PYTHONPATH")}


def run_snakemake(folder: Path, *words: object, **environment: str) -> subprocess.CompletedProcess:
    """Run Snakemake with these words in a folder, without any MNIST at hand unless given."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *map(str, words)],
        cwd=folder,
        env=inherited() | environment,
        capture_output=True,
        text=True,
    )


@cache
def planner() -> subprocess.Popen:
    """The process that makes plans; it ends with this one."""
    return subprocess.Popen(
        [sys.executable, "-P", ROOT / "tests/support/planner.py"],
        env=inherited(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def kept(*paths: Path) -> Iterator[None]:
    """Restore files with their modification times, by which Snakemake detects changes."""
    before = [(path, path.read_bytes(), path.stat()) for path in paths]
    try:
        yield
    finally:
        for path, content, status in before:
            path.write_bytes(content)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def counted_jobs(printed: str) -> dict[str, int]:
    """The number of jobs per rule in the output of a --dry-run."""
    if "Nothing to be done" in printed:
        return {}
    table = re.search(r"^job +count\n-.*?\n(.*?)^total", printed, re.M | re.S)[1]
    return {rule: int(count) for rule, count in (line.split() for line in table.splitlines())}


def merged(mapping: dict, changes: dict) -> dict:
    """The mapping with changes, which are merged section by section."""
    return mapping | {
        name: merged(mapping[name], value) if isinstance(value, dict) and name in mapping else value
        for name, value in changes.items()
    }


class Project:
    """A checkout of the project, and Snakemake in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in CHECKOUT:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                (folder / name).parent.mkdir(exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY))

    def configure_by_default(self) -> None:
        """Make the tiny study what config/config.yaml says, for commands that name no other file."""
        path = self.folder / "config/config.yaml"
        config = yaml.safe_load(path.read_text())
        del config["recipes"]["reference"]["seeds"]
        path.write_text(yaml.safe_dump(merged(config, TINY)))

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run Snakemake on the tiny configuration, without any MNIST at hand unless given."""
        return run_snakemake(self.folder, *TINY_RUN, *arguments, **environment)

    def run(self, *words) -> subprocess.CompletedProcess:
        """Run Python in the project, with the project's library."""
        return subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder / "workflow")},
            capture_output=True,
            text=True,
        )

    @contextmanager
    def edited(self, file: str, addition: str) -> Iterator[None]:
        """Append to a file of the project, temporarily."""
        path = self.folder / file
        with kept(path):
            path.write_text(path.read_text() + addition)
            yield

    def planned(self, *arguments: str) -> dict[str, int]:
        """The number of jobs per rule that a run would start."""
        process = planner()
        print(
            json.dumps([str(self.folder), [*TINY_RUN, "--dry-run", *arguments]]),
            file=process.stdin,
            flush=True,
        )
        status, printed = json.loads(process.stdout.readline())
        assert status == 0, printed
        jobs = counted_jobs(printed)
        # Whatever changes, the list of everything is written again. Tests need not say so.
        for rule in ("default", "manifest", "manifest_page") if jobs else ():
            assert jobs.pop(rule) == 1
        return jobs
