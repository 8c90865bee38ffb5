"""Remove everything computed: what lies in results/ but its README.md, and .snakemake (`make clean`).

A link in the place of one of the pipeline's own folders (results, results/mnist, .snakemake) is kept, and the folder
that it points to is emptied. Nothing is removed while a run is in progress, or where some folder may not be written.
Uses the standard library only, so that it works without the environment.
"""

import fcntl
import os
import sys
from pathlib import Path

RESULTS, STATE = Path("results"), Path(".snakemake")
KEPT = {RESULTS / "README.md"}


def contents(folder: Path, depth: int) -> list[Path]:
    """Everything below a folder, each entry after what lies in it; links to folders are followed to a depth."""
    found: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and (not entry.is_symlink() or depth > 0):
            found += contents(entry, depth - 1)
        if entry not in KEPT:
            found.append(entry)
    return found


def remove(entry: Path, depth: int) -> None:
    """Remove a file, an empty folder or a link; but keep a link that stands for one of the pipeline's folders."""
    if not entry.is_symlink() and entry.is_dir():
        entry.rmdir()
    elif not (entry.is_dir() and len(entry.parts) - 1 <= depth):
        entry.unlink()


def named(folder: Path) -> str:
    """The folder's name, and where a link points."""
    return f"{folder} -> {folder.resolve()}" if folder.is_symlink() else str(folder)


def clean() -> str:
    """Remove it all; return what was removed. Raises SystemExit, having removed nothing, where that cannot be."""
    folders = {RESULTS: 1, STATE: 0}  # and how many levels below them may be links to elsewhere
    entries = {folder: contents(folder, depth) if folder.is_dir() else [] for folder, depth in folders.items()}
    for folder in {entry.parent for below in entries.values() for entry in below}:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise SystemExit(f"make clean: no permission to remove what is in {named(folder)}; nothing was removed.")
    told = []
    for folder, below in entries.items():
        files = sum(not entry.is_dir() for entry in below)
        for entry in below:
            remove(entry, folders[folder])
        if below:
            told.append(f"{files} files from {named(folder)}")
    if STATE.is_dir() and not STATE.is_symlink():
        STATE.rmdir()
    return "Removed " + (" and ".join(told) or "nothing: nothing is computed here") + "."


def main() -> None:
    """Clean the current folder, unless a run is in progress, which holds a lock on this file."""
    alive = STATE / "alive"
    if not alive.is_file():
        print(clean())
        return
    with alive.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("make clean: a run is in progress in this folder; stop it first. Nothing was removed.")
        print(clean())


if __name__ == "__main__":
    main()
