"""Log-densities of the model, in nats (docs/model.md, parts 1, 2 and 4).

Features lie on the last axis; whatever stands before it broadcasts, so the same functions serve one image,
a batch, or a batch of draws. They keep the precision of what they are given. A decoder is any function from
latents (..., latent) to Bernoulli logits (..., pixels).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.study.images import TOP_PIXELS


def normal_log_density(x: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """Elementwise log N(x; mean, exp(log_std)^2)."""
    return -0.5 * ((x - mean) * torch.exp(-log_std)) ** 2 - log_std - 0.5 * math.log(2 * math.pi)


def bernoulli_log_density(x: Tensor, logits: Tensor) -> Tensor:
    """Elementwise log Bernoulli(x; sigmoid(logits)) for x in {0, 1}.

    log sigmoid(±logits) keeps full relative precision at any logit; x * logits - softplus(logits) cancels.
    """
    return F.logsigmoid((2 * x - 1) * logits)


def log_prior(z: Tensor) -> Tensor:
    """Log N(z; 0, I): (..., latent) -> (...)."""
    zero = z.new_zeros(())
    return normal_log_density(z, zero, zero).sum(-1)


def log_q(mean: Tensor, log_std: Tensor, z: Tensor) -> Tensor:
    """Log-density of the factorized Gaussian q at z: (..., latent) each -> (...)."""
    return normal_log_density(z, mean, log_std).sum(-1)


def log_likelihood(x: Tensor, logits: Tensor) -> Tensor:
    """Log p(x | z), summed over pixels: x (..., pixels) in {0, 1}, logits (..., pixels) -> (...)."""
    return bernoulli_log_density(x, logits).sum(-1)


def joint_log_density(decoder: Callable[[Tensor], Tensor], x: Tensor, z: Tensor) -> Tensor:
    """Log p(x, z): images (..., 784), latents (..., latent) -> (...)."""
    return log_prior(z) + log_likelihood(x, decoder(z))


def top_half(x: Tensor) -> Tensor:
    """Rows 0..13 of the picture: (..., 784) -> (..., 392). Serves images and logits alike."""
    return x[..., :TOP_PIXELS]


def top_half_log_likelihood(decoder: Callable[[Tensor], Tensor], x: Tensor, z: Tensor) -> Tensor:
    """Log p(top half of x | z): images (..., 784), latents (..., latent) -> (...).

    The bottom half is not read, and the decoder may leave it out.
    """
    return log_likelihood(top_half(x), top_half(decoder(z)))


def top_half_joint(decoder: Callable[[Tensor], Tensor], x: Tensor, z: Tensor) -> Tensor:
    """Log p(top half of x, z): images (..., 784), latents (..., latent) -> (...)."""
    return log_prior(z) + top_half_log_likelihood(decoder, x, z)
