"""What `make` does besides calling Snakemake: the environment of one folder, and cleaning."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.command_line import listing
from support.environment import make_environment
from support.project import ROOT

MADE = (
    "results/mnist/tables/elbo.csv",
    "results/mnist/figures/a.png",
    "results/record.jsonl",
    ".snakemake/log/1",
)


def make(folder, *words, **environment):
    return subprocess.run(
        ["make", *words], cwd=folder, env=os.environ | environment, capture_output=True, text=True
    )


@pytest.fixture
def folder(tmp_path):
    """A checkout's Makefile and script, and some results."""
    folder = tmp_path / "a project's folder"
    for name in (
        "Makefile",
        "requirements.lock",
        "requirements-dev.lock",
        "pyproject.toml",
        "workflow/scripts/clean.py",
        "results/README.md",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in MADE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("computed")
    return folder


def left(folder):
    return {name for name in MADE if (folder / name).exists()}


def test_clean_removes_everything_computed_and_says_so(folder):
    result = make(folder, "clean")
    assert (result.returncode, result.stdout) == (
        0,
        "Removed 3 files from results and 1 files from .snakemake.\n",
    )
    assert listing(folder / "results") == ["README.md"]
    assert not (folder / ".snakemake").exists()
    assert "nothing is computed here" in make(folder, "clean").stdout


@pytest.mark.parametrize("name", ["results", "results/mnist", ".snakemake"])
def test_clean_empties_what_a_link_points_to_and_keeps_the_link(folder, tmp_path, name):
    (folder / name).rename(tmp_path / "big disk")
    (folder / name).symlink_to(tmp_path / "big disk")
    result = make(folder, "clean")
    assert result.returncode == 0, result.stderr
    assert not left(folder)
    assert (folder / name).is_symlink()
    assert set(listing(tmp_path / "big disk")) <= {"README.md"}
    if name != "results/mnist":
        assert f"{name} -> {tmp_path / 'big disk'}" in result.stdout


def test_clean_does_not_follow_other_links(folder, tmp_path):
    """A result from Snakemake's cache is a link to a file; other links belong to the user."""
    for kind, name in ((Path.touch, "cached"), (Path.mkdir, "elsewhere")):
        kind(tmp_path / name)
        (folder / "results/mnist/tables" / name).symlink_to(tmp_path / name)
    (tmp_path / "elsewhere/kept").touch()
    assert make(folder, "clean").returncode == 0
    assert listing(folder / "results") == ["README.md"]
    assert (tmp_path / "cached").exists()
    assert (tmp_path / "elsewhere/kept").exists()


def test_clean_during_a_run_removes_nothing(folder):
    hold = "from mnist_vae.provenance import lock; lock.hold('results/.lock'); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        run.stdout.readline()
        result = make(folder, "clean")
        run.communicate("\n")
    assert result.returncode != 0
    assert "a run is in progress" in result.stderr
    assert left(folder) == set(MADE)


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write anywhere")
def test_clean_without_permission_removes_nothing(folder, tmp_path):
    for path in (tmp_path, *tmp_path.parents[:3]):  # as many as pytest-xdist has
        path.chmod(path.stat().st_mode | 0o755)
    tables = folder / "results/mnist/tables"
    command = [sys.executable, "workflow/scripts/clean.py"]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--clear-groups", *command]
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, 65534, 65534)
    tables.chmod(0o555)
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    tables.chmod(0o755)
    assert result.returncode != 0
    assert "no permission to write in results/mnist/tables; nothing was removed" in result.stderr
    assert left(folder) == set(MADE)


def must_be_made(folder):
    """Whether `make run` would install the environment first."""
    planned = make(folder, "--dry-run", "run")
    assert planned.returncode == 0, planned.stderr
    return "-m venv" in planned.stdout


def test_the_environment_is_made_again_where_the_project_was_copied_or_moved(folder, tmp_path):
    assert must_be_made(folder)
    make_environment(folder)
    assert not must_be_made(folder)
    shutil.copytree(folder, tmp_path / "copied", symlinks=True)
    assert must_be_made(tmp_path / "copied")
    folder.rename(tmp_path / "moved")
    assert must_be_made(tmp_path / "moved")


def test_the_environment_is_made_again_where_its_python_was_replaced(folder):
    make_environment(folder)
    python = folder / ".venv/bin/python"
    python.unlink()
    python.write_text("#!/bin/sh\necho Python 3.99.0\n")
    python.chmod(0o755)
    assert must_be_made(folder)
    python.unlink()
    assert must_be_made(folder)


def test_an_environment_that_another_folder_lends_is_left_alone(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "other")
    make_environment(tmp_path / "other")
    before = listing(tmp_path / "other/.venv")
    (folder / ".venv").symlink_to(tmp_path / "other/.venv")
    result = make(folder, "lint")
    assert result.returncode != 0
    assert "link to an environment of another folder" in result.stdout + result.stderr
    assert listing(tmp_path / "other/.venv") == before


def test_tests_refuse_to_test_another_checkout(tmp_path):
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/unit/commands"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"These are the tests of {tmp_path}" in result.stdout + result.stderr


@pytest.fixture
def fake_python(tmp_path):
    """A Python whose environments have a pip that only records its arguments and variables."""
    python = tmp_path / "python"
    python.write_text(f"""#!/bin/sh
[ "$1 $2" = "-m venv" ] || exec {sys.executable} "$@"
mkdir -p "$4/bin"
ln -sf {sys.executable} "$4/bin/python"
printf '#!/bin/sh\\n(echo "$@"; env) >> {tmp_path}/pip; exit ${{PIP_FAILS:-0}}\\n' > "$4/bin/pip"
chmod +x "$4/bin/pip"
""")
    python.chmod(0o755)
    return python


def test_packages_go_into_the_environment_whatever_pip_is_told(folder, tmp_path, fake_python):
    elsewhere = {"PIP_PREFIX": "/elsewhere", "PIP_TARGET": "/elsewhere", "PIP_ROOT": "/elsewhere"}
    make(folder, ".venv/.installed", PYTHON=str(fake_python), PIP_USER="1", **elsewhere)
    told = (tmp_path / "pip").read_text()
    assert "install --disable-pip-version-check --no-user --requirement requirements.lock" in told
    assert "/elsewhere" not in told


def test_an_environment_in_which_nothing_was_installed_is_not_taken_for_one(folder, fake_python):
    """For example if pip's configuration file names another place."""
    for _ in range(2):
        result = make(folder, ".venv/.installed", PYTHON=str(fake_python))
        assert result.returncode != 0
        assert "pip installed nothing in .venv: see '.venv/bin/pip config list'." in result.stdout
        assert not (folder / ".venv/.installed").exists()


def test_what_pip_says_is_shown_only_where_it_fails(folder, fake_python):
    quiet, failed = (
        make(folder, ".venv/.installed", PYTHON=str(fake_python), PIP_FAILS=status).stdout
        for status in ("0", "1")
    )
    assert "pip failed, see above. The same command tries again." in failed
    assert "pip failed" not in quiet
