"""Every command on the project's pages, run as printed on the tiny study, in a copy with an environment."""

import os
import re
import shutil
import subprocess
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import pytest

from support.environment import make_environment
from support.pages import PAGES, commands_of, fenced_blocks, printed_commands
from support.project import ROOT

pytestmark = pytest.mark.xdist_group("finished_project")

# What a page may say that a command needs, and whether it is here. Where it is None, no test can provide it.
NEEDS = {
    "Julia": lambda: bool(shutil.which("julia") or (ROOT / ".julia/bin/julia").exists()),
    "MNIST": lambda: bool(os.environ.get("MNIST_DIR")),
    "MkDocs": lambda: find_spec("mkdocs") is not None,
    "Flux": None,
    "a full run on MNIST": None,
    "a cluster": None,  # tests/slurm has one of one node
    "a network": None,
    "root": None,
    "a screen": None,
    "minutes": None,  # of the tests and linters, which .ci/run runs
}
PROGRAMS = ("make ", ".venv/bin/", "snakemake ", "mnist-vae ", "python -m mnist_vae ", "pytest ", "julia ")
COMMANDS = sorted(printed_commands(), key=lambda printed: printed.command == "make clean")  # which comes last


def kind_of_need(printed):
    """The key in NEEDS, or None."""
    if re.fullmatch(r"(\d+|a few) minutes", printed.needs):
        return "minutes"
    if not printed.needs and re.search(r"\bresults/mnist/", printed.command):
        return "MNIST"
    return printed.needs or None


@pytest.fixture(scope="module")
def copy(finished_project, tmp_path_factory):
    """A copy of the finished project, to which commands add results."""
    folder = tmp_path_factory.mktemp("printed") / "copy"
    shutil.copytree(finished_project.folder, folder, ignore=shutil.ignore_patterns(".venv"))
    if (ROOT / ".julia").is_dir():
        (folder / ".julia").symlink_to((ROOT / ".julia").resolve())
    make_environment(folder)
    return folder


def run(command, folder, activated):
    """Run a command line in a folder, with its environment activated or with none on the PATH."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV") and not name.startswith(("PYTEST", "SNAKEMAKE"))
    }
    scripts = Path(sysconfig.get_path("scripts")).resolve()
    environment["PATH"] = os.pathsep.join(
        [
            *(place for place in os.get_exec_path() if Path(place).resolve() != scripts),
            str(folder / ".julia/bin"),
        ]
    )
    if activated:
        command = f". .venv/bin/activate\n{command}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_make_run_says_last_which_page_to_open(copy):
    result = run("make run", copy, activated=False)
    assert result.stdout.splitlines()[-1].endswith("results/mnist5k/explorer.html")


@pytest.mark.parametrize("printed", COMMANDS, ids=lambda printed: printed.command)
def test_printed_command_does_what_it_says(printed, copy):
    need = kind_of_need(printed)
    if need is not None:
        assert need in NEEDS, f"{printed.pages}: no test knows what it is to need {need!r}"
        if NEEDS[need] is None or not NEEDS[need]():
            pytest.skip(f"needs {printed.needs or need}")
    assert printed.command.startswith(PROGRAMS), f"{printed.pages}: no test knows this command"
    bare = printed.command.startswith(("make ", ".venv/bin/"))  # they find the environment themselves
    for activated in (not bare,) if not bare or need == "Julia" else (False, True):  # Julia takes minutes
        result = run(printed.command, copy, activated)
        assert result.returncode == 0, f"activated: {activated}\n{result.stdout}{result.stderr}"
        assert "Traceback (" not in result.stdout + result.stderr
    for path in re.findall(r"results/\S+\.\w+", printed.command):
        assert (copy / path).is_file()


def test_pages_show_commands_in_console_blocks_alone():
    """In other blocks this test would not find them."""
    languages = {language for page in PAGES for language, _ in fenced_blocks(page)}
    assert languages.isdisjoint({"", "bash", "sh", "shell", "text", "zsh"})
    for page in PAGES:
        for language, block in fenced_blocks(page):
            if language == "console":
                assert len(commands_of(block)) == block.count("$ ") > 0, f"{page.name}: {block}"


def test_every_target_of_make_help_is_printed_in_a_page():
    helped = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^make ([a-z-]+)", helped, re.MULTILINE)
    assert len(targets) > 8
    assert {f"make {target}" for target in targets} <= {printed.command for printed in COMMANDS}
