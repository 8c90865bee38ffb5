"""The code that a rule declares is what its command imports."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mnist_vae
from mnist_vae.__main__ import COMMANDS
from mnist_vae.commands.draw import FIGURES
from mnist_vae.provenance.sources import code_hash, import_closure

PACKAGE = Path(mnist_vae.__file__).parent
# In a fresh Python, from the commands that need no torch to those that do: torch, once in, stays.
IMPORT_EACH = """
import importlib, json, sys
found = {}
for command in sys.argv[1:]:
    for name in [name for name in sys.modules if name.split(".")[0] == "mnist_vae"]:
        del sys.modules[name]
    importlib.import_module(f"mnist_vae.commands.{command}")
    files = [module.__file__ for name, module in sys.modules.items() if name.startswith("mnist_vae.")]
    found[command] = {"files": files, "torch": "torch" in sys.modules}
print(json.dumps(found))
"""
WITHOUT_TORCH = [
    "obtain",
    "binarize",
    "tabulate",
    "draw",
    "check_solutions",
    "check_parity",
    "manifest",
    "verify",
    "account",
    "benchmark_commands",
    "benchmark_processes",
]
PACKAGES = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))


@pytest.fixture(scope="module")
def imported():
    commands = [*WITHOUT_TORCH, *(command for command in COMMANDS if command not in WITHOUT_TORCH)]
    found = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, *commands],
        env={"PYTHONPATH": str(PACKAGE.parent), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(found.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_closure_is_what_is_imported(imported, command):
    """Except the packages' own files, which only hold a docstring (see below)."""
    files = {Path(file) for file in imported[command]["files"]} - {
        package / "__init__.py" for package in PACKAGES
    }
    assert set(import_closure(f"mnist_vae.commands.{command}")) == files
    assert PACKAGE / f"commands/{command}.py" in files


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_hold_no_code(package):
    (statement,) = ast.parse((package / "__init__.py").read_text()).body
    assert isinstance(statement.value, ast.Constant)


@pytest.mark.parametrize("command", WITHOUT_TORCH)
def test_commands_without_networks_need_no_torch(imported, command):
    assert not imported[command]["torch"]


def package_of(folder, monkeypatch, **modules):
    """A package of modules with these texts, in place of this one."""
    package = folder / "mnist_vae"
    package.mkdir()
    for name, text in modules.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.setattr("mnist_vae.provenance.sources.PACKAGE", package)
    return package


def test_the_hash_of_code_is_of_all_that_is_imported_and_of_nothing_else(tmp_path, monkeypatch):
    texts = {"a": "from mnist_vae.b import f\n", "b": "f = 1\n", "c": "", "d": "from mnist_vae import b\n"}
    (tmp_path / "elsewhere").mkdir()
    package = package_of(tmp_path, monkeypatch, **texts)
    before = code_hash("mnist_vae.a")
    assert before != code_hash("mnist_vae.d")
    (package / "c.py").write_text("edited = True\n")
    (package / "b.py").touch()
    assert code_hash("mnist_vae.a") == before
    package_of(tmp_path / "elsewhere", monkeypatch, **texts)
    assert code_hash("mnist_vae.a") == before  # wherever the project lies
    monkeypatch.setattr("mnist_vae.provenance.sources.PACKAGE", package)
    for name, text in (("a", "from mnist_vae.b import f\nf()\n"), ("b", "f = 2\n")):
        (package / f"{name}.py").write_text(text)
        after = code_hash("mnist_vae.a")
        assert after != before
        before = after


CODE = """
from typing import Annotated

class A:
    rate: Annotated[float, Parameter("how fast", minimum=0)] = 0.5

    def f(self, x: int) -> int:
        if x:
            raise InputError("no", x)
        return None
"""
SAID_OTHERWISE = """'''A docstring.'''
from typing import Annotated   # a comment
class A:
    '''A docstring,

    long.'''
    rate: Annotated[
        float, Parameter('how fast it goes', minimum=0)
    ] = 0.5
    def f(self,
          x: int) -> int:
        "a docstring"
        if (x): raise InputError(f'{x} is wrong')
        return None
"""


def hash_of(folder, monkeypatch, text):
    folder.mkdir()
    package_of(folder, monkeypatch, a=text)
    return code_hash("mnist_vae.a")


def test_comments_docstrings_formatting_help_and_error_messages_are_not_hashed(tmp_path, monkeypatch):
    before = hash_of(tmp_path / "one", monkeypatch, CODE)
    assert hash_of(tmp_path / "other", monkeypatch, SAID_OTHERWISE) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("0.5", "0.25"),
        ("minimum=0", "minimum=1"),
        ("float", "int"),
        ("return None", "return 0"),
        ("return None", "return ''"),
        ("        return None", "            return None"),
        ("if x", "if not x"),
        ("InputError", "ValueError"),
        ("raise InputError", "return InputError"),
        ("self, x: int", "self, x: int, *, y=None"),
        ("f(", "g("),
    ],
)
def test_what_the_code_says_is_hashed(tmp_path, monkeypatch, before, after):
    changed = CODE.replace(before, after)
    assert changed != CODE
    assert hash_of(tmp_path / "one", monkeypatch, CODE) != hash_of(tmp_path / "other", monkeypatch, changed)


def test_how_published_files_are_read_concerns_no_command_that_reads_stored_arrays():
    """For example, a reworded error in data/idx.py must not train a model again."""
    reading = {"idx.py", "folders.py", "datasets.py", "own.py", "obtain.py", "download.py"}
    for command in ("binarize", "train", "evaluate", "encode", "build_explorer"):
        assert not reading & {path.name for path in import_closure(f"mnist_vae.commands.{command}")}


def test_figures_do_not_depend_on_training():
    """Nor on each other or their table, so that an edit redraws one figure."""
    drawing = {path.name for path in import_closure("mnist_vae.commands.draw")}
    assert drawing == {"draw.py", "style.py", "storage.py", "errors.py"}
    for figure in FIGURES:
        closure = {path.name for path in import_closure(f"mnist_vae.figures.{figure}")}
        assert closure - drawing - {"classes.py", "images.py"} == {f"{figure}.py"}
    assert "style.py" not in {path.name for path in import_closure("mnist_vae.commands.train")}


def test_closure_of_a_module_within_its_functions(tmp_path, monkeypatch):
    """Imports inside functions count, those of other packages do not, and cycles end."""
    within = "import os\ndef f():\n    from mnist_vae import b\n"
    circle = "from mnist_vae.a import f\nfrom numpy import array\n"
    package = package_of(tmp_path, monkeypatch, a=within, b=circle, c="")
    assert import_closure("mnist_vae.a") == [package / "a.py", package / "b.py"]


def test_every_command_is_a_module_and_every_module_a_command():
    modules = {path.stem for path in (PACKAGE / "commands").glob("*.py")} - {"__init__"}
    assert modules == set(COMMANDS)
