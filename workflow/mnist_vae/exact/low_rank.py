"""A decoder's log-joints as affine functions of the image: log p(x, z) = offset(z) + features(x) .
coordinates(z).

A Bernoulli log-likelihood is x . logits - sum softplus(logits). The logits of a smooth decoder of few latent
dimensions nearly lie in a space of fewer dimensions than there are pixels: logits = basis @ coordinates, with
an orthonormal basis (pixels, rank). The products of images and logits then take fewer terms.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.exact.answers import Part
from mnist_vae.exact.quadrature import lattice_of
from mnist_vae.exact.tuning import TUNING
from mnist_vae.study.densities import log_likelihood, log_prior
from mnist_vae.study.networks import Decoder
from mnist_vae.study.products import tanh_


class Table(NamedTuple):
    """Coordinates (points, rank) at some points, and the offsets (parts, points) there of the log-joints of
    each `Part`.
    """

    coordinates: Tensor
    offsets: Tensor


class LogJoint(Protocol):
    """Log-joints that are affine in an image's features."""

    def table(self, z: Tensor) -> Table:
        """The table at points z (points, d)."""

    def at(self, x: Tensor, z: Tensor, part: Part = Part.WHOLE) -> Tensor:
        """The log-joints of images x, each at its own z (images, d): (images,)."""

    def features(self, x: Tensor, part: Part = Part.WHOLE) -> Tensor:
        """The features (images, rank) of images x."""

    def error(self, x: Tensor, part: Part = Part.WHOLE) -> Tensor:
        """The estimated error of the log-joints of images x (images,), in nats."""


class LowRankDecoder:
    """The `LogJoint` of a decoder whose logits are written in a basis of fewer dimensions than pixels."""

    def __init__(
        self,
        decoder: Callable[[Tensor], Tensor],
        z: Tensor,
        between: Tensor,
        basis_error: float = TUNING.basis_error,
    ) -> None:
        """Find the basis of the logits at z (points, d), and its error at the points between.

        decoder takes z (..., d) to logits (..., pixels). For a `Decoder`, the basis is multiplied into its
        output layer, which saves time.
        """
        self.decoder = decoder
        self.network = decoder if isinstance(decoder, Decoder) else None
        gram = sum(logits.T @ logits for logits in self._logits(z))
        energies, directions = torch.linalg.eigh(torch.as_tensor(gram))  # ascending
        left_out = (energies.clamp(min=0).cumsum(0) / len(z)).sqrt()
        self.basis = directions[:, left_out > basis_error].to(z)
        self.logits_norm = left_out[-1].item()
        if self.network is not None:
            output, basis = self.network.output, self.basis.double()
            self.reduced = [(basis.T @ each.double()).to(z) for each in (output.weight, output.bias)]
        self.residuals, self.left_out = self._measured(between)

    def _logits(self, z: Tensor) -> Iterator[Tensor]:
        """The logits at z, in double precision and in blocks."""
        return (self.decoder(some).double() for some in z.split(TUNING.lattice_points_a_block))

    def _measured(self, z: Tensor) -> tuple[tuple[Tensor, Tensor], float]:
        """Return the parts of the logits outside the basis (points, pixels) and the probabilities where these
        parts are largest among z (points, d), and the root mean square norm of the parts over all of z.
        """
        basis, found, total = self.basis.double(), [], 0.0
        for logits in self._logits(z):
            outside = logits - logits @ basis @ basis.T
            norms = outside.square().sum(-1)
            worst = norms.topk(min(TUNING.residuals, len(norms))).indices
            found.append((norms[worst], outside[worst], torch.sigmoid(logits[worst])))
            total += norms.sum().item()
        norms, outside, probability = (torch.cat(part) for part in zip(*found, strict=True))
        worst = norms.topk(min(TUNING.residuals, len(norms))).indices
        kept = outside[worst].to(self.basis), probability[worst].to(self.basis)
        return kept, math.sqrt(total / len(z))

    def features(self, x: Tensor, part: Part = Part.WHOLE) -> Tensor:
        """Images (images, pixels), or a part of them, in the basis: (images, rank)."""
        pixels = part.pixels(len(self.basis))
        features: Tensor = x[:, pixels].to(self.basis) @ self.basis[pixels]
        return features

    def error(self, x: Tensor, part: Part = Part.WHOLE) -> Tensor:
        """The error of the log-joints of images (images, pixels): the basis's error where it is largest,
        plus rounding: (images,), in nats.
        """
        pixels = part.pixels(len(self.basis))
        outside, probability = (each[:, pixels] for each in self.residuals)
        some = x[:, pixels].to(self.basis)
        left_out = (some @ outside.T - (probability * outside).sum(-1)).abs().amax(-1)
        size = self.logits_norm * torch.linalg.vector_norm(some, dim=-1)
        error: Tensor = left_out + TUNING.rounding * torch.finfo(some.dtype).eps * size
        return error.double()

    def at(self, x: Tensor, z: Tensor, part: Part = Part.WHOLE) -> Tensor:
        """The log-joints of images (images, pixels), each at its own z (images, d), by the decoder itself."""
        pixels = part.pixels(len(self.basis))
        return log_prior(z) + log_likelihood(x[:, pixels], self.decoder(z)[:, pixels])

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
        top, bottom = (
            per_pixel[:, part.pixels(len(self.basis))].sum(-1) for part in (Part.TOP_HALF, Part.BOTTOM_HALF)
        )
        return Table(coordinates, log_prior(z) - torch.stack([top + bottom, top, bottom]))


def low_rank(
    decoder: Callable[[Tensor], Tensor], dimension: int, window: float, dtype: torch.dtype
) -> LowRankDecoder:
    """The decoder by a basis of its logits over [-window, window]^d.

    The lattice that the basis is found from is refined until the basis is good between its points, too.
    """
    basis_error = TUNING.precise_basis_error if dtype == torch.float64 else TUNING.basis_error
    points = math.ceil(2 * window / TUNING.lattice_spacing[dimension - 1]) + 1
    while True:
        axis = torch.linspace(-window, window, points, dtype=dtype)
        between = (axis[1::2] + axis[:-1:2]) / 2
        found = LowRankDecoder(
            decoder, lattice_of(axis, dimension), lattice_of(between, dimension), basis_error
        )
        points *= 4 // dimension
        if (
            found.left_out <= TUNING.basis_slack * basis_error
            or points**dimension > TUNING.most_lattice_points
        ):
            return found
