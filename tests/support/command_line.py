"""The command line, run in the test's own process."""

import os
from pathlib import Path

from mnist_vae.__main__ import main

TRAIN, TEST = 200, 150  # sizes of the small study


def run_command(words: str | list[str]) -> int:
    """Run the command line in this process and restore OMP_NUM_THREADS and similar variables."""
    before = dict(os.environ)
    try:
        return main(words.split() if isinstance(words, str) else words)
    finally:
        os.environ.clear()
        os.environ.update(before)


def listing(folder: Path) -> list[str]:
    """Every file below a folder, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
