"""Print a summary of the parity ladder, and fail unless every check passes."""

from argparse import ArgumentParser, Namespace

from mnist_vae.errors import InputError
from mnist_vae.files.storage import read_table
from mnist_vae.parity import tables


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("ladder", help="what `parity` stored (.csv)")


def run(options: Namespace) -> None:
    """Print the summary and the verdict."""
    ladder = read_table(options.ladder, tables.COLUMNS)
    print(tables.summary(ladder).to_string(index=False, float_format="{:.1e}".format))
    if not ladder["pass"].all():
        raise InputError(tables.verdict(ladder))
    print(tables.verdict(ladder))
