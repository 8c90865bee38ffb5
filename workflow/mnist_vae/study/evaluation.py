"""The study's numbers: bounds over whole splits, with their errors (docs/model.md, part 2)."""

from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.study import blocks
from mnist_vae.study.networks import VAE
from mnist_vae.study.objective import Bound, bound
from mnist_vae.study.preconditions import require_at_least, require_binary_images, require_cpu_generator

ACTIVE = 0.01  # variance of an encoder mean over images, above which the dimension is active


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
    """Mean of (images,) -> value and standard error, which is nan for a single image."""
    standard_error = per_image.std().item() / len(per_image) ** 0.5 if len(per_image) > 1 else float("nan")
    return Estimate(per_image.mean().item(), standard_error)


@torch.inference_mode()
def evaluate(vae: VAE, images: Tensor, draws: int, generator: torch.Generator) -> Evaluation:
    """-ELBO, KL and reconstruction of images (count, 784), each averaged over `draws` draws of z per image.

    neg_elbo_draw_spread is the standard deviation, over draws, of a figure that uses one draw per image, as
    the reference's does; nan for one draw. All noise is drawn at once, by the CPU's generator, so that no
    number depends on the size of the blocks. Raises InputError unless images are of 0 and 1, draws positive
    and the generator a CPU's.
    """
    require_binary_images(images, vae)
    require_at_least(1, draws=draws)
    require_cpu_generator(generator)
    noise = torch.randn(draws, len(images), vae.latent, generator=generator).to(images)
    terms = _bound_in_blocks(vae, images, noise)
    neg_elbo = -terms.elbo
    return Evaluation(
        mean_over_images(neg_elbo.mean(0)),
        mean_over_images(terms.kl.mean(0)),
        mean_over_images(-terms.log_likelihood.mean(0)),
        neg_elbo.mean(1).std().item() if draws > 1 else float("nan"),
    )


@torch.inference_mode()
def active_units(vae: VAE, images: Tensor) -> int:
    """The number of active latent dimensions: those whose encoder mean varies over images (count, 784).

    Burda, Grosse & Salakhutdinov 2016, section 5.2: A_u = Var_x(E_q[u]) > 0.01.
    """
    require_binary_images(images, vae)
    mean, _ = vae.encoder(images)
    return int((mean.var(0) > ACTIVE).sum())


def _bound_in_blocks(vae: VAE, images: Tensor, noise: Tensor) -> Bound:
    """`objective.bound`, (draws, images) each and in float64, a block of images and draws at a time."""
    found = []
    for some, columns in blocks.split(images, noise):
        parts = [bound(vae, some, part) for part in columns]
        found.append([torch.cat(term) for term in zip(*parts, strict=True)])
    return Bound(*(torch.cat(term, dim=1).double() for term in zip(*found, strict=True)))
