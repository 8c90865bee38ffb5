"""Tabulate the models' numbers over the latent dimension."""

from argparse import ArgumentParser, Namespace

from mnist_vae.commands.shared.table_page import add_table_page_arguments, save_with_page
from mnist_vae.pages.latents import latents_markdown, latents_table
from mnist_vae.pages.tables import gather


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("models", nargs="+", help="what `evaluate` stored")
    add_table_page_arguments(parser)
    parser.add_argument("--dataset", required=True, help="the data set's name, for the title")


def run(options: Namespace) -> None:
    """Write the table and its page."""
    table = latents_table(gather(options.models))
    save_with_page(table, options.table, latents_markdown(table, options.dataset), options.markdown)
