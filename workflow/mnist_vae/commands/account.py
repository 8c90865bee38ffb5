"""Add up what the jobs cost that made a data set's results, and what the whole run cost beyond them."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from mnist_vae.commands.shared.table_page import save_with_page
from mnist_vae.provenance.costs import cost_of_commands, costs_page, read_jobs


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("record", help="the record that every job appends to (.jsonl)")
    parser.add_argument("folder", help="folder of the results whose jobs are counted")
    parser.add_argument("output", help="where the table goes (.csv)")
    parser.add_argument("markdown", help="where its page goes (.md)")


def run(options: Namespace) -> None:
    """A row a command, the costliest first."""
    jobs = read_jobs(Path(options.record), options.folder)
    save_with_page(cost_of_commands(jobs), options.output, costs_page(jobs, options.folder), options.markdown)
