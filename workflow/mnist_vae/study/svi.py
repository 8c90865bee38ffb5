"""Stochastic variational inference image by image, given the top half (SPEC, part 4)."""

from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.study.adam import Adam
from mnist_vae.study.blocks import POINTS_A_BLOCK
from mnist_vae.study.densities import log_q
from mnist_vae.study.networks import LATENT, Decoder, TopHalfDecoder, top_half_joint
from mnist_vae.study.objective import reparameterize


class Fit(NamedTuple):
    """Each image's q, mean and log_std (images, 2), and the objective in nats (steps, images)."""

    mean: Tensor
    log_std: Tensor
    trace: Tensor


def top_half_elbo(decoder: Decoder, x: Tensor, mean: Tensor, log_std: Tensor, noise: Tensor) -> Tensor:
    """The ELBO of top_half_joint under q, averaged over draws.

    Shapes: images (images, 784); mean, log_std (images, 2); noise (draws, images, 2) -> (images,).
    """
    z = reparameterize(mean, log_std, noise)
    return (top_half_joint(decoder, x, z) - log_q(mean, log_std, z)).mean(0)


def fit_top_half(
    decoder: Decoder, x: Tensor, *, draws: int, steps: int, learning_rate: float, generator: torch.Generator
) -> Fit:
    """Fit one q to the top half of each image (images, 784), from a standard normal random start.

    All images at once: Adam works elementwise and the summed objective separates, so each image's path is
    the one it would take alone on the same noise.
    """
    mean, log_std = torch.randn(2, len(x), LATENT, generator=generator).unbind(0)
    decoder = TopHalfDecoder(decoder)
    optimizer = Adam({"mean": mean, "log_std": log_std}, learning_rate)
    trace = []
    for _ in range(steps):
        noise = torch.randn(draws, len(x), LATENT, generator=generator)
        blocks = []
        # A few images at a time, whose logits and their gradients stay in a core's cache.
        for some in torch.arange(len(x)).split(max(1, POINTS_A_BLOCK // draws)):
            q = mean[some].requires_grad_(), log_std[some].requires_grad_()
            objective = top_half_elbo(decoder, x[some], *q, noise[:, some])
            blocks.append((objective.detach(), *torch.autograd.grad(-objective.sum(), q)))
        objective, d_mean, d_log_std = (torch.cat(part) for part in zip(*blocks, strict=True))
        optimizer.step({"mean": d_mean, "log_std": d_log_std})
        trace.append(objective)
    return Fit(mean, log_std, torch.stack(trace))
