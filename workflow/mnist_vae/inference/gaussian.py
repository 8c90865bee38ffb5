"""A Gaussian fitted to each image: factorized (the study's refinement), or with a full covariance."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from mnist_vae.exact.refine import refine
from mnist_vae.inference.fitted import fit
from mnist_vae.inference.importance import of_fitted
from mnist_vae.inference.problem import Answer, Problem
from mnist_vae.study.densities import log_q
from mnist_vae.study.objective import reparameterize


def factorized(problem: Problem, generator: torch.Generator) -> Iterator[Answer]:
    """From the encoder's answer, by quadrature (exact/refine.py)."""
    mean, log_std = refine(problem.log_joint_of, problem.mean, problem.log_std)

    def draw(number: int) -> tuple[Tensor, Tensor]:
        z = reparameterize(mean, log_std, torch.randn(number, *mean.shape, generator=generator))
        return z, log_q(mean, log_std, z)

    yield from of_fitted(problem, draw)


def full_covariance(problem: Problem, generator: torch.Generator) -> Iterator[Answer]:
    """From the encoder's answer."""
    mean, log_std = (each.clone() for each in (problem.mean, problem.log_std))
    factor = torch.diag_embed(log_std)  # its diagonal holds logarithms

    def draw(number: int) -> tuple[Tensor, Tensor, Tensor]:
        noise = torch.randn(number, *mean.shape, generator=generator)
        z, log_density = through(mean, factor, noise)
        return z, log_density, torch.full_like(log_density, 1 / number)

    fit(problem, [mean, factor], draw)
    yield from of_fitted(problem, lambda number: draw(number)[:2])


def through(mean: Tensor, factor: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Draws of Gaussians with the given means (..., d) and Cholesky factors (..., d, d), whose diagonals are
    given by their logarithms, from standard normal noise (draws, ..., d); and their log-densities (draws,
    ...).
    """
    log_diagonal = factor.diagonal(dim1=-2, dim2=-1)
    lower = torch.tril(factor, -1) + torch.diag_embed(torch.exp(log_diagonal))
    z = mean + (lower @ noise[..., None])[..., 0]
    constant = noise.shape[-1] / 2 * math.log(2 * math.pi)
    return z, -(noise**2).sum(-1) / 2 - log_diagonal.sum(-1) - constant
