"""Binarize grey pictures."""

from argparse import ArgumentParser, Namespace

from mnist_vae.data.binarization import THRESHOLD, Threshold, about_ink, binarize_splits
from mnist_vae.data.digits import save_digits
from mnist_vae.files.storage import load_arrays, load_provenance
from mnist_vae.parameters import add_option


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("grey", help="what `obtain` stored")
    parser.add_argument("output", help="where the binary pictures and labels go (.safetensors)")
    how = parser.add_mutually_exclusive_group()
    add_option(how, "threshold", Threshold, THRESHOLD)
    how.add_argument("--draw", action="store_true", help="draw each pixel, 1 with probability grey / 255")


def run(options: Namespace) -> None:
    """Binarize the images; pass the labels on."""
    threshold = None if options.draw else options.threshold
    digits = binarize_splits(load_arrays(options.grey), threshold)
    print(about_ink(digits), end="")
    save_digits(options.output, digits, load_provenance(options.grey) | {"threshold": threshold})
