"""Lower bounds on the evidence.

The ELBO is SPEC, part 2 (Kingma & Welling 2014, eq. 2 with the estimator of eq. 6); the importance-weighted
bound is SPEC, 'Beyond the reference'.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.study.densities import log_likelihood, log_prior, log_q
from mnist_vae.study.networks import VAE, Decoder


class Bound(NamedTuple):
    """The one-draw terms of the ELBO, (..., batch) each, in nats."""

    log_likelihood: Tensor
    log_prior: Tensor
    log_q: Tensor

    @property
    def elbo(self) -> Tensor:
        """Log p(x, z) - log q(z), per draw and image."""
        return self.log_likelihood - self.kl

    @property
    def kl(self) -> Tensor:
        """The one-draw estimate of KL(q || prior): log q(z) - log p(z)."""
        return self.log_q - self.log_prior


def reparameterize(mean: Tensor, log_std: Tensor, noise: Tensor) -> Tensor:
    """The draw z = mean + std * noise, through which gradients reach mean and log_std."""
    return mean + torch.exp(log_std) * noise


def bound(vae: VAE, x: Tensor, noise: Tensor) -> Bound:
    """Terms of the ELBO of images x (batch, 784) at standard normal noise (..., batch, 2)."""
    return bound_of_q(vae.decoder, x, *vae.encoder(x), noise)


def bound_of_q(decoder: Decoder, x: Tensor, mean: Tensor, log_std: Tensor, noise: Tensor) -> Bound:
    """The same for any q, given by its mean and log_std (batch, 2)."""
    z = reparameterize(mean, log_std, noise)
    return Bound(log_likelihood(x, decoder(z)), log_prior(z), log_q(mean, log_std, z))


def elbo(vae: VAE, x: Tensor, noise: Tensor) -> Tensor:
    """The batch's mean ELBO: images (batch, 784), noise (..., batch, 2) -> scalar."""
    return bound(vae, x, noise).elbo.mean()


def loss(vae: VAE, x: Tensor, noise: Tensor) -> Tensor:
    """Negative ELBO, what training minimizes."""
    return -elbo(vae, x, noise)


def importance_weighted_bound(log_weights: Tensor, k: int) -> Tensor:
    """Bound log p(x) from k draws at a time (Burda, Grosse & Salakhutdinov 2016, eq. 8).

    log_weights (draws, batch) are log p(x, z) - log q(z), as `Bound.elbo` holds them; k divides draws, and
    the bound (batch,) is averaged over the draws / k groups. k = 1 gives the ELBO.
    """
    groups = log_weights.unflatten(0, (-1, k))
    return (torch.logsumexp(groups, dim=1) - math.log(k)).mean(0)
