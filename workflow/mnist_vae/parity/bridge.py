"""The one way to a Julia: the reference answers in a process of its own, and arrays cross as .npy files.

Two backends run the same Julia functions on the same files. *executable* is a `julia` on the PATH, or the
one that `make julia` puts under .julia/; it runs the core tier, which needs no Julia package. *juliacall* is
the Python package, whose juliapkg keeps a Julia with Flux, as juliapkg.json pins them; it runs both tiers.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_vae.errors import InputError
from mnist_vae.parity import juliacall_host

BACKENDS = ("auto", "juliacall", "executable")
TWO_WAYS = (
    "To get one: `make julia` fetches it on Debian; elsewhere, install Julia from its site, so that `julia` "
    "is on the PATH. Or, with the Flux tier: `pip install juliacall`, and in the config "
    "`parity: backend: juliacall`, which lets juliapkg download Julia and Flux."
)
SHOWN_LINES = 12  # the last ones of a failed Julia

JULIACALL_ENVIRONMENT = {
    "PYTHON_JULIACALL_THREADS": "1",  # several are experimental there, and the ladder's arrays are small
    "PYTHON_JULIACALL_HANDLE_SIGNALS": "no",  # they stay Python's, so that Ctrl-C ends the process
    "JULIA_CONDAPKG_BACKEND": "Null",  # Julia uses the Python it runs in, and installs none
}


class Answer(NamedTuple):
    """What Julia computed: arrays by (tier, dtype) and quantity, and where they come from."""

    backend: str
    julia_version: str
    outputs: dict[tuple[str, str], dict[str, np.ndarray]]


class _NoJulia(Exception):
    """This backend has no Julia to start; the message says why."""


def ask_reference(inputs: Mapping[str, np.ndarray], reference: str | Path, backend: str = "auto") -> Answer:
    """Let the Julia project in the folder `reference` compute every quantity of the ladder.

    `auto` takes juliacall if it starts without installing anything, else an executable. Raises InputError,
    with the way out, if there is no Julia, and with the last lines that Julia printed if it fails.
    """
    reference = Path(reference).resolve()
    environment = os.environ | JULIACALL_ENVIRONMENT
    if backend == "auto":
        environment["PYTHON_JULIAPKG_OFFLINE"] = "yes"  # juliapkg may use, not download
    reasons = []
    with tempfile.TemporaryDirectory(prefix="parity-") as name:
        folder = Path(name)
        (folder / "inputs").mkdir()
        for quantity, array in inputs.items():
            np.save(folder / "inputs" / f"{quantity}.npy", np.ascontiguousarray(array))
        for attempt in BACKENDS[1:] if backend == "auto" else [backend]:
            try:
                _run(_command(attempt, reference, folder), environment)
            except _NoJulia as reason:
                reasons.append(f"{attempt}: {reason}")
                continue
            return _read_answer(attempt, folder)
    raise InputError("\n".join(["There is no Julia to compare with.", *reasons, TWO_WAYS]))


def find_executable(reference: Path) -> str | None:
    """Find `julia` on the PATH, else where `make julia` puts it: in .julia/ beside the reference."""
    return shutil.which("julia") or shutil.which("julia", path=reference.parent / ".julia/bin")


def _command(backend: str, reference: Path, folder: Path) -> list[str | Path]:
    """Say how the reference is made to answer in the folder. Raises _NoJulia."""
    if backend == "juliacall":
        return [sys.executable, "-m", juliacall_host.__name__, reference, folder]
    julia = find_executable(reference)
    if julia is None:
        raise _NoJulia("there is no `julia` on the PATH or in .julia/bin")
    return [julia, "--startup-file=no", reference / "parity.jl", folder]


def _run(command: list[str | Path], environment: Mapping[str, str]) -> None:
    """Run a process that answers, and pass on what it prints. Raises _NoJulia, or InputError if it fails."""
    last_lines = deque(["(it printed nothing)"], maxlen=SHOWN_LINES)
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout:
            print(line, end="", file=sys.stderr, flush=True)
            last_lines.append(line.rstrip())
    if process.returncode == juliacall_host.NO_JULIA:
        raise _NoJulia(last_lines[-1])
    if process.returncode != 0:
        ended = f"was killed by signal {-process.returncode}" if process.returncode < 0 else "failed"
        raise InputError("\n".join([f"Julia ({command[0]}) {ended}. The last it said:", *last_lines]))


def _read_answer(backend: str, folder: Path) -> Answer:
    outputs = {
        (files.parent.name, files.name): {path.stem: np.load(path) for path in files.glob("*.npy")}
        for files in sorted(folder.glob("*/float*"))
    }
    return Answer(backend, (folder / "julia_version").read_text(encoding="utf-8"), outputs)
