"""Which of the package's modules a module depends on, read from the code without running it."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def import_closure(module: str) -> list[Path]:
    """Return the source files of a module of this package and of all it imports from it, however far."""
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py")
        if name in found or not path.is_file():
            continue
        found[name] = path
        waiting += _imported(path)
    return sorted(found.values())


def code_hash(module: str) -> str:
    """SHA-256 of a module's source and of all it imports from this package."""
    digest = hashlib.sha256()
    for path in import_closure(module):
        digest.update(f"{path.relative_to(PACKAGE).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()


@cache  # each start of Snakemake asks for every command's modules
def _imported(path: Path) -> list[str]:
    """Names that may be modules of this package, of a source file's import statements."""
    return [
        name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE.name)
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    ]
