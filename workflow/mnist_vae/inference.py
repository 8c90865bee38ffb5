"""Variational inference image by image: given the top half (SPEC, part 4), and from the encoder's answer."""

from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.densities import log_q
from mnist_vae.marginal import Grid, mass_level, q_on_axis
from mnist_vae.model import LATENT, Decoder, top_half_joint
from mnist_vae.objective import reparameterize

WINDOW_MASS = 0.99
WINDOW_STDS = 3.0
TOLERANCE = 1e-4  # nats that a step of refinement must gain
SHORTEST_STEP = 1 / 64  # of the way to the fixed point
LONGEST_MOVE = 2.0  # of q's mean, in its standard deviations
WIDEST_GROWTH = 4.0  # of q's variance in one step


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


def posterior_window(log_joint: Tensor, grid: Grid, mean: Tensor, log_std: Tensor) -> Tensor:
    """Find where posterior and q lie: per image (low, high) of each latent dimension, (images, 2, 2).

    It spans the smallest region with WINDOW_MASS of the posterior, given as log-joints (images, size^2) on
    the grid, and WINDOW_STDS standard deviations of q. A fixed window can miss either: codes reach |z| = 5.5.
    """
    near = log_joint >= mass_level(log_joint, WINDOW_MASS)[:, None]
    margin = grid.axis[1] - grid.axis[0]
    reach = WINDOW_STDS * torch.exp(log_std)
    low = torch.stack([grid.z[inside].amin(0) for inside in near]) - margin
    high = torch.stack([grid.z[inside].amax(0) for inside in near]) + margin
    return torch.stack([torch.minimum(low, mean - reach), torch.maximum(high, mean + reach)], dim=-1)


class _Moments(NamedTuple):
    """At one q per image: the ELBO (images, 1), and the log-joint's expected slope and curvature along each
    dimension, (images, 2), in units of q's standard deviations.
    """

    elbo: Tensor
    slope: Tensor
    curvature: Tensor


def _moments(table: Tensor, axis: Tensor, mean: Tensor, log_std: Tensor) -> _Moments:
    """The moments of log-joints L (images, size, size).

    With u = (z - mean) / std, expected slope and curvature are E_q[u L] and E_q[(u^2 - 1) L] (Stein).
    """
    q = torch.exp(q_on_axis(axis, mean, log_std))
    u = (axis - mean[..., None]) * torch.exp(-log_std[..., None])
    first, second = torch.stack([q, q * u, q * (u**2 - 1)], dim=-2).unbind(1)
    expectations = first @ table @ second.mT
    return _Moments(
        expectations[:, 0, 0, None] + log_std.sum(-1, keepdim=True),  # and a constant
        torch.stack([expectations[:, 1, 0], expectations[:, 0, 1]], dim=-1),
        torch.stack([expectations[:, 2, 0], expectations[:, 0, 2]], dim=-1),
    )


@torch.inference_mode()
def refine(log_joint: Tensor, axis: Tensor, mean: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
    """Raise each image's ELBO from the encoder's q (images, 2) to a maximum; return mean and log_std there.

    log_joint (images, size^2) tabulates log p(x, cell) on a grid: the ELBO is a sum over it, without draws.
    Each pass is a step of natural-gradient ascent towards the fixed point at which q's precision is the
    expected curvature (Opper & Archambeau 2009, factorized). A step that raises an image's ELBO by
    TOLERANCE is taken and the next one is twice as long, up to the whole way; one that does not is halved.
    It ends when no image gains by its shortest step.
    """
    table = (log_joint - log_joint.amax(-1, keepdim=True)).unflatten(-1, (len(axis), len(axis)))
    now = _moments(table, axis, mean, log_std)
    step = mean.new_ones(len(mean), 1)
    while (step >= SHORTEST_STEP).any():
        precision = (1 - step - step * now.curvature).clamp(min=1 / WIDEST_GROWTH)  # against the present one
        move = (step * now.slope / precision).clamp(-LONGEST_MOVE, LONGEST_MOVE)
        tried = mean + move * torch.exp(log_std), log_std - 0.5 * torch.log(precision)
        there = _moments(table, axis, *tried)
        better = there.elbo > now.elbo + TOLERANCE
        mean, log_std = (
            torch.where(better, new, old) for new, old in zip(tried, (mean, log_std), strict=True)
        )
        now = _Moments(*(torch.where(better, new, old) for new, old in zip(there, now, strict=True)))
        step = torch.where(better, (2 * step).clamp(max=1), step / 2)
    return mean, log_std
