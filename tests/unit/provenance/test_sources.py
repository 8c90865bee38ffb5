"""What a rule declares as its code is what its command really imports."""

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
    found[command] = {"files": files} | {name: name in sys.modules for name in ("torch", "snakemake")}
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
ROOMS = [  # each may import what stands on earlier lines
    ("errors", "parameters"),
    ("study",),
    ("exact", "files"),
    ("data", "figures", "provenance"),
    ("config", "pages", "check"),
    ("parity",),
    ("benchmarks",),
    ("commands",),
    ("__main__",),
]


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
    """All but the packages' own files, which hold a docstring and nothing else (see below)."""
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


def test_library_imports_no_snakemake(imported):
    assert not any(found["snakemake"] for found in imported.values())
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", []) if isinstance(node, ast.Import)]
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "snakemake" for name in names), path


def room(path):
    """The folder of the package in which a module lies, or the module itself."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def test_imports_run_one_way():
    line = {name: number for number, names in enumerate(ROOMS) for name in names}
    modules = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    assert {room(path) for path in modules} == line.keys()
    for path in modules:
        for other in import_closure(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)):
            own_or_earlier = room(other) == room(path) or line[room(other)] < line[room(path)]
            assert own_or_earlier, f"{path} reaches {other}"


def package_of(folder, monkeypatch, **modules):
    """A package of modules with these texts, in the place of this one."""
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
    for name, text in (("a", "from mnist_vae.b import f  # edited\n"), ("b", "f = 2\n")):
        (package / f"{name}.py").write_text(text)
        after = code_hash("mnist_vae.a")
        assert after != before
        before = after


def test_figures_do_not_depend_on_training():
    """Nor on each other, nor on their table: an edit redraws one."""
    drawing = {path.name for path in import_closure("mnist_vae.commands.draw")}
    assert drawing == {"draw.py", "style.py", "storage.py", "errors.py"}
    for figure in FIGURES:
        closure = {path.name for path in import_closure(f"mnist_vae.figures.{figure}")}
        assert closure - drawing - {"classes.py"} == {f"{figure}.py"}
    assert "style.py" not in {path.name for path in import_closure("mnist_vae.commands.train")}


def test_closure_of_a_module_within_its_functions(tmp_path, monkeypatch):
    """Imports inside functions count, other packages' do not, and circles end."""
    within = "import os\ndef f():\n    from mnist_vae import b\n"
    circle = "from mnist_vae.a import f\nfrom numpy import array\n"
    package = package_of(tmp_path, monkeypatch, a=within, b=circle, c="")
    assert import_closure("mnist_vae.a") == [package / "a.py", package / "b.py"]


def test_every_command_is_a_module_and_every_module_a_command():
    modules = {path.stem for path in (PACKAGE / "commands").glob("*.py")} - {"__init__"}
    assert modules == set(COMMANDS)
