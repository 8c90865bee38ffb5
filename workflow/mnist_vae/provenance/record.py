"""The record: one line per file, with the software that made it and the cost. Lines are only ever appended.

A result file does not hold versions, or the same numbers would have other bits after every upgrade. They
cannot be found later either: when the manifest is written, a file may be older than the installed packages.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mnist_vae.errors import InputError
from mnist_vae.files.storage import file_hash
from mnist_vae.provenance.software import blas, commit, cores, processor, versions

RECORD = "MNIST_VAE_RECORD"  # variable that lists the records, as PATH lists folders; none if it is not set
PACKAGES = (
    "mnist_vae",
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
    "safetensors",
    "mlxtend",
    "snakemake",
)
CACHE = "SNAKEMAKE_OUTPUT_CACHE"  # the folder of Snakemake's cache between workflows
STARTED = time.time()  # of this process, nearly: the command line imports this module first


def keep(own: str) -> None:
    """Let this process's jobs keep the record `own` and, if Snakemake's cache is used, one in the cache.

    Other workflows take files from the cache without a job, and find there how they were made.
    """
    shared = [str(Path(os.environ[CACHE], "record.jsonl").absolute())] if os.environ.get(CACHE) else []
    os.environ[RECORD] = os.pathsep.join([own, *shared])


def check_writable() -> None:
    """Raise InputError if a record cannot be written, which a job would notice only at its end."""
    for record in _records():
        try:
            os.close(_opened(record))
        except OSError as error:
            raise InputError(
                f"{record} cannot be added to ({error.strerror}), which every job does. Ask its owner for "
                "permission to write, or run in a folder of your own."
            ) from error


def software() -> dict[str, str | None]:
    """The software that this process makes files with."""
    return versions(PACKAGES) | {"processor": processor(), "blas": blas(), "commit": commit()}


def add_to_records(command: str, paths: Iterable[Path]) -> None:
    """Record for each file that still exists what it was made with, and what this process has cost."""
    if not (records := _records()):
        return
    made_by, cost = software(), {"command": command} | _cost()
    lines = [
        json.dumps({"path": str(path), "sha256": file_hash(path), "made_by": made_by, "cost": cost}) + "\n"
        for path in paths
        if path.exists()
    ]
    for record in records:
        # Each line is appended by one write, so that simultaneous jobs do not mix their lines.
        handle = _opened(record)
        try:
            for line in lines:
                os.write(handle, line.encode())
        finally:
            os.close(handle)


def read_records() -> dict[tuple[str, str], dict[str, Any]]:
    """The software that last made each file, by path and SHA-256."""
    found = {}
    for record in reversed(_records()):  # the first one is this folder's own, and takes precedence
        for entry in read_entries(record):
            found[entry["path"], entry["sha256"]] = entry["made_by"]
    return found


def read_entries(record: Path) -> Iterator[dict[str, Any]]:
    """Yield the record's entries in order, if there is a record. A line cut short by a kill is left out."""
    for line in record.read_text(encoding="utf-8").splitlines() if record.exists() else []:
        try:
            entry = json.loads(line)
            entry["path"], entry["sha256"], entry["made_by"]
        except (ValueError, KeyError, TypeError):
            continue
        yield entry


def _cost() -> dict[str, float]:
    """This process's processor time in seconds and peak memory so far, when it ran, and its cores."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024  # in bytes on macOS, in KiB elsewhere
    return {
        "processor_seconds": round(time.process_time(), 2),
        "memory_mb": most * unit // 2**20,
        "started": round(STARTED, 2),
        "ended": round(time.time(), 2),
        "cores": cores(),
    }


def _opened(record: Path) -> int:
    record.parent.mkdir(parents=True, exist_ok=True)
    return os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)


def _records() -> list[Path]:
    return [Path(record) for record in os.environ.get(RECORD, "").split(os.pathsep) if record]
