"""What the jobs' processes inherit: which library, and which Python."""

import os
import sys
from pathlib import Path


def use_library(library: Path, alone: bool) -> None:
    """Let jobs use the library in this folder, and the Python that runs Snakemake.

    Whoever starts .venv/bin/snakemake need not activate .venv; a job's conda environment comes before it.
    With `alone`, nothing else is on PYTHONPATH; without, what is there stays, for another workflow's jobs.
    """
    _put_first("PATH", str(Path(sys.executable).parent))
    if alone:
        os.environ["PYTHONPATH"] = str(library)
    else:
        _put_first("PYTHONPATH", str(library))


def _put_first(variable: str, folder: str) -> None:
    """Put a folder in front of those that a variable names, once."""
    inherited = os.environ.get(variable, os.defpath if variable == "PATH" else "")
    folders = [other for other in inherited.split(os.pathsep) if other and other != folder]
    os.environ[variable] = os.pathsep.join([folder, *folders])
