"""Shared by commands that need a model's adaptive sum over the latent space, on the first test images."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.commands.shared.latent_space import naming
from mnist_vae.config.measured import Gaps
from mnist_vae.data.digits import load_digits
from mnist_vae.errors import InputError
from mnist_vae.exact.answers import LogMarginals
from mnist_vae.exact.integrator import Integrator
from mnist_vae.exact.settings import SUMMED_DIMENSIONS, Marginal
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options
from mnist_vae.study.networks import VAE


class Summed(NamedTuple):
    """A model, images (images, 784), and log p of each of them."""

    vae: VAE
    x: Tensor
    marginal: LogMarginals


def add_comparison_arguments(parser: ArgumentParser) -> None:
    """Add the options that `sum_test_images` reads, and the command's output."""
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("comparison", help="where the differences go (.csv)")
    add_options(parser, Gaps)
    add_options(parser, Marginal)


@contextmanager
def summed_space(options: Namespace) -> Iterator[tuple[VAE, Tensor, Integrator]]:
    """A model, the first test images (images, 784), and the model's latent space.

    Raises InputError if the model has too many dimensions, or a latent distribution lies too far out.
    """
    vae = load_weights(options.weights)
    if vae.latent > SUMMED_DIMENSIONS:
        raise InputError(
            f"{options.weights}: the model has {vae.latent} latent dimensions; only in 1 or 2 is there a sum "
            "to compare with"
        )
    x = torch.from_numpy(load_digits(options.digits, "test", options.images)[0])
    with naming(options.weights):
        space = Integrator(vae.decoder, vae.latent, window=options.window, tolerance=options.tolerance)
        yield vae, x, space


def sum_test_images(options: Namespace) -> Summed:
    """Sum log p(x) of the first test images. Raises InputError as `summed_space` does."""
    with summed_space(options) as (vae, x, space):
        return Summed(vae, x, space.log_marginals(x))
