"""Add up the cost of the jobs that made a data set's results."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from mnist_vae.commands.shared.table_page import save_with_page
from mnist_vae.provenance.costs import cost_of_commands, costs_page, read_jobs


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("record", help="the record that every job appends to (.jsonl)")
    parser.add_argument("folder", help="folder of the results whose jobs are counted")
    parser.add_argument("output", help="where the table goes (.csv)")
    parser.add_argument("markdown", help="where its page goes (.md)")


def run(options: Namespace) -> None:
    """Write one row per command, the costliest first, and the page."""
    jobs = read_jobs(Path(options.record), options.folder)
    save_with_page(cost_of_commands(jobs), options.output, costs_page(jobs, options.folder), options.markdown)
