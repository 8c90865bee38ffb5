"""Obtain one data set's grey pictures."""

from argparse import ArgumentParser, Namespace

from mnist_vae.data.digits import obtain_mnist, obtain_mnist5k, save_digits


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("dataset", choices=["mnist", "mnist5k"])
    parser.add_argument("output", help="where the pictures and labels go (.safetensors)")
    parser.add_argument("--mnist-dir", help="folder of the four IDX files, gzip-compressed or not")
    parser.add_argument("--mirrors", type=str.split, default=[], help="addresses to download from, in order")


def run(options: Namespace) -> None:
    """Obtain, check, store."""
    if options.dataset == "mnist":
        digits = obtain_mnist(options.mnist_dir, options.mirrors)
    else:
        digits = obtain_mnist5k()
    save_digits(options.output, digits, options.dataset)
