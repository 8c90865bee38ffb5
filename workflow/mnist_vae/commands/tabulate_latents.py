"""Gather the models' numbers over the latent dimension."""

from argparse import ArgumentParser, Namespace

from mnist_vae.files.storage import whole_file
from mnist_vae.pages.latents import latents_markdown, latents_table
from mnist_vae.pages.tables import gather


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("models", nargs="+", help="what `evaluate` stored")
    parser.add_argument("--table", required=True, help="where the table goes (.csv)")
    parser.add_argument("--markdown", required=True, help="the same, to look at (.md)")
    parser.add_argument("--dataset", required=True, help="the data set's name, for the title")


def run(options: Namespace) -> None:
    """Write the table and its page."""
    table = latents_table(gather(options.models))
    with whole_file(options.table) as temporary:
        table.to_csv(temporary, index=False)
    with whole_file(options.markdown) as temporary:
        temporary.write_text(latents_markdown(table, options.dataset), encoding="utf-8")
