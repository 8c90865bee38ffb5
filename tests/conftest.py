"""Copies of the project, for tests that run real Snakemake."""

from pathlib import Path

import pytest

from support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh checkout, nothing computed."""
    return Project(tmp_path)


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A checkout whose every target was made once; tests leave it so."""
    project = Project(tmp_path_factory.mktemp("a project's folder"))
    result = project.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return project
