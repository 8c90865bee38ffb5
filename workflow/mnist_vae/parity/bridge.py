"""Run the Julia reference in a separate process, with arrays passed as .npy files.

Two backends run the same Julia functions on the same files. *executable* is a `julia` on the PATH, or the
one that `make julia` puts under .julia/; it runs the core tier, which needs no Julia package. *juliacall* is
the Python package, whose juliapkg keeps a Julia with Flux, as juliapkg.json pins them; it runs both tiers.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_vae.check.julia import find_julia
from mnist_vae.errors import InputError
from mnist_vae.parity import juliacall_host

BACKENDS = ("auto", "juliacall", "executable")
SHOWN_LINES = 12  # lines shown of a failed Julia's error or output
SECONDS_TO_END = 3  # that an interrupted Julia has before it is killed

JULIACALL_ENVIRONMENT = {
    "PYTHON_JULIACALL_THREADS": "1",  # several are experimental there, and the ladder's arrays are small
    "PYTHON_JULIACALL_HANDLE_SIGNALS": "no",  # they stay Python's, so that Ctrl-C ends the process
    "JULIA_CONDAPKG_BACKEND": "Null",  # Julia uses the Python it runs in, and installs none
}


WAYS_TO_FLUX = (
    "juliapkg adds it unless PYTHON_JULIAPKG_OFFLINE or PYTHON_JULIACALL_PROJECT is set: unset them.",
    'In a project of your own: `import Pkg; Pkg.add("Flux")` in the Julia above.',
    "`parity: backend: executable` in the config runs the core tier, which needs no Flux.",
)


class Answer(NamedTuple):
    """What Julia computed: arrays by (tier, dtype) and quantity, and where they come from.

    `tried` says for each backend tried before why it gave no answer.
    """

    backend: str
    julia_version: str
    outputs: dict[tuple[str, str], dict[str, np.ndarray]]
    tried: tuple[str, ...] = ()


class NoJuliaError(InputError):
    """This backend has no Julia to start; the message says why."""


class NoFluxError(NoJuliaError):
    """This backend has a Julia, but no Flux; the message says where it was looked for."""


class JuliaFailedError(InputError):
    """Julia started but did not answer; the message has the first lines of its error."""


def ask_reference(inputs: Mapping[str, np.ndarray], reference: str | Path, backend: str = "auto") -> Answer:
    """Let the Julia project in the folder `reference` compute every quantity of the ladder.

    `auto` takes juliacall if it answers without installing anything, else an executable. Raises NoJuliaError,
    with the remedies, if there is no Julia, and JuliaFailedError if every one that started has failed.
    """
    reference = Path(reference).resolve()
    environment = os.environ | JULIACALL_ENVIRONMENT
    if backend == "auto":
        environment["PYTHON_JULIAPKG_OFFLINE"] = "yes"  # juliapkg may use, not download
    tried: list[str] = []
    errors: list[InputError] = []
    with tempfile.TemporaryDirectory(prefix="parity-") as name:
        folder = Path(name)
        (folder / "inputs").mkdir()
        for quantity, array in inputs.items():
            np.save(folder / "inputs" / f"{quantity}.npy", np.ascontiguousarray(array))
        attempts = list(BACKENDS[1:]) if backend == "auto" else [backend]
        for attempt in attempts:
            try:
                _run(_command(attempt, reference, folder), environment, folder)
            except (NoJuliaError, JuliaFailedError) as error:
                errors.append(error)
                tried.append(f"{attempt}: {error}")
                if attempt != attempts[-1]:
                    _say(f"{tried[-1]}\nTrying {attempts[-1]}.")
                continue
            return _read_answer(attempt, folder, tried)
    if any(isinstance(error, JuliaFailedError) for error in errors):
        raise JuliaFailedError("\n".join(["Julia did not answer.", *tried]))
    if isinstance(errors[-1], NoFluxError):
        raise NoFluxError("\n".join(["The Julia to compare with has no Flux.", *tried, *WAYS_TO_FLUX]))
    raise NoJuliaError(
        "\n".join(["There is no Julia to compare with.", *tried, *ways_to_a_julia(backend, reference)])
    )


def ways_to_a_julia(backend: str, reference: Path) -> list[str]:
    """What the user can still do, one sentence each."""
    has_julia, has_juliacall = find_julia([reference.parent]) is not None, find_spec("juliacall") is not None
    ways = []
    if has_julia and backend == "juliacall":
        ways.append(
            "`parity: backend: executable` in the config runs the core tier with the `julia` that is there."
        )
    if not has_julia:
        ways.append(
            "`make julia` fetches a Julia on Debian; elsewhere, install it from its site, so that `julia` "
            "is on the PATH."
        )
    if not (has_juliacall and backend == "juliacall"):
        install = "" if has_juliacall else "`pip install juliacall`, and "
        ways.append(
            f"For the Flux tier: {install}`parity: backend: juliacall` in the config, which lets juliapkg "
            "download Julia and Flux."
        )
    return ways


def error_head(lines: list[str]) -> list[str]:
    """The first error that a failed Julia printed, up to its stack trace; without one, its last lines."""
    for first, line in enumerate(lines):
        if re.match(r"ERROR: |[\w.]*(Error|Exception)\b: ", line):
            head = lines[first : first + SHOWN_LINES]
            stack = [n for n, text in enumerate(head) if re.match(r"\s*(Stacktrace:|\[\d+\] )", text)]
            return head[: stack[0]] if stack else head
    return lines[-SHOWN_LINES:] or ["(it printed nothing)"]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _command(backend: str, reference: Path, folder: Path) -> list[str | Path]:
    """The command that lets the reference answer in the folder. Raises NoJuliaError."""
    if backend == "juliacall":
        return [sys.executable, "-m", juliacall_host.__name__, reference, folder]
    julia = find_julia([reference.parent])
    if julia is None:
        raise NoJuliaError("there is no `julia` on the PATH or in .julia/bin")
    return [julia, "--startup-file=no", reference / "parity.jl", folder]


def _run(command: list[str | Path], environment: Mapping[str, str], folder: Path) -> None:
    """Run a process that answers, and pass on what it prints. Raises as `ask_reference` does.

    It leads a process group, so that an interruption of this process ends it and all that it started.
    """
    lines: list[str] = []
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        process_group=0,
    ) as process:
        try:
            for line in process.stdout or ():
                _say(line.rstrip("\n"))
                lines.append(line.rstrip())
            process.wait()
        except BaseException:
            _end(process)
            raise
    if process.returncode in (juliacall_host.NO_JULIA, juliacall_host.NO_FLUX):
        kind = NoJuliaError if process.returncode == juliacall_host.NO_JULIA else NoFluxError
        raise kind((folder / juliacall_host.REASON).read_text(encoding="utf-8"))
    if process.returncode != 0:
        ended = f"was killed by signal {-process.returncode}" if process.returncode < 0 else "failed"
        raise JuliaFailedError("\n".join([f"Julia ({command[0]}) {ended}:", *error_head(lines)]))


def _end(process: subprocess.Popen[str]) -> None:
    """Terminate a process and its group, and kill them some seconds later."""
    with suppress(ProcessLookupError):  # all of it is gone
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_END)
        os.killpg(process.pid, signal.SIGKILL)


def _read_answer(backend: str, folder: Path, tried: list[str]) -> Answer:
    outputs = {
        (files.parent.name, files.name): {path.stem: np.load(path) for path in files.glob("*.npy")}
        for files in sorted(folder.glob("*/float*"))
    }
    version = (folder / "julia_version").read_text(encoding="utf-8")
    return Answer(backend, version, outputs, tuple(tried))
