"""Log-densities of the model, in nats (SPEC, parts 1 and 2).

Features lie on the last axis; whatever stands before it broadcasts, so the same functions serve one image,
a batch, or a batch of draws. They keep the precision of what they are given.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

TOP_HALF = 392  # raster order: entries 0..391 are rows 0..13


def normal_log_density(x: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """Elementwise log N(x; mean, exp(log_std)^2)."""
    return -0.5 * ((x - mean) * torch.exp(-log_std)) ** 2 - log_std - 0.5 * math.log(2 * math.pi)


def bernoulli_log_density(x: Tensor, logits: Tensor) -> Tensor:
    """Elementwise log Bernoulli(x; sigmoid(logits)) for x in {0, 1}.

    log sigmoid(±logits) keeps full relative precision at any logit; x * logits - softplus(logits) cancels.
    """
    return F.logsigmoid((2 * x - 1) * logits)


def log_prior(z: Tensor) -> Tensor:
    """Log N(z; 0, I): (..., 2) -> (...)."""
    zero = z.new_zeros(())
    return normal_log_density(z, zero, zero).sum(-1)


def log_q(mean: Tensor, log_std: Tensor, z: Tensor) -> Tensor:
    """Log-density of the factorized Gaussian q at z: (..., 2) each -> (...)."""
    return normal_log_density(z, mean, log_std).sum(-1)


def log_likelihood(x: Tensor, logits: Tensor) -> Tensor:
    """Log p(x | z), summed over pixels: x (..., 784) in {0, 1}, the decoder's logits (..., 784) -> (...)."""
    return bernoulli_log_density(x, logits).sum(-1)


def top_half(x: Tensor) -> Tensor:
    """Rows 0..13 of the picture: (..., 784) -> (..., 392). Serves images and logits alike."""
    return x[..., :TOP_HALF]
