"""The table in config/README.md: `python -m mnist_vae.config.table config/README.md` writes it."""

import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

from mnist_vae.config.sections import Config, ConfiguredDataset, ConfiguredRecipe, Sizes
from mnist_vae.files.storage import whole_file
from mnist_vae.parameters import Field, parameters

BEGIN = "<!-- Made by `python -m mnist_vae.config.table config/README.md` -->"
END = "<!-- Until here -->"
NAMED = {"recipes": ConfiguredRecipe, "datasets": ConfiguredDataset}  # sections under names the user chooses


def config_table() -> str:
    """A table of every key in Markdown: meaning, range and default."""
    lines = ["| key | meaning | range | default |", "|---|---|---|---|"]
    for key, field in config_fields():
        lines.append(f"| `{key}` | {field.parameter.help} | {_range(field)} | {_default(field)} |")
    return "\n".join(lines) + "\n"


def config_fields() -> Iterator[tuple[str, Field]]:
    """Each parameter under its full name in a file, such as `recipes.*.epochs`."""
    top = {field.name: field for field in parameters(Config)}
    for field in fields(Config):
        if is_dataclass(field.default):
            for below in parameters(type(field.default)):
                yield f"{field.name}.{below.name}", below
        else:
            yield field.name, top[field.name]
        for setting in parameters(NAMED[field.name]) if field.name in NAMED else ():
            yield f"{field.name}.*.{setting.name}", setting


def with_table(page: str) -> str:
    """The page, with the table between its two marks."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{config_table()}{END}{after}"


def _range(field: Field) -> str:
    parameter = field.parameter
    if parameter.values is not None:
        return parameter.values
    if field.kind == Sizes:
        return "1 to as many as there are"
    if field.choices:
        return ", ".join(f"`{choice}`" for choice in field.choices)
    low = parameter.minimum if parameter.above is None else parameter.above
    if low is None:
        return ""
    high = parameter.maximum
    if parameter.above is not None:
        words = f"above {low:,}" + (f", at most {high:,}" if high is not None else "")
    else:
        words = f"{low:,} or more" if high is None else f"{low:,} to {high:,}"
    fewest, most = parameter.entries
    if field.item and most is not None:
        words += f"; {fewest} of them" if fewest == most else f"; {fewest} to {most} of them"
    return words


def _default(field: Field) -> str:
    if field.parameter.shown is not None:
        return field.parameter.shown
    if field.default is MISSING:
        return "as the reference"
    if field.kind == Sizes:
        return "; ".join(f"{dataset}: `{list(sizes)}`" for dataset, sizes in field.default.items())
    return f"`{list(field.default) if isinstance(field.default, tuple) else field.default}`"


if __name__ == "__main__":
    readme = Path(sys.argv[1])
    page = with_table(readme.read_text(encoding="utf-8"))
    with whole_file(readme) as file:
        file.write_text(page, encoding="utf-8")
