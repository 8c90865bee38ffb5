"""Refinement of each image's q, from the encoder's answer, by quadrature."""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from numpy.polynomial.hermite_e import hermegauss
from torch import Tensor

from mnist_vae.exact.marginal import LowRankDecoder
from mnist_vae.study.blocks import in_blocks
from mnist_vae.study.densities import joint_log_density
from mnist_vae.study.networks import Decoder
from mnist_vae.study.objective import reparameterize

NODES, FITTING_NODES = 9, 4  # of quadrature along each dimension: for a figure, for a fit
TOLERANCE = 1e-3  # nats that a step of refinement must gain
SHORTEST_STEP = 1 / 16  # of the way to the fixed point
LONGEST_MOVE = 2.0  # of q's mean, in its standard deviations
WIDEST_GROWTH = 4.0  # of q's variance in one step


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
    entropy = log_std.sum(-1) + log_std.shape[-1] * 0.5 * (1 + math.log(2 * math.pi))
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
