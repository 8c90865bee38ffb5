"""A decoder's log-joints as affine functions of the image: log p(x, z) = offset(z) + features(x) .
coordinates(z).

A Bernoulli log-likelihood is x . logits - sum softplus(logits). The logits of a smooth decoder of few latent
dimensions span some hundred of their dimensions: logits = basis @ coordinates, with basis (pixels, rank)
orthonormal, so images' products with logits are as short.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.study.densities import log_prior
from mnist_vae.study.networks import Decoder
from mnist_vae.study.products import tanh_

BASIS_ERROR = 1e-4  # root mean square norm, over the points given, of the logits outside their basis

WHOLE, TOP_HALF, BOTTOM_HALF = range(3)  # the parts of an image whose log-joint is known


class Table(NamedTuple):
    """At some points: coordinates (points, rank), and the offsets (parts, points) of each part's
    log-joint.
    """

    coordinates: Tensor
    offsets: Tensor


class LogJoint(Protocol):
    """From points z (points, d) to the table of the log-joints there."""

    def __call__(self, z: Tensor) -> Table:
        """Tell the table."""


class LowRankDecoder:
    """The decoder, through fewer numbers than it has pixels."""

    def __init__(self, decoder: Callable[[Tensor], Tensor], z: Tensor) -> None:
        """Find the basis of the logits at z (points, d). `left_out` tells how well it serves elsewhere.

        decoder takes z (..., d) to logits (..., pixels). A `Decoder` is taken apart, to be decoded in less
        time.
        """
        logits = decoder(z).double()
        energies, directions = torch.linalg.eigh(logits.T @ logits)  # ascending
        left_out = (energies.clamp(min=0).cumsum(0) / len(z)).sqrt()
        self.decoder = decoder
        self.basis = directions[:, left_out > BASIS_ERROR].to(z)
        self.half = len(self.basis) // 2
        self.network = decoder if isinstance(decoder, Decoder) else None
        if self.network is not None:
            output = self.network.output
            basis = self.basis.double()
            self.reduced = [(basis.T @ each.double()).to(z) for each in (output.weight, output.bias)]
            pixels, rank = self.basis.shape
            self.short = rank * (output.in_features + pixels) < output.in_features * pixels

    def __call__(self, z: Tensor) -> Tensor:
        """Return the logits (..., pixels) at z (..., d), by the basis where that is shorter."""
        if self.network is None:
            return self.decoder(z)
        hidden = tanh_(self.network.hidden(z))
        if self.short:
            return F.linear(F.linear(hidden, *self.reduced), self.basis)
        return F.linear(hidden, self.network.output.weight, self.network.output.bias)

    def left_out(self, z: Tensor) -> float:
        """The root mean square norm of the logits outside their basis, over points z (points, d)."""
        logits, basis = self.decoder(z).double(), self.basis.double()
        return math.sqrt((logits - logits @ basis @ basis.T).square().sum(-1).mean().item())

    def features(self, x: Tensor, part: int = WHOLE) -> Tensor:
        """Images (images, pixels), or a half of them, in the basis: (images, rank)."""
        pixels = (slice(None), slice(self.half), slice(self.half, None))[part]
        features: Tensor = x[:, pixels] @ self.basis[pixels]
        return features

    def log_joint(self, z: Tensor) -> Table:
        """The table of log p(x, z), log p(top half of x, z) and log p(bottom half of x, z) at z (points,
        d).
        """
        if self.network is None:
            logits = self.decoder(z)
            coordinates = logits @ self.basis
        else:
            hidden = tanh_(self.network.hidden(z))
            coordinates = F.linear(hidden, *self.reduced)
            logits = F.linear(coordinates, self.basis)
        per_pixel = F.softplus(logits)
        top, bottom = per_pixel[:, : self.half].sum(-1), per_pixel[:, self.half :].sum(-1)
        return Table(coordinates, log_prior(z) - torch.stack([top + bottom, top, bottom]))
