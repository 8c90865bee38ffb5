"""Numbers quoted in prose, each followed by the table cell that it comes from.

A quoted number carries its source in an HTML comment, which Markdown does not show:

    -ELBO is 179.62<!-- elbo.csv[recipe=reference,n=1000,seed=mean].test_neg_elbo --> nats

The source names a table, the rows and a column. Several rows stand for their mean. A second source after
` - ` is subtracted; after ` ± `, both are standard errors, and the root of their sum of squares is quoted. A
whole Markdown table stands between `<!-- table elbo.md -->` and `<!-- end of table -->`. So a text can be
compared with the tables of a run, or brought up to date.

A number that is in no table has, in its paragraph or below its heading, a comment that says what gave it, and
when:

    <!-- measured: snakemake --cores 2 latents --configfile config/latents.yaml; 2026-11-26 -->
"""

import math
import re
from functools import cache, partial
from pathlib import Path

import pandas as pd

from mnist_vae.errors import InputError

_CELL = r"[\w.]+\[[^\]]*\]\.\w+"
_QUOTED = re.compile(rf"(?P<number>[-−]?[\d,]*\d(?:\.\d+)?)<!-- (?P<source>{_CELL}(?: [-±] {_CELL})?) -->")
_MEASURED = re.compile(r"<!-- measured: .+?; \d{4}-\d\d-\d\d -->", re.DOTALL)
_FIGURE = re.compile(  # a number with decimals, or one in nats or per cent; no interval's 95 %, no version
    r"(?<![\w.,^\[(-])[-−+±]?\d[\d,]*(?:\.\d+(?![\w.])| (?:nats|%(?! interval)))"
)
_NO_PROSE = re.compile(r"```.*?```|`[^`\n]*`|!\[[^\]]*\]\([^)]*\)(?:\{[^}]*\})?", re.DOTALL)  # code, pictures
_TABLE = re.compile(
    r"(?P<start><!-- table (?P<file>[\w.]+) -->\n\n).*?(?P<end>\n<!-- end of table -->)", re.DOTALL
)


def up_to_date(text: str, tables: Path) -> str:
    """The text with every quoted number and table as they stand in the folder of tables.

    Each number keeps its number of decimals. Raises InputError for a source that names a table, row or
    column which is not there.
    """
    text = _QUOTED.sub(partial(_requoted, tables), text)
    return _TABLE.sub(lambda found: found["start"] + _table(tables / found["file"]) + found["end"], text)


def bare_figures(text: str) -> list[str]:
    """The paragraphs with a result that has no source: neither a quoted cell nor a `measured` comment."""
    text = _TABLE.sub("", _NO_PROSE.sub("", text))
    found = []
    for section in re.split(r"^(?=#)", text, flags=re.MULTILINE):
        _, *paragraphs = section.split("\n\n")
        if paragraphs and _MEASURED.match(paragraphs[0]):
            continue
        for before, paragraph in zip(["", *paragraphs], paragraphs, strict=False):
            is_covered = _MEASURED.search(paragraph) or (
                paragraph.startswith("|") and _MEASURED.search(before)
            )
            if not is_covered and _FIGURE.search(_QUOTED.sub("", paragraph)):
                found.append(paragraph)
    return found


def quotations(text: str) -> int:
    """How many numbers and tables the text quotes."""
    return len(_QUOTED.findall(text)) + len(_TABLE.findall(text))


def _requoted(tables: Path, found: re.Match[str]) -> str:
    first, *second = (_cell(source, tables) for source in re.split(" [-±] ", found["source"]))
    value = math.hypot(first, *second) if " ± " in found["source"] else first - sum(second)
    decimals = len(found["number"].partition(".")[2])
    number = f"{value:,.{decimals}f}"
    if "−" in found["number"]:
        number = number.replace("-", "−")
    return f"{number}<!-- {found['source']} -->"


def _cell(source: str, tables: Path) -> float:
    file, _, rest = source.partition("[")
    conditions, _, column = rest.partition("].")
    table = _read(tables / file)
    for condition in filter(None, conditions.split(",")):
        name, _, value = condition.partition("=")
        if name not in table:
            raise InputError(
                f"{source}: {tables / file} has no column {name}, only {', '.join(table.columns)}"
            )
        table = table[table[name] == value]
    if column not in table or table.empty:
        lacking = f"column {column}" if column not in table else "such row"
        raise InputError(f"{source}: {tables / file} has no {lacking}")
    return float(table[column].astype(float).mean())


@cache
def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path} is missing: make the tables first, `snakemake --cores 4 tables`")
    return pd.read_csv(path, dtype=str)


def _table(path: Path) -> str:
    """The first table of a Markdown file."""
    if not path.is_file():
        raise InputError(f"{path} is missing: make the tables first, `snakemake --cores 4 tables`")
    found = re.search(r"(?:^\|.*\n)+", path.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise InputError(f"{path} holds no table")
    return found[0]
