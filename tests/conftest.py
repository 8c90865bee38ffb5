"""Copies of the project for tests that run Snakemake itself."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

import mnist_vae
from support.environment import make_environment
from support.project import ROOT, Project, inherited

TESTS = Path(__file__).parent


# The tests that `make test` runs: in a few minutes, without a browser, a Julia, a cluster or the network.
QUICK = (
    *(f"unit/{room}" for room in ("study", "exact", "data", "files", "provenance", "config", "plan")),
    *("unit/figures", "unit/pages", "unit/test_parameters.py", "unit/test_steps.py"),
    *("parity/test_golden.py", "workflow/test_small_run.py"),
)


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the quick tests."""
    for item in items:
        if item.path.relative_to(TESTS).as_posix().startswith(QUICK):
            item.add_marker("quick")


def pytest_sessionstart() -> None:
    """Refuse to test another checkout's library. Drop what the tests inherit from `make` (its variables) and
    from a shell (ignored interrupts of background jobs).
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        os.environ.pop(name, None)
    library = Path(next(iter(mnist_vae.__path__)))
    if not library.is_relative_to(ROOT):
        pytest.exit(
            f"These are the tests of {ROOT}, but Python imports mnist_vae from {library}. Run `make test`, "
            "which makes this folder's own environment.",
            returncode=pytest.ExitCode.USAGE_ERROR,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh checkout without results."""
    return Project(tmp_path)


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A checkout after `make run` on the tiny study; tests must not change it."""
    project = Project(tmp_path_factory.mktemp("a project's folder"))
    project.configure_by_default()
    make_environment(project.folder)
    result = subprocess.run(
        ["make", "run"], cwd=project.folder, env=inherited(), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return project
