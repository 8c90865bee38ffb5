"""The interface of a latent space, in nats. The integrator (`integrator`) implements it in one or two
dimensions, the importance sampler (`sampler`) in any number.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

MODES = 3  # number of modes kept of each image's posterior

# Log-joints as functions of indices of images (images,) and z (points, images, d) to (points, images).
LogJoints = Callable[[Tensor, Tensor], Tensor]


class Part(IntEnum):
    """The part of an image whose log-density is computed."""

    WHOLE = 0
    TOP_HALF = 1
    BOTTOM_HALF = 2

    def pixels(self, number: int) -> slice:
        """The indices of the part's pixels in an image of this many pixels."""
        half = number // 2
        return (slice(None), slice(half), slice(half, None))[self]


class LogMarginals(NamedTuple):
    """Log p of each image or of a part of it (images,), and its estimated error, in nats.

    modes (images, MODES, d) are the highest known points of the heaviest peaks of each posterior, heaviest
    first; if there are fewer, the first is repeated. effective_sample_size (images,) is infinite for a sum.
    flagged (images,) marks the images whose error cannot be trusted; a sum flags none.
    """

    log_density: Tensor
    error: Tensor
    modes: Tensor
    effective_sample_size: Tensor
    flagged: Tensor


class Posterior(NamedTuple):
    """One image's posterior as weighted points: z (points, d), log_weights (points,), whose exponentials sum
    to 1, and log_density (points,), the posterior's. dtype is that of the decoder's inputs.
    """

    z: Tensor
    log_weights: Tensor
    log_density: Tensor
    dtype: torch.dtype

    def mean_of(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """The posterior mean of a function of z (points, d), in the space's dtype, to (points, outputs):
        (outputs,).
        """
        weights = torch.exp(self.log_weights)
        blocks = zip(weights.split(1024), self.z.split(1024), strict=True)
        return torch.stack([some @ function(z.to(self.dtype)).double() for some, z in blocks]).sum(0)


class Elbo(NamedTuple):
    """The ELBO of each image's q (images,), and its estimated error, in nats."""

    value: Tensor
    error: Tensor


class LatentSpace(Protocol):
    """A decoder's latent space, of d dimensions. Images are (images, pixels), of 0 and 1."""

    @property
    def is_summed(self) -> bool:
        """Whether results are sums, with an estimate of their error, or means over draws, with standard
        errors.
        """

    def log_marginals(self, x: Tensor, part: Part = Part.WHOLE) -> LogMarginals:
        """Log p of images, or of a part of them."""

    def posterior(self, x: Tensor, part: Part = Part.WHOLE) -> Posterior:
        """The posterior p(z | x) of one image (pixels,), or given a part of it."""

    def elbo(self, x: Tensor, mean: Tensor, log_std: Tensor, part: Part = Part.WHOLE) -> Elbo:
        """The ELBO of each image's q (images, d), for the whole image or a part of it."""

    def log_joints(self, x: Tensor) -> LogJoints:
        """Log p(x, z) of images."""

    def refine(self, x: Tensor, mean: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
        """Raise each image's ELBO to a maximum, from the given q (images, d): mean and log_std there."""

    def normal_points(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Standard normal noise (points, d) and weights (points,) that sum to 1, for means under a q, in
        like's dtype.
        """
