"""A study small enough to be run many times."""

import hashlib
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import yaml

from support.project import TINY, Project, inherited

# One model a recipe; each training long enough to be killed in the middle of.
SMALL = TINY | {
    "train_sizes": {"mnist": [120], "mnist5k": [120]},
    "seeds": [1],
    "recipes": {
        "reference": {"epochs": 12},
        "strong": {"epochs": 6, "seeds": [1]},
        "torch_init": {"epochs": 1, "seeds": [1], "train_sizes": {"mnist": [120], "mnist5k": [120]}},
    },
    "interpolation": {"images": [14, 119, 98]},
}
RESULTS = "results/mnist5k"


class SmallProject(Project):
    """A checkout with the small study, whose trainings write a checkpoint after every epoch."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)
        (folder / "tiny.yaml").write_text(yaml.safe_dump(SMALL))
        checkpoints = folder / "workflow/mnist_vae/files/checkpoints.py"
        before = checkpoints.read_text()
        checkpoints.write_text(before.replace("INTERVAL = 30", "INTERVAL = 0"))
        assert checkpoints.read_text() != before

    def kill(self, after: float, *arguments: str) -> bool:
        """Start Snakemake, kill it and its jobs after some seconds; return whether it was still running."""
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", *arguments],
            cwd=self.folder,
            env=inherited(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(after)
        at_work = process.poll() is None
        if at_work:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return at_work

    def made(self) -> dict[str, str]:
        """SHA-256 of every result, except logs, which hold times, and files cut short by a kill."""
        results = self.folder / RESULTS
        return {
            str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(results.rglob("*"))
            if path.is_file()
            and not {"logs", "benchmarks"} & set(path.parts)
            and not path.name.startswith(".")
        }


def finish(project: Project, *arguments: str, **environment: str) -> None:
    """Run to the end."""
    result = project.snakemake(*arguments, **environment)
    assert result.returncode == 0, result.stdout + result.stderr
