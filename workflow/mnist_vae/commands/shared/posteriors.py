"""Shared by commands that need exact posteriors."""

from argparse import ArgumentParser, Namespace

from torch import Tensor

from mnist_vae.commands.shared.comparison import summed_space
from mnist_vae.config.measured import Inference
from mnist_vae.exact.posterior import ExactPosterior
from mnist_vae.exact.settings import Marginal
from mnist_vae.parameters import add_options
from mnist_vae.study.networks import VAE


def add_posterior_options(parser: ArgumentParser) -> None:
    """Add the options that `posteriors_of` reads."""
    add_options(parser, Marginal)
    add_options(parser, Inference)


def posteriors_of(options: Namespace) -> tuple[VAE, Tensor, list[ExactPosterior]]:
    """A model, the first test images (images, 784), and their posteriors. Raises as `summed_space` does."""
    with summed_space(options) as (vae, x, space):
        return vae, x, [space.exact_posterior(each) for each in x]
