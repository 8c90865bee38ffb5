"""Stochastic variational inference image by image, given the top half (docs/model.md, part 4)."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.study.adam import Adam
from mnist_vae.study.blocks import POINTS_A_BLOCK
from mnist_vae.study.densities import top_half
from mnist_vae.study.networks import Decoder, TopHalfDecoder
from mnist_vae.study.objective import bound_of_q
from mnist_vae.study.preconditions import (
    require_at_least,
    require_binary_images,
    require_cpu_generator,
    require_positive,
)


class Fit(NamedTuple):
    """Each image's q, mean and log_std (images, latent), and the objective in nats (steps, images)."""

    mean: Tensor
    log_std: Tensor
    trace: Tensor


def top_half_elbo(
    decoder: Callable[[Tensor], Tensor], x: Tensor, mean: Tensor, log_std: Tensor, noise: Tensor
) -> Tensor:
    """The ELBO of top_half_joint under q, averaged over draws: that of the model seen through the top half.

    Shapes: images (images, 784); mean, log_std (images, latent); noise (draws, images, latent) -> (images,).
    """
    return bound_of_q(lambda z: top_half(decoder(z)), top_half(x), mean, log_std, noise).elbo.mean(0)


def fit_top_half(
    decoder: Decoder, x: Tensor, *, draws: int, steps: int, learning_rate: float, generator: torch.Generator
) -> Fit:
    """Fit one q to the top half of each image (images, 784), from a standard normal random start.

    All images at once: Adam works elementwise and the summed objective separates, so each image's path is
    the one it would take alone on the same noise. Raises InputError unless images are of 0 and 1, draws,
    steps and learning_rate positive, and the generator a CPU's.
    """
    require_binary_images(x, decoder)
    require_at_least(1, draws=draws, steps=steps)
    require_positive(learning_rate=learning_rate)
    require_cpu_generator(generator)
    latent = decoder.hidden.in_features
    mean, log_std = torch.randn(2, len(x), latent, generator=generator).to(x).unbind(0)
    half = TopHalfDecoder(decoder)
    optimizer = Adam({"mean": mean, "log_std": log_std}, learning_rate)
    trace = []
    for _ in range(steps):
        noise = torch.randn(draws, len(x), latent, generator=generator).to(x)
        blocks = []
        # A few images at a time, whose logits and their gradients stay in a core's cache.
        for some in torch.arange(len(x)).split(max(1, POINTS_A_BLOCK // draws)):
            q = mean[some].requires_grad_(), log_std[some].requires_grad_()
            objective = top_half_elbo(half, x[some], *q, noise[:, some])
            blocks.append((objective.detach(), *torch.autograd.grad(-objective.sum(), q)))
        objective, d_mean, d_log_std = (torch.cat(part) for part in zip(*blocks, strict=True))
        optimizer.step({"mean": d_mean, "log_std": d_log_std})
        trace.append(objective)
    return Fit(mean, log_std, torch.stack(trace))
