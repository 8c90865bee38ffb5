"""What commands share that need exact posteriors, image by image."""

from argparse import ArgumentParser, Namespace

import torch
from torch import Tensor

from mnist_vae.commands.shared.latent_space import naming
from mnist_vae.config.measured import Inference
from mnist_vae.data.digits import load_digits
from mnist_vae.errors import InputError
from mnist_vae.exact.marginal import DecoderSpace
from mnist_vae.exact.posterior import ExactPosterior
from mnist_vae.exact.settings import SUMMED_DIMENSIONS, Sums
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options
from mnist_vae.study.networks import VAE


def add_posterior_options(parser: ArgumentParser) -> None:
    """Describe the options that `posteriors_of` reads."""
    add_options(parser, Sums)
    add_options(parser, Inference)


def posteriors_of(options: Namespace) -> tuple[VAE, Tensor, list[ExactPosterior]]:
    """A model, its first test images (images, 784), and their posteriors.

    Raises InputError for a model with too many latent dimensions.
    """
    vae = load_weights(options.weights)
    if vae.latent > SUMMED_DIMENSIONS:
        raise InputError(
            f"{options.weights}: the model has {vae.latent} latent dimensions; posteriors are exact in 1 or 2"
        )
    x = torch.from_numpy(load_digits(options.digits, "test", options.images)[0])
    with naming(options.weights):
        space = DecoderSpace(vae.decoder, vae.latent, window=options.window, tolerance=options.tolerance)
        return vae, x, [space.exact_posterior(each) for each in x]
