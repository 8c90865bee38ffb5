"""Tabulate how far each q fitted to a top half lies from the exact posterior."""

from argparse import ArgumentParser, Namespace

from mnist_vae.files.storage import load_arrays, load_provenance, save_model_table
from mnist_vae.pages.top_half_fits import top_half_fits


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("completions", help="what `complete_top_half` stored")
    parser.add_argument("output", help="where the table goes (.csv)")


def run(options: Namespace) -> None:
    """Write one row per fit and image."""
    rows = top_half_fits(load_arrays(options.completions))
    save_model_table(options.output, rows, load_provenance(options.completions))
