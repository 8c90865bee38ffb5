"""What a result was computed with: versions of packages, the processor, the commit."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mnist_vae.provenance.environment import without_choices


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """Python's version, and of each package its own; None where it is not installed."""
    return {"python": platform.python_version()} | {name: _version(name) for name in packages}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def processor() -> str:
    """The processor's name, and those of NVIDIA's graphics processors beside it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    gpus = [
        line.partition(":")[2].strip()
        for about in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
        for line in about.read_text(encoding="utf-8").splitlines()
        if line.startswith("Model")
    ]
    return " + ".join([names[0] if names else platform.processor() or platform.machine(), *gpus])


def blas() -> str:
    """The kernels by which NumPy multiplies in this process, such as "openblas SkylakeX".

    The library chooses them by the processor, which its name need not identify: virtual machines call both
    Zen 2 and Zen 5 "AMD EPYC".
    """
    import numpy  # noqa: F401 - loads them
    from threadpoolctl import threadpool_info  # here, as `check` is installed without it

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    names = {f"{pool['internal_api']} {pool.get('architecture') or ''}".rstrip() for pool in pools}
    return ", ".join(sorted(names)) or "unknown"


@cache
def kind_of_machine() -> str:
    """What a job's last bits depend on: the versions of PyTorch and NumPy, the processor and the kernels.

    A new process finds the kernels, without the variables that would choose others, as for jobs.
    """
    ask = [sys.executable, "-c", f"from {__name__} import blas; print(blas())"]
    asked = subprocess.run(ask, env=without_choices(os.environ), capture_output=True, text=True, check=True)
    computing = versions(("torch", "numpy")) | {"processor": processor(), "blas": asked.stdout.strip()}
    return ", ".join(f"{name} {value}" for name, value in computing.items())


def cores() -> int:
    """How many of the machine's cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def commit() -> str | None:
    """The commit of this checkout, with "-dirty" where it was edited; None outside git."""

    def git(*words: str) -> str | None:
        command = ["git", "--no-optional-locks", "-C", str(Path(__file__).parent), *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # An unpacked archive may lie inside somebody's repository, whose commit says nothing of it.
    if git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    return git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
