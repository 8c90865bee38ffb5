"""Build the explorer, one page in which the decoder runs."""

from argparse import ArgumentParser, Namespace

from mnist_vae.data.digits import load_digits
from mnist_vae.files.storage import load_arrays, load_provenance, parted, read_table, save_text
from mnist_vae.pages.explorer import (
    CLASSIFIED,
    EPOCHS,
    TRAINING_PICTURES,
    Pictures,
    Shown,
    explorer_page,
    page_data,
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("output", help="where the page goes (.html)")
    parser.add_argument(
        "--weights", nargs="+", required=True, help="the weights that `train` stored, for each model shown"
    )
    parser.add_argument("--latents", nargs="+", required=True, help="what `encode` stored for each model")
    parser.add_argument(
        "--snapshots", nargs="*", default=[], help="the snapshots that `train` stored for each model"
    )
    parser.add_argument("--epochs", nargs="*", default=[], help="what `measure_epochs` stored for each model")


def run(options: Namespace) -> None:
    """Embed the models, some of their training images, and some test images."""
    models = [
        Shown(load_arrays(weights), load_arrays(latents), load_provenance(weights))
        for weights, latents in zip(options.weights, options.latents, strict=True)
    ]
    if options.snapshots:
        models = [
            model._replace(snapshots=parted(load_arrays(snapshots)), epochs=read_table(epochs, EPOCHS))
            for model, snapshots, epochs in zip(models, options.snapshots, options.epochs, strict=True)
        ]
    first = min(TRAINING_PICTURES, *(model.provenance["n"] for model in models))
    training, labels = load_digits(options.digits, "train", first)
    tests, test_labels = load_digits(options.digits, "test")
    data = page_data(
        models,
        Pictures(training, labels),
        Pictures(tests[:CLASSIFIED], None if test_labels is None else test_labels[:CLASSIFIED]),
    )
    save_text(options.output, explorer_page(data))
