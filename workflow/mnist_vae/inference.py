"""Variational inference image by image: given the top half (SPEC, part 4), and from the encoder's answer."""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from numpy.polynomial.hermite_e import hermegauss
from torch import Tensor

from mnist_vae.adam import Adam
from mnist_vae.densities import log_q
from mnist_vae.marginal import Grid, LowRankDecoder, mass_level
from mnist_vae.model import LATENT, Decoder, TopHalfDecoder, joint_log_density, top_half_joint
from mnist_vae.objective import reparameterize

WINDOW_MASS = 0.99
WINDOW_STDS = 3.0
NODES, FITTING_NODES = 9, 4  # of quadrature along each dimension: for a figure, for a fit
POINTS_A_BLOCK = 256  # decoded at once: 0.8 MB of logits, which a core's cache can hold
TOLERANCE = 1e-3  # nats that a step of refinement must gain
SHORTEST_STEP = 1 / 16  # of the way to the fixed point
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


def in_blocks(density: Callable[[Tensor, Tensor], Tensor], x: Tensor, z: Tensor) -> Tensor:
    """A log-density of images x (images, 784) and z (points, images, 2) -> (points, images).

    It is had for few points at a time: logits that leave the cache cost more than their decoding.
    """
    images_a_block = max(1, POINTS_A_BLOCK // len(z))
    columns = zip(x.split(images_a_block), z.split(images_a_block, dim=1), strict=True)
    found = [[density(images, part) for part in column.split(POINTS_A_BLOCK)] for images, column in columns]
    return torch.cat([torch.cat(column) for column in found], dim=1)


class _Moments(NamedTuple):
    """At one q per image: the ELBO (images, 1), and the log-joint's expected slope and curvature along each
    dimension, (images, 2), in units of q's standard deviations.
    """

    elbo: Tensor
    slope: Tensor
    curvature: Tensor


def _moments(log_joint: Callable[[Tensor], Tensor], mean: Tensor, log_std: Tensor, nodes: int) -> _Moments:
    """Expectations of the log-joint L under q, by Gauss-Hermite quadrature: nodes^2 points of z an image.

    With u = (z - mean) / std, expected slope and curvature are E_q[u L] and E_q[(u^2 - 1) L] (Stein).
    """
    points, weights = (torch.from_numpy(part).to(mean) for part in hermegauss(nodes))
    u = torch.cartesian_prod(points, points)[:, None]
    weights = torch.cartesian_prod(weights, weights).prod(-1)[:, None] / (2 * math.pi)
    values = log_joint(reparameterize(mean, log_std, u))
    expected = (weights * values).sum(0)
    around = (weights * (values - expected))[..., None]
    entropy = log_std.sum(-1) + LATENT * 0.5 * (1 + math.log(2 * math.pi))
    return _Moments((expected + entropy)[:, None], (around * u).sum(0), (around * (u**2 - 1)).sum(0))


def elbo_by_quadrature(
    log_joint: Callable[[Tensor], Tensor], mean: Tensor, log_std: Tensor, nodes: int = NODES
) -> Tensor:
    """The ELBO of each image's q (images, 2) -> (images,), without draws, whatever the width of q.

    log_joint takes z (points, images, 2) to (points, images).
    """
    return _moments(log_joint, mean, log_std, nodes).elbo[:, 0]


@torch.inference_mode()
def refine(
    decoder: Decoder | LowRankDecoder, x: Tensor, mean: Tensor, log_std: Tensor
) -> tuple[Tensor, Tensor]:
    """Raise each image's ELBO from the given q (images, 2) to a maximum; return mean and log_std there.

    The ELBO is taken by quadrature, so no draw disturbs it. Each pass is a step of natural-gradient ascent
    towards the fixed point at which q's precision is the expected curvature (Opper & Archambeau 2009,
    factorized). A step that raises an image's ELBO by TOLERANCE is taken and the next one is twice as long,
    up to the whole way; one that does not is halved. An image is done when its slopes promise no such gain,
    or its shortest step brings none.
    """
    found = mean.clone(), log_std.clone()
    left, step = torch.arange(len(x)), mean.new_ones(len(x), 1)
    now = _joint_moments(decoder, x, mean, log_std)
    while True:
        going = ((step >= SHORTEST_STEP) & (_promised_gain(now) > TOLERANCE))[:, 0]
        left, x, step, mean, log_std, *now = (part[going] for part in (left, x, step, mean, log_std, *now))
        now = _Moments(*now)
        if not len(left):
            return found
        precision = (1 - step - step * now.curvature).clamp(min=1 / WIDEST_GROWTH)  # against the present one
        move = (step * now.slope / precision).clamp(-LONGEST_MOVE, LONGEST_MOVE)
        tried = mean + move * torch.exp(log_std), log_std - 0.5 * torch.log(precision)
        there = _joint_moments(decoder, x, *tried)
        better = there.elbo > now.elbo + TOLERANCE
        step = torch.where(better, (2 * step).clamp(max=1), step / 2)
        mean, log_std, *now = (
            torch.where(better, new, old)
            for new, old in zip((*tried, *there), (mean, log_std, *now), strict=True)
        )
        now = _Moments(*now)
        found[0][left], found[1][left] = mean, log_std


def _joint_moments(decoder: Decoder | LowRankDecoder, x: Tensor, mean: Tensor, log_std: Tensor) -> _Moments:
    log_joint = partial(in_blocks, partial(joint_log_density, decoder), x)
    return _moments(log_joint, mean, log_std, FITTING_NODES)


def _promised_gain(at: _Moments) -> Tensor:
    """What the whole way to the fixed point would add to the ELBO, were log-joints quadratic (images, 1)."""
    precision = (-at.curvature).clamp(min=1 / WIDEST_GROWTH)
    return (at.slope**2 / (2 * precision) + (precision - 1 - torch.log(precision)) / 2).sum(-1, keepdim=True)
