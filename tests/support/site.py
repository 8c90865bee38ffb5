"""The site of a finished run."""

import os
import subprocess
from pathlib import Path


def build_site(folder: Path) -> Path:
    """`make site` without the report, which tests/browser makes."""
    built = subprocess.run(
        [".venv/bin/mkdocs", "build", "--quiet", "--strict", "--config-file", "site/mkdocs.yml"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "workflow"), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "results/site"
