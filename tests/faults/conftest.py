"""A fresh checkout of a study small enough to be run many times."""

from pathlib import Path

import pytest

from support.small_project import SmallProject


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    """A fresh checkout without results."""
    return SmallProject(tmp_path / "project")
