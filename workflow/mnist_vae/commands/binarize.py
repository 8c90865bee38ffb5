"""Binarize grey pictures."""

from argparse import ArgumentParser, Namespace

from mnist_vae.data.datasets import THRESHOLD
from mnist_vae.data.digits import binarize, save_digits
from mnist_vae.files.storage import load_arrays, load_provenance


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("grey", help="what `obtain` stored")
    parser.add_argument("output", help="where the binary pictures and labels go (.safetensors)")


def run(options: Namespace) -> None:
    """Binarize the images; pass the labels on."""
    digits = load_arrays(options.grey)
    for name in ("train_images", "test_images"):
        digits[name] = binarize(digits[name], THRESHOLD)
    save_digits(options.output, digits, load_provenance(options.grey))
