"""Time trainings in processes of their own: side by side, and on more and more images. Imports no torch."""

import os
from argparse import ArgumentParser, Namespace

from mnist_vae.benchmarks.machine import machine
from mnist_vae.benchmarks.pages import ratios_page
from mnist_vae.benchmarks.processes import trainings
from mnist_vae.commands.shared.table_page import save_with_page
from mnist_vae.config.measured import Benchmarks
from mnist_vae.files.storage import load_arrays
from mnist_vae.parameters import add_options
from mnist_vae.provenance.software import cores


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("output", help="where the timings go (.csv)")
    parser.add_argument("markdown", help="where their page goes (.md)")
    add_options(parser, Benchmarks, "rounds")


def run(options: Namespace) -> None:
    """A row a contender, as of `benchmark`, and the most memory that a process of its had."""
    threads = int(os.environ["OMP_NUM_THREADS"])
    images = len(load_arrays(options.digits)["train_images"])
    table = trainings(options.digits, images, threads, options.rounds, cores())
    table = table.assign(**machine(threads, ("torch",)))
    largest = table[table.contest == table.contest.iloc[0]].iloc[-1]
    note = f" {largest.contender}: {largest.memory_mb} MB of memory at most, without any evaluation."
    page = ratios_page("Trainings, timed", table, options.rounds, note)
    save_with_page(table, options.output, page, options.markdown)
