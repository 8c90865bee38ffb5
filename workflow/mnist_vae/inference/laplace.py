"""Laplace's approximation: a Gaussian at a mode, with the curvature there, or one at each mode found."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from mnist_vae.inference.importance import DRAWS_OF_A_FIT
from mnist_vae.inference.problem import Answer, Problem

STARTS = 20  # starts of ascents: the encoder's answer, and draws of the prior
STEPS = 30  # steps of Newton's method, damped
DIFFERENCE = 1e-3  # step of z for curvatures by differences
SAME = 0.5  # standard deviations within which two ascents have ended in one mode


def laplace(problem: Problem, generator: torch.Generator) -> Iterator[Answer]:
    """At the best mode, then summed over modes."""
    images, d = problem.mean.shape
    prior = torch.randn(STARTS - 1, images, d, generator=generator)
    z, value, precision = _ascend(problem, torch.cat([problem.mean[None], prior]))
    factor = torch.linalg.cholesky(precision)
    log_mass = value + d / 2 * math.log(2 * math.pi) - factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    again = _seen_before(z, factor)
    log_mass = log_mass.masked_fill(again, -torch.inf)
    best = value.masked_fill(again, -torch.inf).argmax(0, keepdim=True)
    for setting, share in (
        ("best mode", torch.full_like(log_mass, -torch.inf).scatter(0, best, log_mass.gather(0, best))),
        ("all modes", log_mass),
    ):
        part = torch.multinomial(torch.softmax(share, 0).T, DRAWS_OF_A_FIT, True, generator=generator).T
        rows = torch.arange(images)
        noise = torch.randn(*part.shape, d, generator=generator)
        moved = torch.linalg.solve_triangular(factor[part, rows].mT, noise[..., None], upper=True)[..., 0]
        yield Answer(setting, torch.logsumexp(share, 0).double(), z[part, rows] + moved)


def _ascend(problem: Problem, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """From starts z (starts, images, d) to modes, log-joints and precisions there."""
    value, slope = problem.slope(z)
    damping = torch.ones(z.shape[:-1])
    for _ in range(STEPS):
        damped = _precision(problem, z) + damping[..., None, None] * torch.eye(z.shape[-1])
        tried = z + torch.linalg.solve(damped, slope[..., None])[..., 0]
        there, its_slope = problem.slope(tried)
        better = there > value
        z, slope = (torch.where(better[..., None], new, old) for new, old in ((tried, z), (its_slope, slope)))
        value = torch.where(better, there, value)
        damping = torch.where(better, damping / 4, damping * 4).clamp(1e-6, 1e6)
    return z, value, _precision(problem, z)


def _precision(problem: Problem, z: Tensor) -> Tensor:
    """The negative Hessians of log-joints at z (..., d), by differences of slopes, with eigenvalues of 1 and
    more.
    """
    rows = []
    for direction in DIFFERENCE * torch.eye(z.shape[-1]):
        ahead, behind = (problem.slope(z + sign * direction)[1] for sign in (1, -1))
        rows.append((behind - ahead) / (2 * DIFFERENCE))
    precision = torch.stack(rows, -2)
    values, vectors = torch.linalg.eigh((precision + precision.mT) / 2)
    found: Tensor = (vectors * values.clamp(min=1)[..., None, :]) @ vectors.mT
    return found


def _seen_before(z: Tensor, factor: Tensor) -> Tensor:
    """Which ascents (starts, images) have ended where one before them did."""
    seen = torch.zeros(z.shape[:-1], dtype=torch.bool)
    for k in range(1, len(z)):
        apart = ((z[k] - z[:k])[..., None, :] @ factor[:k]).norm(dim=(-2, -1))
        seen[k] = (apart < SAME).any(0)
    return seen
