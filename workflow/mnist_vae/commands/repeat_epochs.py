"""Train an epoch for each line of input, and answer with the number of images: for benchmarks."""

import sys
from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.benchmarks.epochs import reference_epochs
from mnist_vae.data.digits import load_digits
from mnist_vae.parameters import add_option
from mnist_vae.study.recipe import TrainSize


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    add_option(parser, "n", TrainSize)


def run(options: Namespace) -> None:
    """Train until the input ends."""
    images = torch.from_numpy(load_digits(options.digits, "train", options.n)[0])
    for _, _ in zip(sys.stdin, reference_epochs(images), strict=False):
        print(len(images), flush=True)
