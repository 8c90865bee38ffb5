"""A decoder's log-joints as affine functions of the image: log p(x, z) = offset(z) + features(x) .
coordinates(z).

A Bernoulli log-likelihood is x . logits - sum softplus(logits). The logits of a smooth decoder of few latent
dimensions nearly lie in a space of fewer dimensions than there are pixels: logits = basis @ coordinates, with
an orthonormal basis (pixels, rank), so products of images and logits are shorter.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.exact.quadrature import lattice_of
from mnist_vae.study.densities import log_likelihood, log_prior
from mnist_vae.study.networks import Decoder
from mnist_vae.study.products import tanh_

BASIS_ERROR = 1e-4  # root mean square norm, over a lattice, of the logits outside their basis
PRECISE_BASIS_ERROR = 1e-5  # in double precision; eigenvalues do not tell of much less
LATTICE_SPACING = {1: 0.01135, 2: 0.488}  # of the points from which a basis is found first
MOST_LATTICE_POINTS = 112_896
BASIS_SLACK = 1.2  # by which a basis may be worse between the points of its lattice
RESIDUALS = 32  # points, those worst served by the basis, that tell the error of an image
ROUNDING = 1.0  # rounding errors of a log-joint, over the machine's epsilon and the size of its terms
POINTS_A_BLOCK = 4096

WHOLE, TOP_HALF, BOTTOM_HALF = range(3)  # the parts of an image whose log-joint is known


class Table(NamedTuple):
    """At some points: coordinates (points, rank), and the offsets (parts, points) of each part's
    log-joint.
    """

    coordinates: Tensor
    offsets: Tensor


class LogJoint(Protocol):
    """Log-joints that are affine in an image's features."""

    def table(self, z: Tensor) -> Table:
        """The table at points z (points, d)."""

    def at(self, x: Tensor, z: Tensor, part: int = WHOLE) -> Tensor:
        """The log-joints of images x, each at its own z (images, d): (images,)."""

    def features(self, x: Tensor, part: int = WHOLE) -> Tensor:
        """The features (images, rank) of images x."""

    def error(self, x: Tensor, part: int = WHOLE) -> Tensor:
        """The estimated error of the log-joints of images x (images,), in nats."""


class LowRankDecoder:
    """The decoder, through fewer numbers than it has pixels: a `LogJoint`."""

    def __init__(
        self,
        decoder: Callable[[Tensor], Tensor],
        z: Tensor,
        between: Tensor,
        basis_error: float = BASIS_ERROR,
    ) -> None:
        """Find the basis of the logits at z (points, d), and how well it serves at the points between.

        decoder takes z (..., d) to logits (..., pixels). A `Decoder` is taken apart, to be decoded in less
        time.
        """
        self.decoder = decoder
        self.network = decoder if isinstance(decoder, Decoder) else None
        gram = sum(logits.T @ logits for logits in self._logits(z))
        energies, directions = torch.linalg.eigh(torch.as_tensor(gram))  # ascending
        left_out = (energies.clamp(min=0).cumsum(0) / len(z)).sqrt()
        self.basis = directions[:, left_out > basis_error].to(z)
        self.half = len(self.basis) // 2
        self.logits_norm = left_out[-1].item()
        if self.network is not None:
            output, basis = self.network.output, self.basis.double()
            self.reduced = [(basis.T @ each.double()).to(z) for each in (output.weight, output.bias)]
        self.residuals, self.left_out = self._measured(between)

    def _logits(self, z: Tensor) -> Iterator[Tensor]:
        """In double precision and in blocks."""
        return (self.decoder(some).double() for some in z.split(POINTS_A_BLOCK))

    def _measured(self, z: Tensor) -> tuple[tuple[Tensor, Tensor], float]:
        """The logits outside the basis (points, pixels) at the worst of points z (points, d), with the
        probabilities there; and the root mean square norm over all of z.
        """
        basis, found, total = self.basis.double(), [], 0.0
        for logits in self._logits(z):
            outside = logits - logits @ basis @ basis.T
            norms = outside.square().sum(-1)
            worst = norms.topk(min(RESIDUALS, len(norms))).indices
            found.append((norms[worst], outside[worst], torch.sigmoid(logits[worst])))
            total += norms.sum().item()
        norms, outside, probability = (torch.cat(part) for part in zip(*found, strict=True))
        worst = norms.topk(min(RESIDUALS, len(norms))).indices
        kept = outside[worst].to(self.basis), probability[worst].to(self.basis)
        return kept, math.sqrt(total / len(z))

    def features(self, x: Tensor, part: int = WHOLE) -> Tensor:
        """Images (images, pixels), or a half of them, in the basis: (images, rank)."""
        pixels = self._pixels(part)
        features: Tensor = x[:, pixels].to(self.basis) @ self.basis[pixels]
        return features

    def error(self, x: Tensor, part: int = WHOLE) -> Tensor:
        """What the basis leaves out of the log-joints of images (images, pixels) where it serves worst, and
        what rounding does to them: (images,), in nats.
        """
        pixels = self._pixels(part)
        outside, probability = (each[:, pixels] for each in self.residuals)
        some = x[:, pixels].to(self.basis)
        left_out = (some @ outside.T - (probability * outside).sum(-1)).abs().amax(-1)
        size = self.logits_norm * torch.linalg.vector_norm(some, dim=-1)
        error: Tensor = left_out + ROUNDING * torch.finfo(some.dtype).eps * size
        return error.double()

    def at(self, x: Tensor, z: Tensor, part: int = WHOLE) -> Tensor:
        """The log-joints of images (images, pixels), each at its own z (images, d), by the decoder itself."""
        pixels = self._pixels(part)
        return log_prior(z) + log_likelihood(x[:, pixels], self.decoder(z)[:, pixels])

    def _pixels(self, part: int) -> slice:
        return (slice(None), slice(self.half), slice(self.half, None))[part]

    def table(self, z: Tensor) -> Table:
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


def low_rank(
    decoder: Callable[[Tensor], Tensor], dimension: int, window: float, dtype: torch.dtype
) -> LowRankDecoder:
    """The decoder by a basis of its logits over [-window, window]^d, which serves between the points of its
    lattice, too.
    """
    basis_error = PRECISE_BASIS_ERROR if dtype == torch.float64 else BASIS_ERROR
    points = math.ceil(2 * window / LATTICE_SPACING[dimension]) + 1
    while True:
        axis = torch.linspace(-window, window, points, dtype=dtype)
        between = (axis[1::2] + axis[:-1:2]) / 2
        found = LowRankDecoder(
            decoder, lattice_of(axis, dimension), lattice_of(between, dimension), basis_error
        )
        points *= 4 // dimension
        if found.left_out <= BASIS_SLACK * basis_error or points**dimension > MOST_LATTICE_POINTS:
            return found
