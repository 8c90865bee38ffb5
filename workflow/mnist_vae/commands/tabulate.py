"""Collect the models' numbers in the study's tables."""

from argparse import ArgumentParser, Namespace

from mnist_vae.files.storage import save_text, whole_file
from mnist_vae.pages import table_pages, tables


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("models", nargs="+", help="what `evaluate` stored")
    parser.add_argument("--epochs", nargs="+", required=True, help="what `measure_epochs` stored")
    parser.add_argument("--metrics", required=True, help="where every number goes (.csv)")
    parser.add_argument("--elbo", required=True, help="where the table of -ELBO goes (.csv)")
    parser.add_argument("--elbo-markdown", required=True, help="where its page goes (.md)")
    parser.add_argument("--gaps", required=True, help="where the table of gaps goes (.csv)")
    parser.add_argument("--gaps-markdown", required=True, help="where its page goes (.md)")
    parser.add_argument(
        "--differences", required=True, help="where the differences between recipes go (.csv)"
    )
    parser.add_argument("--differences-markdown", required=True, help="where its page goes (.md)")
    parser.add_argument("--all-epochs", required=True, help="where the numbers of every snapshot go (.csv)")
    parser.add_argument(
        "--third-question", required=True, help="where the changes between snapshots go (.csv)"
    )
    parser.add_argument("--dataset", required=True, help="the data set's name, for the title")


def run(options: Namespace) -> None:
    """Write the tables and their pages."""
    metrics = tables.gather(options.models)
    elbo = tables.elbo_table(metrics, options.dataset)
    gaps = tables.gaps_table(metrics)
    differences = tables.differences_table(metrics)
    epochs = tables.gather_epochs(options.epochs)
    stretches = tables.stretches(epochs)
    for path, table in (
        (options.metrics, metrics),
        (options.elbo, elbo),
        (options.gaps, gaps),
        (options.differences, differences),
        (options.all_epochs, epochs),
        (options.third_question, stretches),
    ):
        with whole_file(path) as temporary:
            table.to_csv(temporary, index=False)
    for path, page in (
        (options.elbo_markdown, table_pages.elbo_markdown(elbo, options.dataset)),
        (options.gaps_markdown, table_pages.gaps_markdown(gaps, stretches, options.dataset)),
        (options.differences_markdown, table_pages.differences_markdown(differences, options.dataset)),
    ):
        save_text(path, page)
