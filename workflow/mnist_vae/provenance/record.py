"""The record: what made which file, at what cost, a line each, added to as files are made and never changed.

A file's versions must not be in it, or the same numbers would have other bits after every upgrade. And they
cannot be found out later: when the manifest is written, files that were not made again may be older than
what is installed.
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

RECORD = "MNIST_VAE_RECORD"  # the variable that names the records, as PATH does; not set: none is kept
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
STARTED = time.time()  # this process, or nearly: the command line imports this before it does anything


def keep(own: str) -> None:
    """Let this process's jobs keep the record `own`, and beside it one in Snakemake's cache, if there is one.

    The cache's says what was put in, for other workflows, which take files from there without a job.
    """
    shared = [str(Path(os.environ[CACHE], "record.jsonl").absolute())] if os.environ.get(CACHE) else []
    os.environ[RECORD] = os.pathsep.join([own, *shared])


def check_writable() -> None:
    """Raise InputError where a record cannot be added to: a job would find out only at its end."""
    for record in _records():
        try:
            os.close(_opened(record))
        except OSError as error:
            raise InputError(
                f"{record} cannot be added to ({error.strerror}), which every job does. Ask its owner for "
                "permission to write, or run in a folder of your own."
            ) from error


def software() -> dict[str, str | None]:
    """What files are made with, here and now."""
    return versions(PACKAGES) | {"processor": processor(), "blas": blas(), "commit": commit()}


def add_to_records(command: str, paths: Iterable[Path]) -> None:
    """Note of each file that is there still what it was made with, and what this process has cost."""
    if not (records := _records()):
        return
    made_by, cost = software(), {"command": command} | _cost()
    lines = [
        json.dumps({"path": str(path), "sha256": file_hash(path), "made_by": made_by, "cost": cost}) + "\n"
        for path in paths
        if path.exists()
    ]
    for record in records:
        # Each line in one write to its end: jobs that run at the same time do not mix theirs.
        handle = _opened(record)
        try:
            for line in lines:
                os.write(handle, line.encode())
        finally:
            os.close(handle)


def read_records() -> dict[tuple[str, str], dict[str, Any]]:
    """What last made a file of that path and SHA-256."""
    found = {}
    for record in reversed(_records()):  # the first one is this folder's own, and counts
        for entry in read_entries(record):
            found[entry["path"], entry["sha256"]] = entry["made_by"]
    return found


def read_entries(record: Path) -> Iterator[dict[str, Any]]:
    """Yield the record's lines in order, none if there is no record. One cut short by a kill is left out."""
    for line in record.read_text(encoding="utf-8").splitlines() if record.exists() else []:
        try:
            entry = json.loads(line)
            entry["path"], entry["sha256"], entry["made_by"]
        except (ValueError, KeyError, TypeError):
            continue
        yield entry


def _cost() -> dict[str, float]:
    """Of this process so far: seconds of processor time, and the most memory it had; when it ran, on what."""
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
