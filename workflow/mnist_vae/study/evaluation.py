"""The study's numbers: bounds over whole splits, with their errors (SPEC, part 2 and 'Beyond')."""

from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.study.blocks import in_blocks
from mnist_vae.study.densities import log_likelihood, log_prior, log_q
from mnist_vae.study.networks import LATENT, VAE
from mnist_vae.study.objective import reparameterize


class Estimate(NamedTuple):
    """A mean over images, in nats, and its standard error over images."""

    value: float
    standard_error: float


class Evaluation(NamedTuple):
    """What `evaluate` finds for one set of images."""

    neg_elbo: Estimate
    kl: Estimate
    reconstruction: Estimate
    neg_elbo_draw_spread: float


def mean_over_images(per_image: Tensor) -> Estimate:
    """Mean (images,) -> value and standard error."""
    return Estimate(per_image.mean().item(), per_image.std().item() / len(per_image) ** 0.5)


@torch.inference_mode()
def evaluate(vae: VAE, images: Tensor, draws: int, generator: torch.Generator) -> Evaluation:
    """-ELBO, KL and reconstruction of images (count, 784), each averaged over `draws` draws of z per image.

    neg_elbo_draw_spread is the standard deviation, over draws, of a figure that uses one draw an image, as
    the reference's does. All noise is drawn at once, so that no number depends on the size of the blocks.
    """
    noise = torch.randn(draws, len(images), LATENT, generator=generator).to(images.device)
    mean, log_std = vae.encoder(images)
    z = reparameterize(mean, log_std, noise)
    kl = (log_q(mean, log_std, z) - log_prior(z)).double()
    reconstruction = -in_blocks(lambda x, z: log_likelihood(x, vae.decoder(z)), images, z).double()
    neg_elbo = kl + reconstruction
    return Evaluation(
        mean_over_images(neg_elbo.mean(0)),
        mean_over_images(kl.mean(0)),
        mean_over_images(reconstruction.mean(0)),
        neg_elbo.mean(1).std().item() if draws > 1 else float("nan"),
    )
