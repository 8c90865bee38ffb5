"""Integrals over the two-dimensional latent plane, as sums over a grid (SPEC, 'Beyond the reference').

What is usually only bounded is computed here: log p(x), the posterior p(z | x), the same given the top half
alone, and the KL divergence of any q to them. All in nats.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.densities import TOP_HALF, log_prior, normal_log_density, top_half
from mnist_vae.errors import InputError
from mnist_vae.model import Decoder

IMAGES_A_CHUNK = 64  # whose tables are held at once: 28 MB on a grid of 331 x 331
POINTS_A_CHUNK = 4096  # decoded at once: 13 MB of logits
BLOCK = 512  # images and points whose table is summed at once: 1 MB, which a processor's cache can hold
BASIS_POINTS = 4096  # of the grid, from which the logits' basis is found
BASIS_ERROR = 1e-4  # root mean square norm, over these points, of the logits outside their basis
NEGLIGIBLE = -80.0  # below a table's peak; where exp underflows it takes ten times as long
EDGE_MASS = 1e-3  # of a distribution, at most, on the outermost points of the grid
WIDEN = "In the config, raise marginal.window, and marginal.size with it."
WIDEN_FINE = "In the config, raise marginal.fine_window, and marginal.fine_size with it."


class Grid(NamedTuple):
    """A square grid: axis (size,), its points z (size^2, 2), and log_mass (size^2,) of the prior's cells.

    edge holds the indices of the outermost points.
    """

    axis: Tensor
    z: Tensor
    log_mass: Tensor
    edge: Tensor


class DecodedGrid(NamedTuple):
    """What the decoder says at every point of a grid, computed once for all images.

    The logits of a smooth decoder over a plane span some hundred of their 784 dimensions: logits = (basis @
    coordinates).T, with basis (784, rank) orthonormal and coordinates (rank, points). The offsets (points,)
    are what a log-joint has without its image: log_mass - sum softplus(logits).
    """

    grid: Grid
    basis: Tensor
    coordinates: Tensor
    offset: Tensor
    top_half_offset: Tensor


class Marginal(NamedTuple):
    """Each image's log-density (images,), and the share of its posterior that lies on the grid's edge."""

    log_density: Tensor
    edge_mass: Tensor


def latent_grid(window: float, size: int, dtype: torch.dtype = torch.float32) -> Grid:
    """The grid of size x size points over [-window, window]^2; the second dimension runs fastest."""
    axis = torch.linspace(-window, window, size, dtype=dtype)
    z = torch.cartesian_prod(axis, axis)
    edge = (z.abs() == axis[-1]).any(-1).nonzero()[:, 0]
    return Grid(axis, z, log_prior(z) + 2 * torch.log(axis[1] - axis[0]), edge)


# --- log p(x) -------------------------------------------------------------------------------------------


def log_likelihood_table(x: Tensor, logits: Tensor) -> Tensor:
    """Log p(x | z) of every image (images, pixels) at every point (points, pixels) -> (images, points)."""
    return torch.addmm(-F.softplus(logits).sum(-1), x, logits.T)


def log_marginal(log_likelihood: Callable[[Tensor], Tensor], grid: Grid) -> Tensor:
    """Log of the integral of likelihood times prior, for any function of z (points, 2) to (images, points).

    The plain sum, in chunks over a grid of any size; `log_marginals` is its fast equal for the model.
    """
    total = torch.tensor(-torch.inf, dtype=torch.float64)
    for z, log_mass in zip(grid.z.split(POINTS_A_CHUNK), grid.log_mass.split(POINTS_A_CHUNK), strict=True):
        total = torch.logaddexp(total, torch.logsumexp(log_likelihood(z) + log_mass, dim=-1).double())
    return total


def decode_grid(decoder: Decoder, grid: Grid) -> DecodedGrid:
    """Decode every point, and find the basis of the logits, which makes the images' products short."""
    sample = decoder(grid.z[:: max(1, len(grid.z) // BASIS_POINTS)]).double()
    energies, directions = torch.linalg.eigh(sample.T @ sample)  # ascending
    left_out = (energies.clamp(min=0).cumsum(0) / len(sample)).sqrt()
    basis = directions[:, left_out > BASIS_ERROR].to(grid.z.dtype)

    coordinates, softplus, top_half_softplus = [], [], []
    for z in grid.z.split(POINTS_A_CHUNK):
        logits = decoder(z)
        coordinates.append(logits @ basis)
        per_pixel = F.softplus(logits)
        softplus.append(per_pixel.sum(-1))
        top_half_softplus.append(top_half(per_pixel).sum(-1))
    return DecodedGrid(
        grid,
        basis,
        torch.cat(coordinates).T.contiguous(),
        grid.log_mass - torch.cat(softplus),
        grid.log_mass - torch.cat(top_half_softplus),
    )


def log_joint(decoded: DecodedGrid, x: Tensor) -> Tensor:
    """Table of log p(x, cell): images (images, 784) -> (images, points)."""
    return torch.addmm(decoded.offset, x @ decoded.basis, decoded.coordinates)


def integrate(table: Tensor, grid: Grid) -> Marginal:
    """Sum log-joints (images, size^2) over the grid."""
    log_density = _log_sum_exp(table).double()
    return Marginal(log_density, torch.exp(_log_sum_exp(table[:, grid.edge]) - log_density))


def log_marginals(decoded: DecodedGrid, x: Tensor) -> Marginal:
    """Log p of images (images, 784): `integrate` of their table, several times as fast."""
    return _integrate_product(decoded, x @ decoded.basis, decoded.offset)


def top_half_log_marginals(decoded: DecodedGrid, x: Tensor) -> Marginal:
    """Log p of the top halves of images (images, 784).

    Log p(bottom half | top half) is what `log_marginals` finds, less this.
    """
    return _integrate_product(decoded, top_half(x) @ decoded.basis[:TOP_HALF], decoded.top_half_offset)


def _integrate_product(decoded: DecodedGrid, x: Tensor, offset: Tensor) -> Marginal:
    """`integrate` of offset + x @ coordinates, x (images, rank), whose table is never held as a whole."""
    coordinates = [block.contiguous() for block in decoded.coordinates.split(BLOCK, dim=1)]
    blocks = list(zip(offset.split(BLOCK), coordinates, strict=True))
    edge = offset[decoded.grid.edge], decoded.coordinates[:, decoded.grid.edge]
    found = []
    for images in x.split(BLOCK):
        sums = [_log_sum_exp(torch.addmm(offset, images, coordinates)) for offset, coordinates in blocks]
        log_density = torch.logsumexp(torch.stack(sums).double(), dim=0)
        on_edge = _log_sum_exp(torch.addmm(edge[0], images, edge[1]))
        found.append((log_density, torch.exp(on_edge - log_density)))
    return Marginal(*map(torch.cat, zip(*found, strict=True)))


def _log_sum_exp(table: Tensor) -> Tensor:
    """Like torch.logsumexp over the points (images, points) -> (images,), and three times as fast."""
    peak = table.amax(-1, keepdim=True)
    return (table - peak).clamp_(min=NEGLIGIBLE).exp_().sum(-1).log_().add_(peak[:, 0])


# --- distributions on the grid --------------------------------------------------------------------------


def q_on_axis(axis: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """Log weights, which sum to 1, of factorized Gaussians along the axis: (images, 2) -> (..., 2, size)."""
    return torch.log_softmax(normal_log_density(axis, mean[..., None], log_std[..., None]), dim=-1)


def q_on_grid(axis: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """The same at the grid's points: (images, 2) -> (images, size^2)."""
    first, second = q_on_axis(axis, mean, log_std).unbind(-2)
    return (first[..., :, None] + second[..., None, :]).flatten(-2)


def q_edge_mass(axis: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """Share of factorized Gaussians (images, 2) beyond the grid's edge -> (images,)."""
    beyond = (torch.stack([mean, -mean]) - axis[-1]) * torch.exp(-log_std)
    return torch.special.ndtr(beyond).sum((0, -1))


def require_inside(edge_mass: Tensor, grid: Grid, model: str, way_out: str) -> None:
    """Raise InputError if a distribution reaches the grid's edge: a sum over the grid would miss some."""
    if (worst := edge_mass.max().item()) > EDGE_MASS:
        raise InputError(
            f"{model}: an image has {worst:.1e} of its latent distribution on the edge of the grid, "
            f"[-{grid.axis[-1]:g}, {grid.axis[-1]:g}]^2. {way_out}"
        )


def mass_level(log_weights: Tensor, share: float) -> Tensor:
    """Lowest log weight within the smallest region that holds this share of (..., points) -> (...)."""
    descending = torch.log_softmax(log_weights.double(), dim=-1).sort(descending=True, dim=-1)
    inside = (descending.values.exp().cumsum(-1) < share).sum(-1, keepdim=True)
    return log_weights.gather(-1, descending.indices.gather(-1, inside)).squeeze(-1)


def modes(log_weights: Tensor, level: Tensor) -> Tensor:
    """Count local maxima at or above a level: (..., size, size) and (...) -> (...).

    Meant for a window whose points lie close against the modes' width, in double precision.
    """
    neighbourhood = F.max_pool2d(log_weights, 3, stride=1, padding=1)
    return ((log_weights == neighbourhood) & (log_weights >= level[..., None, None])).sum((-1, -2))
