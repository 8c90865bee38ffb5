"""Tabulate models of several data sets beside published figures."""

from argparse import ArgumentParser, Namespace

from mnist_vae.commands.shared.table_page import add_table_page_arguments, save_with_page
from mnist_vae.files.storage import load_arrays, load_provenance, read_table
from mnist_vae.pages.literature import PUBLISHED, literature_markdown, literature_table
from mnist_vae.pages.tables import gather


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("published", help="published figures (.csv)")
    parser.add_argument("--metrics", nargs="+", required=True, help="what `evaluate` stored for each model")
    parser.add_argument(
        "--weights", nargs="+", required=True, help="what `train` stored for each model, in the same order"
    )
    add_table_page_arguments(parser)


def run(options: Namespace) -> None:
    """Write the table and its page."""
    published = read_table(options.published, PUBLISHED)
    models = []
    for metrics, weights in zip(options.metrics, options.weights, strict=True):
        hidden = len(load_arrays(weights)["decoder.hidden.weight"])
        models.append((gather([metrics]), load_provenance(weights) | {"hidden": hidden}))
    table = literature_table(models, published)
    save_with_page(table, options.table, literature_markdown(table), options.markdown)
