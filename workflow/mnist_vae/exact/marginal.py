"""Integrals over the two-dimensional latent plane, as sums over a grid (SPEC, 'Beyond the reference').

What is usually only bounded is computed here: log p(x), the posterior p(z | x), the same given the top half
alone, and the KL divergence of any q to them. All in nats.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.errors import InputError
from mnist_vae.study.densities import TOP_HALF, log_prior, normal_log_density, top_half
from mnist_vae.study.networks import Decoder
from mnist_vae.study.products import tanh_

POINTS_A_CHUNK = 4096  # decoded at once where a whole grid is: 13 MB of logits
IMAGES_A_BLOCK = 1024  # whose log-joints on a tile are held at once: 1 MB, which a core's cache can hold
CELL = 5  # points a side, for which the middle one stands until an image has mass near it
TILE = 15  # points a side, decoded and summed together: whole cells
BASIS_ERROR = 1e-4  # root mean square norm, over the cells, of the logits outside their basis
NEAR = 80.0  # nats below an image's highest cell, down to which its tiles are summed
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


class LowRankDecoder:
    """The decoder, through fewer numbers than it has pixels.

    The logits of a smooth decoder over a plane span some hundred of their 784 dimensions: logits = basis @
    coordinates, with basis (784, rank) orthonormal. Images' products with logits are as short.
    """

    def __init__(self, decoder: Decoder, z: Tensor) -> None:
        """Find the basis of the logits at z (points, 2), which serves between these points as well."""
        logits = decoder(z).double()
        energies, directions = torch.linalg.eigh(logits.T @ logits)  # ascending
        left_out = (energies.clamp(min=0).cumsum(0) / len(z)).sqrt()
        basis = directions[:, left_out > BASIS_ERROR]
        self.decoder, self.basis = decoder, basis.to(z)
        self.reduced = [(basis.T @ parameter.double()).to(z) for parameter in decoder.output.parameters()]

    def _hidden(self, z: Tensor) -> Tensor:
        return tanh_(self.decoder.hidden(z))

    def coordinates(self, z: Tensor) -> Tensor:
        """Of the logits in their basis: (..., 2) -> (..., rank)."""
        return F.linear(self._hidden(z), *self.reduced)

    def __call__(self, z: Tensor) -> Tensor:
        """Return the logits (..., 784) at z (..., 2), by the basis where that is shorter."""
        pixels, rank = self.basis.shape
        hidden = self.decoder.output.in_features
        if rank * (hidden + pixels) < hidden * pixels:
            return F.linear(self.coordinates(z), self.basis)
        return F.linear(self._hidden(z), *self.decoder.output.parameters())


class Tile(NamedTuple):
    """What the decoder says at some points of a grid, and which these are: index (points,).

    The logits' coordinates are (points, rank). The offsets (points,) are what a log-joint has without its
    image: log_mass - sum softplus(logits). edge holds the positions, in this tile, of the grid's edge.
    """

    index: Tensor
    edge: Tensor
    coordinates: Tensor
    offset: Tensor
    top_half_offset: Tensor


@dataclass(frozen=True)
class DecodedGrid:
    """A decoder on a grid, for all images: at the middle of every cell, and on the tiles asked for so far."""

    grid: Grid
    decoder: LowRankDecoder
    cells: Tile
    tiles: dict[int, Tile] = field(default_factory=dict)

    def tile(self, number: int) -> Tile:
        """One of the tiles, which are counted like the grid's points; decoded when first asked for."""
        if number not in self.tiles:
            points = torch.arange(len(self.grid.axis)).split(TILE)
            first, second = (points[at] for at in divmod(number, len(points)))
            self.tiles[number] = _decode(self.decoder, self.grid, first, second)
        return self.tiles[number]


class Marginal(NamedTuple):
    """Each image's log-density (images,), the share of its posterior that lies on the grid's edge, and the
    point z (images, 2) of the grid at which its posterior is highest.
    """

    log_density: Tensor
    edge_mass: Tensor
    mode: Tensor


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


