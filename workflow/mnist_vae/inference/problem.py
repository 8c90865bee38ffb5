"""What every method of inference is given, and what it answers."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mnist_vae.study.blocks import in_blocks
from mnist_vae.study.densities import joint_log_density
from mnist_vae.study.networks import VAE


class Problem:
    """Observations whose posteriors p(z | x) are to be inferred, under a standard normal prior of z.

    x (images, features) and the encoder's answers mean and log_std (images, d); exact_draws (draws, images,
    d) of the posteriors, for bidirectional Monte Carlo alone. evaluations counts the points of z per image at
    which the decoder was evaluated; a gradient counts as one more.
    """

    def __init__(
        self,
        x: Tensor,
        encoded: tuple[Tensor, Tensor],
        log_joint: Callable[[Tensor, Tensor], Tensor],
        log_likelihood_in_jax: Callable[[Any], Callable[[Any], Any]],
        exact_draws: Tensor,
        vae: VAE | None = None,
    ) -> None:
        """log_joint takes x (images, features) and z (draws, images, d) to log p(x, z) (draws, images).

        log_likelihood_in_jax takes one x (features,) to log p(x | z) as a function of z (d,), both JAX's.
        """
        self.x, (self.mean, self.log_std) = x, encoded
        self.log_likelihood_in_jax, self.exact_draws, self.vae = log_likelihood_in_jax, exact_draws, vae
        self._log_joint = log_joint
        self.evaluations = 0.0

    @classmethod
    @torch.no_grad()
    def of_vae(cls, vae: VAE, x: Tensor, exact_draws: Tensor) -> "Problem":
        """The problem of images x (images, 784) under a VAE."""

        def in_jax(x: Any) -> Callable[[Any], Any]:
            from mnist_vae.inference.in_jax import log_likelihood_of  # JAX is an extra

            return log_likelihood_of(vae.decoder)(x)

        log_joint = partial(joint_log_density, vae.requires_grad_(False).decoder)
        return cls(x, vae.encoder(x), log_joint, in_jax, exact_draws, vae)

    @torch.no_grad()
    def log_joint(self, z: Tensor) -> Tensor:
        """Log p(x, z) at z (draws, images, d): (draws, images)."""
        self.evaluations += len(z)
        return in_blocks(self._log_joint, self.x, z)

    @torch.no_grad()
    def log_joint_of(self, images: Tensor, z: Tensor) -> Tensor:
        """Log p(x, z) of some images, by their indices (some,), at z (draws, some, d): (draws, some)."""
        self.evaluations += len(z) * len(images) / len(self.x)
        return in_blocks(self._log_joint, self.x[images], z)

    def differentiable_log_joint(self, z: Tensor) -> Tensor:
        """Log p(x, z), from which gradients flow back to z."""
        self.evaluations += 2 * len(z)
        return self._log_joint(self.x, z)

    def slope(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Log p(x, z) at z (draws, images, d), and its gradient there."""
        z = z.detach().requires_grad_()
        value = self.differentiable_log_joint(z)
        (gradient,) = torch.autograd.grad(value.sum(), z)
        return value.detach(), gradient


class Answer(NamedTuple):
    """What a method says of each image.

    setting names how it was run. log_px (images,) estimates or bounds log p(x). draws (draws, images, d)
    stand for the posterior, with log_weights (draws, images) where they are weighted. elbo (images,) is the
    ELBO of the method's distribution, where it has one, so that log p(x) - elbo is its KL to the posterior.
    None: the method does not say.
    """

    setting: str
    log_px: Tensor | None = None
    draws: Tensor | None = None
    log_weights: Tensor | None = None
    elbo: Tensor | None = None


# Answers as they are found; each one's cost is all that was done up to it.
Method = Callable[[Problem, torch.Generator], Iterator[Answer]]
