"""Find a Julia, and the folders that it reads."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from mnist_vae.errors import InputError

CHECKOUT = Path(__file__).parents[3]


def find_julia(checkouts: Sequence[Path] | None = None) -> str | None:
    """Find `julia` on the PATH, else where `make julia` puts it: in .julia/bin of one of these checkouts.

    By default those are the current folder and this library's own checkout.
    """
    places = [folder / ".julia/bin" for folder in checkouts or (Path.cwd(), CHECKOUT)]
    found = filter(None, (shutil.which("julia", path=place) for place in (None, *places)))
    return next(found, None)


def require_julia() -> str:
    """A `julia` for a solution. Raises InputError, with a remedy, if there is none."""
    found = find_julia()
    if found is None:
        raise InputError(
            "A solution in Julia needs a `julia` on the PATH, and there is none. Install Julia from its "
            "site; in a checkout of the project on Debian, `make julia` fetches one."
        )
    return found


@cache
def program(julia: str) -> Path:
    """The program behind `julia`: juliaup's is a launcher, which needs the user's home to find it."""
    found = Path(julia).resolve()
    if found.name != "julialauncher":
        return found
    asked = subprocess.run(
        [julia, "--startup-file=no", "-e", "print(Sys.BINDIR)"], capture_output=True, text=True
    )
    return Path(asked.stdout, "julia") if asked.returncode == 0 else found


def depots(first: str) -> str:
    """JULIA_DEPOT_PATH of a process that writes to the depot `first` and reads the user's.

    An empty entry stands for the depots shipped with Julia, whose code it would otherwise compile again.
    """
    theirs = os.environ.get("JULIA_DEPOT_PATH") or f"{Path.home() / '.julia'}{os.pathsep}"
    return f"{first}{os.pathsep}{theirs}"


def folders(julia: str) -> list[str]:
    """The folders that a Julia reads: its own, and those of its packages."""
    places = [
        *(os.environ.get("JULIA_DEPOT_PATH") or str(Path.home() / ".julia")).split(os.pathsep),
        os.environ.get("JULIA_PROJECT", ""),
        *os.environ.get("JULIA_LOAD_PATH", "").split(os.pathsep),
    ]
    return [str(program(julia).parents[1]), *(place for place in places if place.startswith("/"))]
