"""The environment of jobs: they get the library and the Python, but no variables that change results."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

# Prefixes of variables by which numerical libraries, as they load, choose kernels, precision and threads.
# Each can change the bits of a result.
CHOICES = (
    "ATEN_", "BLIS_", "DNNL_", "GOMP_", "GOTO_", "KMP_", "MKL_", "NPY_", "OMP_", "ONEDNN_",
    "OPENBLAS_", "TORCH_",
)  # fmt: skip
NAMED_CHOICES = ("NVIDIA_TF32_OVERRIDE", "MPLBACKEND", "MATPLOTLIBRC")  # single ones, and matplotlib's


def without_choices(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without the variables that would change the libraries' results."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(CHOICES) and name not in NAMED_CHOICES
    }


def ignore_choices(threads: int) -> None:
    """Before the libraries' import, delete variables that would change results, and set their threads."""
    for name in os.environ.keys() - without_choices(os.environ):
        del os.environ[name]
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)


def use_library(library: Path, alone: bool) -> None:
    """Let jobs use the library in this folder, and the Python that runs Snakemake.

    So .venv need not be activated to run .venv/bin/snakemake; a job's conda environment takes precedence.
    With `alone`, nothing else is on PYTHONPATH; without, its folders stay, for another workflow's jobs.
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
