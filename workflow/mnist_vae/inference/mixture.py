"""Mixtures of Gaussians with full covariances, fitted to each image by the stratified ELBO (Morningstar et
al. 2021).
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from mnist_vae.inference.fitted import fit
from mnist_vae.inference.gaussian import through
from mnist_vae.inference.importance import of_fitted
from mnist_vae.inference.problem import Answer, Problem

STARTS = 50  # draws of the prior; a part starts from the best of them


def mixture(problem: Problem, generator: torch.Generator, parts: int) -> Iterator[Answer]:
    """The first part starts from the encoder's answer, each other one, with its widths, from the best of some
    draws of the prior.
    """
    images, dimension = problem.mean.shape
    mean, log_std = problem.mean, problem.log_std
    tried = torch.randn(STARTS, parts - 1, images, dimension, generator=generator)
    best = problem.log_joint(tried.flatten(0, 1)).view(tried.shape[:-1]).argmax(0)
    others = tried.gather(0, best[None, ..., None].expand(1, *tried.shape[1:]))[0].transpose(0, 1)
    mean = torch.cat([mean[:, None], others], 1)
    factor = torch.diag_embed(log_std[:, None].expand_as(mean)).contiguous()
    share = torch.zeros(images, parts)  # logits

    def log_density(z: Tensor) -> Tensor:
        lower = torch.tril(factor, -1) + torch.diag_embed(torch.exp(factor.diagonal(dim1=-2, dim2=-1)))
        each = MultivariateNormal(mean, scale_tril=lower, validate_args=False).log_prob(z[..., None, :])
        return torch.logsumexp(torch.log_softmax(share, -1) + each, -1)

    def draw(number: int) -> tuple[Tensor, Tensor, Tensor]:
        """As many draws from each part, weighted by the parts' shares."""
        noise = torch.randn(number // parts, images, parts, dimension, generator=generator)
        z = through(mean, factor, noise)[0].transpose(1, 2).flatten(0, 1)
        weight = (torch.softmax(share, -1).T * parts / number).repeat(number // parts, 1)
        return z, log_density(z), weight

    def draw_by_share(number: int) -> tuple[Tensor, Tensor]:
        part = torch.multinomial(torch.softmax(share, -1), number, replacement=True, generator=generator).T
        rows = torch.arange(images)
        z = through(
            mean[rows, part], factor[rows, part], torch.randn(*part.shape, dimension, generator=generator)
        )[0]
        return z, log_density(z)

    fit(problem, [mean, factor, share], draw)
    yield from of_fitted(problem, draw_by_share)
