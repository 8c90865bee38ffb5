"""Lower bounds on the evidence, and the loss that training minimizes. All in nats.

The ELBO is that of docs/model.md, part 2 (Kingma & Welling 2014, eq. 2 with the estimator of eq. 6).
Training, evaluation, SVI and the comparison with Julia all use these functions.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.errors import InputError
from mnist_vae.study.densities import log_likelihood, log_prior, log_q
from mnist_vae.study.networks import VAE


class Bound(NamedTuple):
    """The one-draw terms of the ELBO, (..., batch) each, in nats."""

    log_likelihood: Tensor
    log_prior: Tensor
    log_q: Tensor

    @property
    def kl(self) -> Tensor:
        """The one-draw estimate of KL(q || prior): log q(z) - log p(z)."""
        return self.log_q - self.log_prior

    @property
    def elbo(self) -> Tensor:
        """Log p(x, z) - log q(z), per draw and image."""
        return self.beta_elbo(1.0)

    def beta_elbo(self, beta: float) -> Tensor:
        """The ELBO with its KL weighted by beta (Higgins et al. 2017, eq. 4); beta = 1 is the ELBO itself."""
        return self.log_likelihood - beta * self.kl


def reparameterize(mean: Tensor, log_std: Tensor, noise: Tensor) -> Tensor:
    """The draw z = mean + std * noise, through which gradients reach mean and log_std."""
    return mean + torch.exp(log_std) * noise


def bound(vae: VAE, x: Tensor, noise: Tensor) -> Bound:
    """Terms of the ELBO of images x (batch, 784) at standard normal noise (..., batch, latent)."""
    mean, log_std = vae.encoder(x)
    return bound_of_q(vae.decoder, x, mean, log_std, noise)


def bound_of_q(
    decoder: Callable[[Tensor], Tensor], x: Tensor, mean: Tensor, log_std: Tensor, noise: Tensor
) -> Bound:
    """Terms of the ELBO for a q given by its mean and log_std (batch, latent), and any decoder."""
    z = reparameterize(mean, log_std, noise)
    return bound_at(x, decoder(z), mean, log_std, z)


def bound_at(x: Tensor, logits: Tensor, mean: Tensor, log_std: Tensor, z: Tensor) -> Bound:
    """Terms of the ELBO at draws z of q whose logits are known."""
    return Bound(log_likelihood(x, logits), log_prior(z), log_q(mean, log_std, z))


def loss(terms: Bound, beta: float = 1.0) -> Tensor:
    """What training minimizes: the negative (beta-)ELBO, averaged over the batch and its draws -> scalar."""
    return -terms.beta_elbo(beta).mean()


def importance_weighted_bound(log_weights: Tensor, k: int) -> Tensor:
    """Bound log p(x) from k draws at a time (Burda, Grosse & Salakhutdinov 2016, eq. 8).

    log_weights (draws, batch) are log p(x, z) - log q(z), as `Bound.elbo` holds them. The bound (batch,) is
    averaged over the draws / k groups; k = 1 gives the ELBO. Raises InputError unless k divides the draws.
    """
    if k < 1 or len(log_weights) % k:
        raise InputError(f"importance-weighted bound: k is {k}; it must divide the {len(log_weights)} draws")
    groups = log_weights.unflatten(0, (-1, k))
    return (torch.logsumexp(groups, dim=1) - math.log(k)).mean(0)
