"""The process that holds Julia by juliacall: `python -m mnist_vae.parity.juliacall_host REFERENCE FOLDER`.

A separate process that must not import torch, which cannot safely share one with Julia. Arrays pass as files.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

# Exit statuses: juliacall is missing or cannot start, or its Julia has no Flux. The reason is written to a
# file in the folder, because it could not be told apart from what Julia prints.
NO_JULIA, NO_FLUX = 3, 4
REASON = "reason"


def explain(error: Exception) -> str:
    """Say in one sentence why juliacall did not start."""
    # A Julia on the PATH is used only if juliapkg.json allows its version.
    lacking = "a Julia of the versions that juliapkg.json asks for" if shutil.which("julia") else "Julia"
    if isinstance(error, ModuleNotFoundError):
        return f"the Python package {error.name} is not installed"
    if isinstance(error, URLError):
        return f"{lacking} is not installed, and could not be downloaded ({error.reason})"
    if isinstance(error, subprocess.CalledProcessError):
        return f"Julia could not set up its packages (exit status {error.returncode} of {error.cmd[0]})"
    if "could not find Julia" in str(error):
        return f"{lacking} is not installed (juliapkg {error}), and juliapkg was not allowed to install it"
    if "PythonCall.jl did not start properly" in str(error):
        return "Julia started, but its package PythonCall did not, or is not there"
    return f"{type(error).__name__}: {error}"


def main() -> int:
    """Start Julia, and let both tiers of the reference answer."""
    reference, folder = Path(sys.argv[1]), Path(sys.argv[2])
    print(
        "juliacall: starting Julia (the first time, it may download and precompile for minutes)",
        file=sys.stderr,
        flush=True,
    )
    try:
        from juliacall import Main
    except Exception as error:
        (folder / REASON).write_text(explain(error), encoding="utf-8")
        return NO_JULIA
    if not Main.seval('Base.find_package("Flux") !== nothing'):
        project = Main.seval('something(Base.active_project(), "none")')
        reason = f"Julia started, but Flux is not in its project ({project})"
        (folder / REASON).write_text(reason, encoding="utf-8")
        return NO_FLUX
    try:
        Main.include(os.fspath(reference / "parity_flux.jl"))
        Main.answer_both_tiers(os.fspath(folder))
    except Exception as error:  # what Julia throws
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
