"""Gather how the models' estimates of log p(x) compare with sums."""

from argparse import ArgumentParser, Namespace

from mnist_vae.files.storage import whole_file
from mnist_vae.pages.estimates import estimates_markdown, estimates_table
from mnist_vae.pages.tables import gather


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("comparisons", nargs="+", help="what `compare_estimate` stored")
    parser.add_argument("--table", required=True, help="where the table goes (.csv)")
    parser.add_argument("--markdown", required=True, help="the same, to look at (.md)")
    parser.add_argument("--dataset", required=True, help="the data set's name, for the title")


def run(options: Namespace) -> None:
    """Write the table and its page."""
    table = estimates_table(gather(options.comparisons))
    with whole_file(options.table) as temporary:
        table.to_csv(temporary, index=False)
    with whole_file(options.markdown) as temporary:
        temporary.write_text(estimates_markdown(table, options.dataset), encoding="utf-8")
