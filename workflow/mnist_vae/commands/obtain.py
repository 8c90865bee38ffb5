"""Obtain one data set's grey pictures."""

from argparse import ArgumentParser, Namespace

from mnist_vae.data.datasets import DATASETS
from mnist_vae.data.digits import save_digits
from mnist_vae.data.obtain import obtain


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("dataset", choices=DATASETS)
    parser.add_argument("output", help="where the pictures and labels go (.safetensors)")
    parser.add_argument("--mnist-dir", help="folder of the four IDX files, gzip-compressed or not")
    parser.add_argument("--mirrors", type=str.split, default=[], help="addresses to download from, in order")


def run(options: Namespace) -> None:
    """Obtain, check, store."""
    dataset = DATASETS[options.dataset]
    digits = obtain(dataset, options.mnist_dir, options.mirrors)
    save_digits(options.output, digits, {"dataset": dataset.name, "classes": dataset.classes})
