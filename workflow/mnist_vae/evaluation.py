"""The study's numbers: bounds over whole splits, with their errors (SPEC, part 2 and 'Beyond')."""

from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.model import LATENT, VAE
from mnist_vae.objective import bound

CHUNK = 10_000  # decoded images at a time: 31 MB of logits


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
    the reference's does. All noise is drawn at once, so that no number depends on the size of the chunks.
    """
    noise = torch.randn(draws, len(images), LATENT, generator=generator)
    images_a_chunk = max(1, CHUNK // draws)
    chunks = zip(images.split(images_a_chunk), noise.split(images_a_chunk, dim=1), strict=True)
    kl, log_likelihood = [], []
    for chunk, chunk_noise in chunks:
        terms = bound(vae, chunk, chunk_noise)
        kl.append(terms.kl.double())
        log_likelihood.append(terms.log_likelihood.double())
    kl, reconstruction = torch.cat(kl, dim=1), -torch.cat(log_likelihood, dim=1)
    neg_elbo = kl + reconstruction
    return Evaluation(
        mean_over_images(neg_elbo.mean(0)),
        mean_over_images(kl.mean(0)),
        mean_over_images(reconstruction.mean(0)),
        neg_elbo.mean(1).std().item() if draws > 1 else float("nan"),
    )
