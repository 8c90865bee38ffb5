"""A copy of the project, in which real Snakemake runs on a tiny configuration."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "reference_julia"
CHECKOUT = (
    *("Snakefile", "workflow", "config", "profiles", "envs", "docs", "reference_julia", "tests"),
    *("Makefile", "pyproject.toml", "requirements.lock", "README.md", "LICENSE", "results/README.md"),
)
ONE_SIZE = {"epochs": 1, "seeds": [1], "train_sizes": {"mnist": [200], "mnist5k": [200]}}
TINY = {
    "dataset": "mnist5k",
    "train_sizes": {"mnist": [200], "mnist5k": [120, 200]},
    "seeds": [1, 2],
    "recipes": {"reference": {"epochs": 2}, "strong": {"epochs": 1, "seeds": [1]}, "torch_init": ONE_SIZE},
    "evaluation": {"draws": 2, "first_100_draws": 5},
    "marginal": {"window": 20.0, "size": 81, "fine_window": 24.0, "fine_size": 121},  # codes lie far out
    "gaps": {"images": 20},
    "snapshots": {"epochs": [1], "images": 20},
    "importance_weighting": {"images": 5, "draws": [1, 10]},
    "interpolation": {"images": [14, 119, 198]},
    "latent_manifold": {"size": 5},
    "benchmarks": {"rounds": 1, "images": 100},
    "top_half": {"images": [0, 1], "steps": 20},
}


def merged(mapping: dict, changes: dict) -> dict:
    """The mapping with changes to it, those of a section to the section."""
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
        path.write_text(yaml.safe_dump(merged(yaml.safe_load(path.read_text()), TINY)))

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run Snakemake on the tiny configuration, without any MNIST at hand unless given."""
        inherited = {
            name: value for name, value in os.environ.items() if name not in ("MNIST_DIR", "PYTHONPATH")
        }
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2", *arguments],
            cwd=self.folder,
            env=inherited | environment,
            capture_output=True,
            text=True,
        )

    def run(self, *words) -> subprocess.CompletedProcess:
        """Run Python in the project, with its own library."""
        return subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder / "workflow")},
            capture_output=True,
            text=True,
        )

    @contextmanager
    def edited(self, file: str, addition: str) -> Iterator[None]:
        """Add to the end of a file of the project while the block lasts."""
        path = self.folder / file
        before = path.read_text()
        try:
            path.write_text(before + addition)
            yield
        finally:
            path.write_text(before)

    def planned(self, *arguments: str) -> dict[str, int]:
        """How many jobs of each rule a run would start."""
        result = self.snakemake("--dry-run", *arguments)
        assert result.returncode == 0, result.stderr
        if "Nothing to be done" in result.stderr + result.stdout:
            return {}
        table = re.search(r"^job +count\n-.*?\n(.*?)^total", result.stderr + result.stdout, re.M | re.S)[1]
        jobs = {rule: int(count) for rule, count in (line.split() for line in table.splitlines())}
        # Whatever changes, the list of everything is written anew: said here once, not in every test.
        for rule in ("default", "manifest", "manifest_page"):
            assert jobs.pop(rule) == 1
        return jobs
