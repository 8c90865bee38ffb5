"""Stochastic variational inference for the bottom of an image, given its top (SPEC, part 4)."""

from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.densities import log_q
from mnist_vae.model import LATENT, Decoder, top_half_joint
from mnist_vae.objective import reparameterize

SEARCH_RANGE, SEARCH_SIZE = 8.0, 161
WINDOW_DEPTH = 7.0  # nats: e^-7 is a thousandth of the peak
WINDOW_STDS = 3.0


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
    mean.requires_grad_(), log_std.requires_grad_()
    optimizer = torch.optim.Adam([mean, log_std], lr=learning_rate)
    trace = []
    for _ in range(steps):
        noise = torch.randn(draws, len(x), LATENT, generator=generator)
        objective = top_half_elbo(decoder, x, mean, log_std, noise)
        optimizer.zero_grad()
        (-objective.sum()).backward(inputs=[mean, log_std])
        optimizer.step()
        trace.append(objective.detach())
    return Fit(mean.detach(), log_std.detach(), torch.stack(trace))


@torch.inference_mode()
def posterior_window(decoder: Decoder, x: Tensor, fit: Fit) -> Tensor:
    """Find where p(z | top half) and q lie: per image (low, high) of each latent dimension, (images, 2, 2).

    It spans what stands within exp(-WINDOW_DEPTH) of the joint's peak on a grid, and WINDOW_STDS standard
    deviations of q. A fixed window can miss the posterior: codes reach |z| = 5.5.
    """
    axis = torch.linspace(-SEARCH_RANGE, SEARCH_RANGE, SEARCH_SIZE)
    z = torch.cartesian_prod(axis, axis)
    log_joint = torch.stack([top_half_joint(decoder, image, z) for image in x])
    near_peak = log_joint > log_joint.amax(1, keepdim=True) - WINDOW_DEPTH
    margin = axis[1] - axis[0]
    reach = WINDOW_STDS * torch.exp(fit.log_std)
    windows = [
        torch.stack(
            [
                torch.minimum(z[near].amin(0) - margin, mean - r),
                torch.maximum(z[near].amax(0) + margin, mean + r),
            ]
        )
        for near, mean, r in zip(near_peak, fit.mean, reach, strict=True)
    ]
    return torch.stack(windows).transpose(1, 2)