def decode_grid(decoder: Decoder | LowRankDecoder, grid: Grid) -> DecodedGrid:
    """Decode the middle of every cell, and find the logits' basis there unless another grid's is given."""
    middles = (torch.arange(0, len(grid.axis), CELL) + CELL // 2).clamp(max=len(grid.axis) - 1)
    if not isinstance(decoder, LowRankDecoder):
        decoder = LowRankDecoder(decoder, torch.cartesian_prod(grid.axis[middles], grid.axis[middles]))
    return DecodedGrid(grid, decoder, _decode(decoder, grid, middles, middles))


def _decode(decoder: LowRankDecoder, grid: Grid, first: Tensor, second: Tensor) -> Tile:
    """Decode the points at these indices of the axis in the first, and in the second, dimension."""
    size = len(grid.axis)
    index = (first[:, None] * size + second).flatten()
    edge = torch.isin(index, grid.edge).nonzero()[:, 0]
    coordinates = decoder.coordinates(grid.z[index])
    per_pixel = F.softplus(F.linear(coordinates, decoder.basis))
    log_mass = grid.log_mass[index]
    return Tile(
        index,
        edge,
        coordinates,
        log_mass - per_pixel.sum(-1),
        log_mass - top_half(per_pixel).sum(-1),
    )


def integrate(table: Tensor, grid: Grid) -> Marginal:
    """Sum log-joints (images, size^2) over the grid."""
    log_density, on_edge, _, highest = _sums(table.clone(), grid.edge)
    return Marginal(log_density, torch.exp(on_edge - log_density), grid.z[highest])


def log_marginals(decoded: DecodedGrid, x: Tensor) -> Marginal:
    """Log p of images (images, 784): `integrate` of their table, without most of it."""
    return _integrate_tiles(decoded, x @ decoded.decoder.basis, attrgetter("offset"))


def top_half_log_marginals(decoded: DecodedGrid, x: Tensor) -> Marginal:
    """Log p of the top halves of images (images, 784).

    Log p(bottom half | top half) is what `log_marginals` finds, less this.
    """
    x = top_half(x) @ decoded.decoder.basis[:TOP_HALF]
    return _integrate_tiles(decoded, x, attrgetter("top_half_offset"))


def _integrate_tiles(decoded: DecodedGrid, x: Tensor, offset: Callable[[Tile], Tensor]) -> Marginal:
    """`integrate` of offset + x @ coordinates, x (images, rank), tile by tile, where an image has mass."""
    log_density, on_edge, peak = x.new_full((3, len(x)), -torch.inf, dtype=torch.float64)
    highest = torch.zeros(len(x), dtype=torch.long)
    near = _near(decoded, x, offset)
    for number in near.any(1).nonzero()[:, 0].tolist():
        tile = decoded.tile(number)
        for images in near[number].nonzero()[:, 0].split(IMAGES_A_BLOCK):
            table = torch.addmm(offset(tile), x.index_select(0, images), tile.coordinates.T)
            log_sum, log_edge, height, at = _sums(table, tile.edge)
            log_density[images] = torch.logaddexp(log_density[images], log_sum)
            on_edge[images] = torch.logaddexp(on_edge[images], log_edge)
            higher = height > peak[images]
            peak[images[higher]], highest[images[higher]] = height[higher], tile.index[at[higher]]
    return Marginal(log_density, torch.exp(on_edge - log_density), decoded.grid.z[highest])


def _near(decoded: DecodedGrid, x: Tensor, offset: Callable[[Tile], Tensor]) -> Tensor:
    """Whether a tile has a cell within NEAR of the image's highest: x (images, rank) -> (tiles, images).

    A point lies up to 2 sqrt(2) spacings from the middle of its cell. At a peak of a posterior whose standard
    deviation is a third of the spacing, where a sum over the grid fails, that costs 36 nats.
    """
    cells, found = decoded.cells, []
    side = round(len(cells.index) ** 0.5)
    for images in x.split(IMAGES_A_BLOCK):
        table = F.linear(images, cells.coordinates, offset(cells))
        tiles = F.max_pool2d(table.unflatten(-1, (side, side)), TILE // CELL, ceil_mode=True).flatten(1)
        found.append((tiles > tiles.amax(-1, keepdim=True) - NEAR).T)
    return torch.cat(found, dim=1)


def _sums(table: Tensor, edge: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sum log-joints (images, points), which are overwritten, over the points and over some on an edge.

    Returns the sums' logarithms (images,) in double precision, the highest log-joint, and its position.
    """
    peak, at = table.max(-1)
    table.sub_(peak[:, None]).clamp_(min=NEGLIGIBLE).exp_()
    peak = peak.double()
    log_sum, log_edge = (torch.log(part.sum(-1).double()) + peak for part in (table, table[:, edge]))
    return log_sum, log_edge, peak, at


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
