"""Importance sampling from any distribution that can be drawn from (Burda, Grosse & Salakhutdinov 2016, eq.
8).
"""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from mnist_vae.inference.problem import Answer, Problem
from mnist_vae.study.densities import log_q
from mnist_vae.study.objective import reparameterize

DRAWS = (1, 10, 50, 100, 1_000, 5_000, 10_000)
DRAWS_OF_A_FIT = 1_000

# From a number of draws to z (draws, images, d) and log q(z) (draws, images).
Sampler = Callable[[int], tuple[Tensor, Tensor]]


def encoder(problem: Problem, generator: torch.Generator) -> Iterator[Answer]:
    """Bounds by k draws from the encoder's q; with one draw, the ELBO."""
    mean, log_std = problem.mean, problem.log_std

    def draw(number: int) -> tuple[Tensor, Tensor]:
        z = reparameterize(mean, log_std, torch.randn(number, *mean.shape, generator=generator))
        return z, log_q(mean, log_std, z)

    found = []
    for k, before in zip(DRAWS, (0, *DRAWS), strict=False):
        found.append(weigh(problem, draw, k - before))
        z, log_weights = (torch.cat(part) for part in zip(*found, strict=True))
        yield weighted(f"k = {k:,}", z, log_weights)


def weigh(problem: Problem, draw: Sampler, number: int) -> tuple[Tensor, Tensor]:
    """Draws z (number, images, d), and log p(x, z) - log q(z) there (number, images)."""
    z, log_density = draw(number)
    return z, (problem.log_joint(z) - log_density).double()


def weighted(setting: str, z: Tensor, log_weights: Tensor) -> Answer:
    """The bound and the posterior that weighted draws stand for."""
    return Answer(setting, torch.logsumexp(log_weights, 0) - math.log(len(z)), z, log_weights)


def of_fitted(problem: Problem, draw: Sampler) -> Iterator[Answer]:
    """A fitted q, first as it is, then as the proposal for weighted draws."""
    z, log_weights = weigh(problem, draw, DRAWS_OF_A_FIT)
    elbo = log_weights.mean(0)
    yield Answer("ELBO", elbo, z, elbo=elbo)
    yield weighted(f"{DRAWS_OF_A_FIT:,} weighted draws", z, log_weights)
