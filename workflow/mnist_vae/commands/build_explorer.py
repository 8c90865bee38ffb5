"""Build the explorer, one page in which the decoder runs."""

from argparse import ArgumentParser, Namespace

from mnist_vae.data.digits import load_digits
from mnist_vae.files.storage import load_arrays, load_provenance, save_text
from mnist_vae.pages.explorer import CLASSIFIED, TRAINING_PICTURES, explorer_page, page_data


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("latents", help="what `encode` stored")
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("output", help="where the page goes (.html)")


def run(options: Namespace) -> None:
    """Embed the model, some of its training images, and some test images."""
    provenance = load_provenance(options.weights)
    training_pictures, _ = load_digits(options.digits, "train", min(provenance["n"], TRAINING_PICTURES))
    test_pictures, test_labels = load_digits(options.digits, "test")
    data = page_data(
        load_arrays(options.weights),
        load_arrays(options.latents),
        training_pictures,
        test_pictures[:CLASSIFIED],
        None if test_labels is None else test_labels[:CLASSIFIED],
        provenance,
    )
    save_text(options.output, explorer_page(data))
