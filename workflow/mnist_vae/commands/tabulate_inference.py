"""Tabulate how methods of inference compare with exact posteriors."""

from argparse import ArgumentParser, Namespace

from mnist_vae.commands.shared.table_page import add_table_page_arguments, save_with_page
from mnist_vae.pages.inference import gather_inference, inference_markdown


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("comparisons", nargs="+", help="what `infer` stored")
    add_table_page_arguments(parser)
    parser.add_argument("--dataset", required=True, help="the data set's name, for the title")


def run(options: Namespace) -> None:
    """Write the table and its page."""
    table = gather_inference(options.comparisons)
    save_with_page(table, options.table, inference_markdown(table, options.dataset), options.markdown)
