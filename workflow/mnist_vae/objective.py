"""The evidence lower bound (SPEC, part 2; Kingma & Welling 2014, eq. 2 with the estimator of eq. 6)."""

from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.densities import log_likelihood, log_prior, log_q
from mnist_vae.model import VAE


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
    mean, log_std = vae.encoder(x)
    z = reparameterize(mean, log_std, noise)
    return Bound(log_likelihood(x, vae.decoder(z)), log_prior(z), log_q(mean, log_std, z))


def elbo(vae: VAE, x: Tensor, noise: Tensor) -> Tensor:
    """The batch's mean ELBO: images (batch, 784), noise (..., batch, 2) -> scalar."""
    return bound(vae, x, noise).elbo.mean()


def loss(vae: VAE, x: Tensor, noise: Tensor) -> Tensor:
    """Negative ELBO, what training minimizes."""
    return -elbo(vae, x, noise)
