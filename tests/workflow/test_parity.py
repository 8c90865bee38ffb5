"""The workflow's target `parity` without Julia."""

import shutil
import sys
from pathlib import Path

import pytest

BARE_PATH = f"{Path(sys.executable).parent}:/usr/bin:/bin"


@pytest.mark.skipif(shutil.which("julia", path=BARE_PATH) is not None, reason="julia is in a system folder")
def test_without_julia_the_rule_says_how_to_get_one(project):
    result = project.snakemake(
        "--config", 'parity={"backend": "executable"}', "--printshellcmds", "parity", PATH=BARE_PATH
    )
    assert result.returncode != 0
    assert "There is no Julia to compare with." in result.stderr
    assert "`make julia`" in result.stderr
    assert "Traceback (" not in result.stderr
    assert not (project.folder / "results/parity/ladder.csv").exists()
