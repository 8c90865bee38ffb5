"""Compare the numbers that texts quote with the tables, or update them."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from mnist_vae.errors import InputError
from mnist_vae.files.storage import read_text, save_text
from mnist_vae.pages.quotations import quotations, up_to_date


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("tables", type=Path, help="folder of the tables")
    parser.add_argument("texts", type=Path, nargs="+", help="the texts (.md)")
    parser.add_argument("--write", action="store_true", help="update the texts")


def run(options: Namespace) -> None:
    """Compare the texts, or update them."""
    count = 0
    for path in options.texts:
        text = read_text(path)
        current = up_to_date(text, options.tables)
        count += quotations(text)
        if text == current:
            continue
        if not options.write:
            raise InputError(
                f"{path} does not quote {options.tables} as it stands: {_first_difference(text, current)}"
            )
        save_text(path, current)
    print(f"{count} numbers and tables of {len(options.texts)} texts are as in {options.tables}")


def _first_difference(text: str, current: str) -> str:
    pairs = zip(text.splitlines(), current.splitlines(), strict=False)
    return next(
        (f"it says\n  {old}\nwhere the tables give\n  {new}" for old, new in pairs if old != new),
        "a table's rows",
    )
