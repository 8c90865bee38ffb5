"""Tabulate how estimates of log p(x) compare with sums."""

from argparse import ArgumentParser, Namespace

from mnist_vae.commands.shared.table_page import add_table_page_arguments, save_with_page
from mnist_vae.pages.estimates import estimates_markdown, estimates_table
from mnist_vae.pages.tables import gather


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("comparisons", nargs="+", help="what `compare_estimate` stored")
    add_table_page_arguments(parser)
    parser.add_argument("--dataset", required=True, help="the data set's name, for the title")


def run(options: Namespace) -> None:
    """Write the table and its page."""
    table = estimates_table(gather(options.comparisons, "difference"))
    save_with_page(table, options.table, estimates_markdown(table, options.dataset), options.markdown)
