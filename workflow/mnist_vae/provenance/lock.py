"""A lock that allows one run at a time in a folder, and is released when the run ends, even if it is killed.

Snakemake's own lock is a file that a killed run leaves behind, so that the next one needs --unlock. The
profiles therefore switch it off (`nolock: true`). This lock is the kernel's, which releases it when the
process ends.
"""

import fcntl
import os
import sys
from pathlib import Path
from typing import IO

from mnist_vae.errors import InputError

_held: dict[Path, IO[str]] = {}  # open as long as this process lives


def hold(place: str | Path) -> None:
    """Lock a file, made if need be, until this process ends.

    Raises InputError while another process holds it, and where the file can neither be made nor read. Where
    the file system has no locks, a warning says so.
    """
    path = Path(place).absolute()
    if path in _held:
        return
    file = _opened(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise InputError(
            f"another run is at work in {path.parent}: it holds the lock {path.name}. Wait for it, or end it."
        ) from None
    except OSError as error:
        print(
            f"warning: {path} cannot be locked ({error.strerror}): do not start a second run here",
            file=sys.stderr,
        )
    _held[path] = file


def _opened(path: Path) -> IO[str]:
    """Open the file for a lock: to write, or where it is another user's, to read, which is enough."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a")
    except OSError as error:
        if os.access(path, os.R_OK) and path.is_file():
            return path.open()
        raise InputError(
            f"{path} cannot be opened ({error.strerror}), so that two runs could be at work in {path.parent} "
            "at once. Ask its owner for permission, or run in a folder of your own."
        ) from error
