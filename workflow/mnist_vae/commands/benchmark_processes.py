"""Time training runs in separate processes: side by side, and on more images. Imports no torch."""

import os
from argparse import ArgumentParser, Namespace

from mnist_vae.benchmarks.processes import trainings, trainings_page
from mnist_vae.commands.shared.table_page import save_with_page
from mnist_vae.config.measured import Benchmarks
from mnist_vae.parameters import add_options


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("output", help="where the timings go (.csv)")
    parser.add_argument("markdown", help="where their page goes (.md)")
    add_options(parser, Benchmarks, "rounds")


def run(options: Namespace) -> None:
    """Write one row per contender, as `benchmark` does, with the peak memory of its processes."""
    table = trainings(options.digits, int(os.environ["OMP_NUM_THREADS"]), options.rounds)
    save_with_page(table, options.output, trainings_page(table, options.rounds), options.markdown)
