"""The modules of the package that a module depends on, and a hash of their code, without running them."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)  # what may have a docstring


def import_closure(module: str) -> list[Path]:
    """Return the source files of a module of this package and of all it imports from it, however far."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = PACKAGE.parent.joinpath(*waiting.pop().split(".")).with_suffix(".py")
        if path not in found and path.is_file():
            found.add(path)
            waiting += _read(path)[0]
    return sorted(found)


def code_hash(module: str) -> str:
    """SHA-256 of the code of a module and of all it imports from this package.

    What cannot change a result does not count: comments, docstrings, formatting, strings in annotations, such
    as a parameter's help, and the arguments of an InputError, after which there is no result.
    """
    digest = hashlib.sha256()
    for path in import_closure(module):
        digest.update(f"{path.relative_to(PACKAGE).as_posix()}\n{_read(path)[1]}\n".encode())
    return digest.hexdigest()


def _read(path: Path) -> tuple[list[str], str]:
    """The names that a source file imports, which may be modules of this package, and its hash."""
    return _parsed(path, path.read_bytes())


@cache  # each start of Snakemake asks for the modules of every command
def _parsed(path: Path, source: bytes) -> tuple[list[str], str]:
    tree = ast.parse(source)
    imported = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE.name)
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    ]
    lines: list[str] = []
    _write_down(tree, lines)
    return imported, hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _write_down(node: ast.AST, lines: list[str], annotates: bool = False) -> None:
    """Add what counts of a syntax tree to the lines.

    `ast.dump` would say other things in other versions of Python, whose trees have further, empty fields.
    """
    lines.append(type(node).__name__)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "InputError":
        return
    for name, value in ast.iter_fields(node):
        values = value if isinstance(value, list) else [] if value is None else [value]
        if name == "body" and isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            values = values[1:]
        for item in values:
            lines.append(name)
            if isinstance(item, ast.AST):
                _write_down(item, lines, annotates or name in ("annotation", "returns"))
            elif not (annotates and isinstance(node, ast.Constant) and isinstance(item, str)):
                lines.append(repr(item))
    lines.append("")
