"""Remove everything computed: results/ except its README.md, and .snakemake (`make clean`).

If one of the pipeline's own folders (results, results/mnist, .snakemake) is a link, the link is kept and its
target is emptied. During a run, or if any folder is read-only, nothing is removed. Uses only the standard
library, so that it works without the environment.
"""

import fcntl
import os
import sys
from pathlib import Path

RESULTS, STATE = Path("results"), Path(".snakemake")
KEPT = {RESULTS / "README.md"}


def contents(folder: Path, depth: int) -> list[Path]:
    """Everything below a folder, each folder after its contents; links to folders are followed to a depth."""
    found: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and (not entry.is_symlink() or depth > 0):
            found += contents(entry, depth - 1)
        if entry not in KEPT:
            found.append(entry)
    return found


def remove(entry: Path, depth: int) -> None:
    """Remove a file, an empty folder or a link, but keep a link that stands for a folder of the pipeline."""
    if not entry.is_symlink() and entry.is_dir():
        entry.rmdir()
    elif not (entry.is_dir() and len(entry.parts) - 1 <= depth):
        entry.unlink()


def named(folder: Path) -> str:
    """The folder's name, and the target of a link."""
    return f"{folder} -> {folder.resolve()}" if folder.is_symlink() else str(folder)


def clean() -> str:
    """Remove everything and say what; raise SystemExit before removing anything if a folder is read-only."""
    depths = {RESULTS: 1, STATE: 0}  # how many levels below a folder links are followed
    entries = {folder: contents(folder, depth) for folder, depth in depths.items() if folder.is_dir()}
    for folder in {entry.parent for below in entries.values() for entry in below}:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise SystemExit(f"make clean: no permission to write in {named(folder)}; nothing was removed.")
    told = []
    for folder, below in entries.items():
        files = sum(not entry.is_dir() for entry in below)
        for entry in below:
            remove(entry, depths[folder])
        if below:
            told.append(f"{files} files from {named(folder)}")
    if STATE.is_dir() and not STATE.is_symlink():
        STATE.rmdir()
    return "Removed " + (" and ".join(told) or "nothing: nothing is computed here") + "."


def main() -> None:
    """Clean the current folder, unless a run is in progress, which holds a lock on this file."""
    held = RESULTS / ".lock"
    if not held.is_file():
        print(clean())
        return
    with held.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("make clean: a run is in progress in this folder; stop it first. Nothing was removed.")
        print(clean())


if __name__ == "__main__":
    main()
