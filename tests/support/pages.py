"""The commands that the project's pages show."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from support.project import ROOT

PAGES = sorted(
    path
    for pattern in ("*.md", "config/*.md", "results/*.md", "docs/*.md", "reference_julia/*.md")
    for path in ROOT.glob(pattern)
)
FENCED = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
NEED = re.compile(r"\bneeds ([^;:,.()]+)$")


@dataclass
class Printed:
    """A command, the pages that show it, and what it needs according to them."""

    command: str
    pages: list[str] = field(default_factory=list)
    needs: str = ""


def fenced_blocks(page: Path) -> list[tuple[str, str]]:
    """The language and the text of each fenced block."""
    return FENCED.findall(page.read_text(encoding="utf-8"))


def need_in(comment: str) -> str:
    found = NEED.search(comment.strip())
    return found[1] if found else ""


def commands_of(block: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with what it needs.

    A comment that ends in "needs X" says so: after a command for that one, on its own line for the
    rest.
    """
    commands, need_of_all = [], ""
    for line in block.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            command, *comment = re.split(r"\s+# ", line[2:], maxsplit=1)
            commands.append((command.strip(), need_in("".join(comment)) or need_of_all))
        elif line.startswith("# "):
            need_of_all = need_in(line)
    return commands


def printed_commands() -> list[Printed]:
    """Every command of every console block, once."""
    found: dict[str, Printed] = {}
    for page in PAGES:
        for language, block in fenced_blocks(page):
            if language != "console":
                continue
            for command, need in commands_of(block):
                printed = found.setdefault(command, Printed(command))
                printed.pages.append(page.relative_to(ROOT).as_posix())
                printed.needs = printed.needs or need
    return list(found.values())
