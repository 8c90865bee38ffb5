"""Gather the models' numbers into the study's tables."""

from argparse import ArgumentParser, Namespace

from mnist_vae import tables
from mnist_vae.storage import whole_file


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("models", nargs="+", help="what `evaluate` stored, a file a model")
    parser.add_argument("--metrics", required=True, help="where every number goes (.csv)")
    parser.add_argument("--elbo", required=True, help="where the table people read goes (.csv)")
    parser.add_argument("--elbo-markdown", required=True, help="the same, to look at (.md)")
    parser.add_argument("--dataset", required=True, help="the data set's name, for the title")


def run(options: Namespace) -> None:
    """Write metrics.csv, elbo.csv and elbo.md."""
    metrics = tables.gather(options.models)
    elbo = tables.elbo_table(metrics, options.dataset)
    with whole_file(options.metrics) as temporary:
        metrics.to_csv(temporary, index=False)
    with whole_file(options.elbo) as temporary:
        elbo.to_csv(temporary, index=False)
    with whole_file(options.elbo_markdown) as temporary:
        temporary.write_text(tables.elbo_markdown(elbo, options.dataset), encoding="utf-8")
