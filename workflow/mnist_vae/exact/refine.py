"""Refinement of each image's q, by quadrature."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.exact.answers import LogJoints
from mnist_vae.exact.quadrature import Moments, moments
from mnist_vae.study.blocks import in_blocks
from mnist_vae.study.densities import joint_log_density

FIT_NODES = 4  # nodes of Gauss-Hermite quadrature along each dimension
GAIN = 1e-3  # nats that a step of refinement must gain
SHORTEST_STEP = 1 / 16  # share of the way to the fixed point
LONGEST_MOVE = 2.0  # limit on the move of q's mean, in its standard deviations
WIDEST_GROWTH = 4.0  # limit on the growth of q's variance in one step
DIFFERENCE = 0.01  # step of z for slopes and curvatures by differences


def log_joints(decoder: Callable[[Tensor], Tensor], x: Tensor) -> LogJoints:
    """Log p(x, z) of the given images (images, pixels) under a decoder of z (..., d) to logits."""
    density = partial(joint_log_density, decoder)
    return lambda images, z: in_blocks(density, x[images], z)


@torch.inference_mode()
def refine(log_joint: LogJoints, mean: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
    """Raise each image's ELBO from the given q (images, d) to a maximum; return mean and log_std there.

    The ELBO is computed by quadrature, without noise. Each pass is a step of natural-gradient ascent towards
    the fixed point at which q's precision is the expected curvature (Opper & Archambeau 2009, factorized). A
    step that raises an image's ELBO by GAIN is taken and doubles the next one, up to the whole way; a step
    that does not is halved. An image is done when its slopes promise less than GAIN, or when its shortest
    step does not bring as much.
    """

    def moments_at(left: Tensor, mean: Tensor, log_std: Tensor) -> Moments:
        return moments(partial(log_joint, left), mean, log_std, FIT_NODES)

    return ascend(moments_at, mean, log_std)


def ascend(
    moments_at: Callable[[Tensor, Tensor, Tensor], Moments], mean: Tensor, log_std: Tensor
) -> tuple[Tensor, Tensor]:
    """Raise ELBOs as `refine` does. moments_at takes indices of images and their q (images, d) to Moments."""
    found = mean.clone(), log_std.clone()
    left, step = torch.arange(len(mean)), mean.new_ones(len(mean), 1)
    now = moments_at(left, mean, log_std)
    while True:
        going = ((step >= SHORTEST_STEP) & (_promised_gain(now) > GAIN))[:, 0]
        left, step, mean, log_std, *rest = (part[going] for part in (left, step, mean, log_std, *now))
        now = Moments(*rest)
        if not len(left):
            return found
        precision = (1 - step - step * now.curvature).clamp(min=1 / WIDEST_GROWTH)  # against the present one
        move = (step * now.slope / precision).clamp(-LONGEST_MOVE, LONGEST_MOVE)
        tried = mean + move * torch.exp(log_std), log_std - 0.5 * torch.log(precision)
        there = moments_at(left, *tried)
        better = there.elbo > now.elbo + GAIN
        step = torch.where(better, (2 * step).clamp(max=1), step / 2)
        mean, log_std, *rest = (
            torch.where(better, new, old)
            for new, old in zip((*tried, *there), (mean, log_std, *now), strict=True)
        )
        now = Moments(*rest)
        found[0][left], found[1][left] = mean, log_std


class Laplace(NamedTuple):
    """The log-joints at points, height (images,); and of the parabolas through them the peaks (images, d) and
    the log_std (images, d) of the best q.
    """

    height: Tensor
    peak: Tensor
    log_std: Tensor


def laplace(log_joint: LogJoints, z: Tensor) -> Laplace:
    """Laplace's method along each axis at points z (images, d).

    The factorized Gaussian nearest to a Gaussian has the diagonal of its precision. The precision of a
    posterior is taken to be at least 1, the standard normal prior's.
    """
    steps = DIFFERENCE * torch.eye(z.shape[-1]).to(z)[:, None]
    around = torch.cat([z[None], z + steps, z - steps])
    values = log_joint(torch.arange(len(z)), around)
    ahead, behind = values[1:].chunk(2)
    precision = ((2 * values[0] - ahead - behind).T / DIFFERENCE**2).clamp(min=1)
    slope = (ahead - behind).T / (2 * DIFFERENCE)
    return Laplace(values[0], z + slope / precision, -0.5 * torch.log(precision))


def _promised_gain(at: Moments) -> Tensor:
    """The gain in ELBO at the fixed point if log-joints were quadratic (images, 1)."""
    precision = (-at.curvature).clamp(min=1 / WIDEST_GROWTH)
    return (at.slope**2 / (2 * precision) + (precision - 1 - torch.log(precision)) / 2).sum(-1, keepdim=True)
