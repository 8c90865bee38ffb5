"""Integrals of log-joints over a latent space of one or two dimensions (docs/exactness.md), in nats.

What is usually only bounded is computed here: log p(x), and the posterior p(z | x), of whole images or of
halves. The space is cut into cells of equal size. On each one that an image may have mass on, its log-joint
is the polynomial through its values at Gauss-Legendre nodes; its exponential is integrated over the cell, and
over the cell's halves; where these differ, the halves are halved again (adaptive cubature; Genz & Malik
1980). No halving needs the decoder again, except where the polynomial is too poor.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.exact.low_rank import TOP_HALF, WHOLE, LogJoint, LowRankDecoder, Table
from mnist_vae.exact.quadrature import CellRule, Elbo, cell_rule, elbo_by_quadrature, gauss_hermite
from mnist_vae.exact.refine import log_joints, refine
from mnist_vae.study.densities import top_half_joint

NODES = 12  # along each dimension of a cell
SCANNED = {1: 1024, 2: 64}  # points along each dimension of the starting window, known first
LOOKED_AT = 4  # points along each dimension of a cell that may count, before it is decoded at its nodes
LARGEST_WINDOW = 40.0  # up to which it grows
SCAN_CUT = 24.0  # nats below an image's highest known log-joint, from where on down a cell is not looked at
LOOK_CUT = 14.0  # the same, from where on down a cell that was looked at is not decoded
CUT = 16.0  # nats below an image's highest known log-joint, from where on down a cell does not count
POOR = 80.0  # the coefficients of the highest degrees, over the error that they stand for
RESOLVED = 3.0  # nats that a peak may stand above the nodes where these see it
NEGLIGIBLE = -80.0  # nats below the peak; where exp underflows it takes ten times as long
DEEPEST = 24  # halvings of a cell
DECODED_HALVINGS = 6  # of these, at most, that ask the decoder
POINTS_A_BATCH = 2304  # decoded at once
IMAGES_A_BLOCK = 2048  # whose tables are held at once
BASIS_POINTS = 1764  # of the starting window, at which a basis of the logits is found
TYPICAL = 2.0  # of the prior, where a decoder is tried
COARSEST = {1: 8, 2: 4}  # scanned points along each dimension of a cell, at most
Q_NODES = 32  # of Gauss-Hermite quadrature, along each dimension, for means under a q
MODES = 3  # cells whose highest points are kept of each image


class OutsideWindowError(ArithmeticError):
    """Some distribution reaches beyond the largest window."""

    def __init__(self, share: float, window: float) -> None:
        super().__init__(f"{share:.1e} of a latent distribution lies beyond {window:g} from zero")
        self.share, self.window = share, window


class Marginal(NamedTuple):
    """Of each image (images,): its log-density and the estimated error of that, in nats.

    modes (images, MODES, d) are the highest nodes of the cells that hold most of its posterior, most first;
    where there are fewer cells, the first again. effective_sample_size (images,) is inf for a sum; `estimate`
    has draws.
    """

    log_density: Tensor
    error: Tensor
    modes: Tensor
    effective_sample_size: Tensor


class Cells(NamedTuple):
    """Parts of the latent space on which an image's log-joint is known, one row each.

    image (cells,); middle (cells, d); values (cells, nodes) at the nodes of the rule; error (cells,), of
    these, as the polynomial through them; halved, how often the first cells have been halved, is the same for
    all.
    """

    image: Tensor
    middle: Tensor
    values: Tensor
    error: Tensor
    halved: int

    def select(self, which: Tensor) -> "Cells":
        """Those of the rows that a mask names."""
        rows = (self.image[which], self.middle[which], self.values[which], self.error[which])
        return Cells(*rows, self.halved)


class _Closed(NamedTuple):
    """Cells whose integrals have converged, and their halves, on which the best integrals (cells,) were
    taken.

    mass and error are in units of exp(peak) of the cells' image; peak (images,) may rise from one to the
    next.
    """

    cells: Cells
    halves: Cells
    mass: Tensor
    error: Tensor
    peak: Tensor


class LatentSpace:
    """Log-joints over a latent space, for all images: decoded where one has mass, and kept.

    log_joint tells the table at points z (points, d). Any function whose log-joints are affine in an image's
    features will do.
    """

    def __init__(
        self,
        log_joint: LogJoint,
        dimension: int,
        *,
        window: float,
        tolerance: float,
        coarseness: int = 1,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Log-joints are looked at in SCANNED[d]^d points of [-window, window]^d; a cell holds coarseness^d
        of them.
        """
        _check_dimension(dimension)
        self.log_joint, self.dimension, self.tolerance, self.dtype = log_joint, dimension, tolerance, dtype
        self.coarseness = coarseness
        self.side = 2 * window * coarseness / SCANNED[dimension]
        self.reach = SCANNED[dimension] // (2 * coarseness)  # cells from zero to the window's edge
        self.rule: CellRule = cell_rule(NODES, dimension, dtype)
        self._scan: Table | None = None
        axis = (torch.arange(LOOKED_AT, dtype=dtype) + 0.5) * (2 / LOOKED_AT) - 1
        self.look = _product(axis, dimension)
        self._looked: dict[tuple[int, ...], Table] = {}
        self._decoded: dict[tuple[int, ...], Table] = {}

    @property
    def window(self) -> float:
        """The space that is looked at is [-window, window]^d."""
        return self.reach * self.side

    def grow(self, share: float) -> None:
        """Look at more; raise OutsideWindowError if that would be too much."""
        if self.window >= LARGEST_WINDOW:
            raise OutsideWindowError(share, self.window)
        self.reach += self.reach // 2
        self._scan = None

    def scan(self) -> Table:
        """The table at coarseness^d points of every cell, the last dimension running fastest."""
        if self._scan is None:
            reach = self.reach * self.coarseness
            axis = (torch.arange(-reach, reach, dtype=self.dtype) + 0.5) * (self.side / self.coarseness)
            self._scan = self.log_joint(_product(axis, self.dimension))
        return self._scan

    def looked_at(self, cells: Tensor) -> list[Table]:
        """The tables of first cells (cells, d) at few points, self.look."""
        return self._tables(self._looked, self.look, 0, cells)

    def decoded(self, halved: int, cells: Tensor) -> list[Table]:
        """The tables of cells (cells, d), counted from zero in units of their own sides, at all nodes."""
        return self._tables(self._decoded, self.rule.nodes, halved, cells)

    def _tables(
        self, known: dict[tuple[int, ...], Table], points: Tensor, halved: int, cells: Tensor
    ) -> list[Table]:
        """Tables at the given points (points, d) of [-1, 1]^d in each cell, kept in known."""
        keys = [(halved, *cell) for cell in cells.tolist()]
        missing = [key for key in keys if key not in known]
        side, cells_a_batch = self.side_at(halved), max(1, POINTS_A_BATCH // len(points))
        for start in range(0, len(missing), cells_a_batch):
            batch = missing[start : start + cells_a_batch]
            middles = (torch.tensor([key[1:] for key in batch], dtype=torch.float64) + 0.5) * side
            z = middles[:, None] + points.double() * (side / 2)
            table = self.log_joint(z.to(self.dtype).flatten(0, 1))
            parts = table.coordinates.split(len(points)), table.offsets.split(len(points), dim=1)
            known.update({key: Table(*part) for key, *part in zip(batch, *parts, strict=True)})
        return [known[key] for key in keys]

    def side_at(self, halved: int) -> float:
        """The side of a cell."""
        return float(self.side / 2**halved)

    def jacobian(self, halved: int) -> float:
        """A cell's volume over that of the rule's own, [-1, 1]^d."""
        return float((self.side_at(halved) / 2) ** self.dimension)

    def points(self, cells: Cells) -> Tensor:
        """Where the nodes of cells lie (cells, nodes, d), in double precision."""
        return cells.middle[:, None] + self.rule.nodes.double() * (self.side_at(cells.halved) / 2)


class DecoderSpace(LatentSpace):
    """The latent space of a decoder, any function from z (..., d) to logits (..., pixels)."""

    @torch.no_grad()
    def __init__(
        self,
        decoder: Callable[[Tensor], Tensor],
        dimension: int,
        *,
        window: float,
        tolerance: float,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        _check_dimension(dimension)
        axis = torch.linspace(-window, window, round(BASIS_POINTS ** (1 / dimension)), dtype=dtype)
        self.decoder = LowRankDecoder(decoder, _product(axis, dimension))
        coarseness = 2 * COARSEST[dimension]
        poor = True
        while poor and coarseness > 1:
            coarseness //= 2
            super().__init__(
                self.decoder.log_joint,
                dimension,
                window=window,
                tolerance=tolerance,
                coarseness=coarseness,
                dtype=dtype,
            )
            poor = self._is_poor()

    def _is_poor(self) -> bool:
        """Whether polynomials on cells are too poor for images as the decoder makes them, around zero."""
        axis = torch.linspace(-TYPICAL, TYPICAL, 5, dtype=torch.float64)
        at = torch.unique(torch.floor(_product(axis, self.dimension) / self.side).long(), dim=0)
        middle = (at.double() + 0.5) * self.side
        features = self.decoder.features((self.decoder(middle.to(self.dtype)) > 0).to(self.dtype))
        places = torch.arange(len(at))
        cells = Cells(places, middle, features.new_empty(len(at), 0), features.new_empty(len(at)), 0)
        cells = _decode(self, cells, features, WHOLE)
        return cells.error.quantile(0.75).item() > self.tolerance / 4

    def log_marginals(self, x: Tensor, part: int = WHOLE) -> Marginal:
        """Log p of images (images, pixels), or of a half of them: part is WHOLE, TOP_HALF or BOTTOM_HALF."""
        return integrate(self, self.decoder.features(x, part), part)

    def posterior(self, x: Tensor, part: int = WHOLE) -> "Posterior":
        """The posterior p(z | x) of one image (pixels,), or given a half of it."""
        return posterior(self, self.decoder.features(x[None], part)[0], part)

    def elbo(self, x: Tensor, mean: Tensor, log_std: Tensor, part: int = WHOLE) -> Elbo:
        """The ELBO of each image's q (images, d), of the whole or of the top half, by quadrature."""
        if part == WHOLE:
            log_joint = log_joints(self.decoder, x)
        elif part == TOP_HALF:
            log_joint = lambda some, z: top_half_joint(self.decoder, x[some], z)  # noqa: E731
        else:
            raise ValueError("the bottom half alone has no q")
        return elbo_by_quadrature(log_joint, mean, log_std, self.tolerance)

    def refine(self, x: Tensor, mean: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
        """Raise each image's ELBO from the given q (images, d): `refine.refine`."""
        return refine(log_joints(self.decoder, x), mean, log_std)

    def normal_points(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Standard normal noise (points, d) and weights (points,) that sum to 1, for means under a q."""
        return gauss_hermite(Q_NODES, self.dimension, like)


@torch.no_grad()
def integrate(space: LatentSpace, features: Tensor, part: int = WHOLE) -> Marginal:
    """The integrals of exp(log-joint) of images, by their features (images, rank)."""
    blocks = [_integrate(space, block, part) for block in features.split(IMAGES_A_BLOCK)]
    return Marginal(*(torch.cat(each) for each in zip(*blocks, strict=True)))


class Posterior(NamedTuple):
    """One image's posterior as weighted points: z (points, d), log_weights (points,), whose exponentials sum
    to 1, and log_density (points,), the posterior's.
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


@torch.no_grad()
def posterior(space: LatentSpace, features: Tensor, part: int = WHOLE) -> Posterior:
    """The posterior of one image, by its features (rank,)."""
    log_density = integrate(space, features[None], part).log_density
    z, log_weights, log_densities = [], [], []
    for closed in _converged(space, features[None], part):
        halves = closed.halves
        z.append(space.points(halves).flatten(0, 1))
        values = halves.values.double() - log_density
        log_densities.append(values.flatten())
        log_weights.append(
            (values + torch.log(space.rule.weights.double())).flatten()
            + math.log(space.jacobian(halves.halved))
        )
    weights = torch.cat(log_weights)
    normalized = weights - torch.logsumexp(weights, 0)
    return Posterior(torch.cat(z), normalized, torch.cat(log_densities), space.dtype)


def _integrate(space: LatentSpace, features: Tensor, part: int) -> Marginal:
    while True:
        mass, error, on_edge = torch.zeros(3, len(features), dtype=torch.float64)
        peak, found = torch.full((len(features),), -torch.inf, dtype=torch.float64), []
        for closed in _converged(space, features, part):
            cells = closed.cells
            shrunk = torch.exp(peak - closed.peak)
            peak = closed.peak
            outermost = cells.middle.abs().amax(-1) > space.window - space.side
            mass, error, on_edge = (
                (total * shrunk).index_add(0, cells.image, part_of_it)
                for total, part_of_it in (
                    (mass, closed.mass),
                    (error, closed.error),
                    (on_edge, closed.mass * outermost),
                )
            )
            heights = torch.log(closed.mass) + peak[cells.image]
            found.append((cells.image, heights, _highest(space, closed)))
        share = (on_edge / mass).max().item()
        if share <= space.tolerance / 10:
            image, log_mass, z = (torch.cat(each) for each in zip(*found, strict=True))
            modes = _heaviest(image, log_mass, z, len(features))
            return Marginal(torch.log(mass) + peak, error / mass, modes, torch.full_like(mass, torch.inf))
        space.grow(share)


def _converged(space: LatentSpace, features: Tensor, part: int) -> Iterator[_Closed]:
    """Cells whose integrals have converged; an image's together hold all of its mass.

    A cell may be wrong by a quarter of the tolerance, in proportion to its own mass or to an even share of
    its image's.
    """
    tolerance = space.tolerance
    cells = _near(space, features, part)
    peak = torch.full((len(features),), -torch.inf, dtype=torch.float64)
    done = torch.zeros_like(peak)
    while len(cells.image):
        bound = _upper_bound(space, cells)
        known = peak.scatter_reduce(0, cells.image, cells.values.amax(-1).double(), "amax")
        counts = bound >= known[cells.image] - CUT
        cells, bound = cells.select(counts), bound[counts]
        halves = _halved(space, cells)
        higher = known.scatter_reduce(0, halves.image, halves.values.amax(-1).double(), "amax")
        done, peak = done * torch.exp(peak - higher), higher
        own = _masses(space, cells, peak)
        mass = _masses(space, halves, peak).unflatten(0, (len(own), -1)).sum(-1)
        image = cells.image
        everything = done.index_add(0, image, mass)[image]
        number = torch.bincount(image, minlength=len(peak))[image]
        allowed = tolerance / 4 * (mass + everything / (number * 2.0**cells.halved))
        difference = torch.abs(own - mass)
        # Nodes that lie on a slope, and not on a peak that may stand between them and count.
        unseen = bound - cells.values.amax(-1) > RESOLVED
        poor = (cells.error * mass > allowed) & (cells.halved < DECODED_HALVINGS)
        going = ((difference > allowed) | unseen | poor) & torch.tensor(cells.halved < DEEPEST)
        closed = ~going
        error = difference + cells.error * mass
        yield _Closed(
            cells.select(closed), halves.select(_each_half(closed, space)), mass[closed], error[closed], peak
        )
        done = done.index_add(0, image[closed], mass[closed])
        again = going & poor
        left = halves.select(_each_half(going & ~again, space))
        if again.any():
            left = _joined(left, _decode(space, halves.select(_each_half(again, space)), features, part))
        cells = left


def _each_half(mask: Tensor, space: LatentSpace) -> Tensor:
    """A mask of cells as one of their halves."""
    return mask.repeat_interleave(2**space.dimension)


def _near(space: LatentSpace, features: Tensor, part: int) -> Cells:
    """The first cells on which an image may have mass, from the scan.

    First the one with the highest point, which tells more of the height of the peak.
    """
    scan = space.scan()
    table = torch.addmm(scan.offsets[part], features, scan.coordinates.T)
    table = table.unflatten(-1, [2 * space.reach * space.coarseness] * space.dimension)
    bound, highest = _highest_of_cells(_bound(table), space), _highest_of_cells(table, space)
    best = torch.zeros_like(bound, dtype=torch.bool).scatter_(1, highest.argmax(-1, keepdim=True), True)
    first = _decode(space, _cells_of(best, space), features, part)
    peak = highest.amax(-1).scatter_reduce(0, first.image, first.values.amax(-1), "amax")
    others = _cells_of((bound >= peak[:, None] - SCAN_CUT) & ~best, space)
    others = _looked_at(space, others, features, part, peak - LOOK_CUT)
    return _joined(first, _decode(space, others, features, part))


def _bound(table: Tensor) -> Tensor:
    """What a log-joint may reach around points of a lattice: (images, *points) -> (images, *points).

    Where it is concave along an axis, it rises on half of the way from one point to the next by less than on
    half of the way from the one before. Summed over the axes.
    """
    bound = table
    for axis in range(1, table.dim()):
        length = table.shape[axis] - 1
        steps = torch.abs(table.narrow(axis, 1, length) - table.narrow(axis, 0, length))
        ends = steps.narrow(axis, 0, 1), steps.narrow(axis, length - 1, 1)
        steps = torch.cat([ends[0], steps, ends[1]], dim=axis)
        bound = (
            bound + torch.maximum(steps.narrow(axis, 0, length + 1), steps.narrow(axis, 1, length + 1)) / 2
        )
    return bound


def _highest_of_cells(table: Tensor, space: LatentSpace) -> Tensor:
    """From scanned points (images, *points) to cells (images, cells)."""
    for axis in range(1, table.dim()):
        table = table.unflatten(axis, (2 * space.reach, space.coarseness)).amax(axis + 1)
    return table.flatten(1)


def _cells_of(chosen: Tensor, space: LatentSpace) -> Cells:
    """First cells, of which no value is known yet, from a mask (images, cells)."""
    image, cell = chosen.nonzero().unbind(-1)
    at = torch.stack(torch.unravel_index(cell, [2 * space.reach] * space.dimension), dim=-1)
    middle = (at.double() - space.reach + 0.5) * space.side
    nothing = middle.new_empty(len(image), 0)
    return Cells(image, middle, nothing, nothing.sum(-1), 0)


def _looked_at(space: LatentSpace, cells: Cells, features: Tensor, part: int, floor: Tensor) -> Cells:
    """Those of the first cells that may reach above floor (images,), by a closer look than the scan."""
    at, tables = cells.middle / space.side, space.looked_at
    order, values = _values(cells, at, tables, len(space.look), features, part)
    bound = _bound(values.unflatten(-1, [LOOKED_AT] * space.dimension)).flatten(1).amax(-1)
    counts = torch.zeros(len(order), dtype=torch.bool)
    counts[order] = bound >= floor[cells.image[order]]
    return cells.select(counts)


def _decode(space: LatentSpace, cells: Cells, features: Tensor, part: int) -> Cells:
    """The same cells with the values that the decoder says, in the order of the cells' places."""
    at, tables = cells.middle / space.side_at(cells.halved), partial(space.decoded, cells.halved)
    order, values = _values(cells, at, tables, len(space.rule.nodes), features, part)
    error = torch.linalg.vector_norm(values @ space.rule.tail.T, dim=-1).double() / POOR
    return Cells(cells.image[order], cells.middle[order], values, error, cells.halved)


def _values(
    cells: Cells,
    at: Tensor,
    tables: Callable[[Tensor], list[Table]],
    points: int,
    features: Tensor,
    part: int,
) -> tuple[Tensor, Tensor]:
    """The log-joints of cells (cells, points), where tables tells their points, in another order (cells,)."""
    places, which = torch.unique(torch.floor(at).long(), dim=0, return_inverse=True)
    order = torch.argsort(which, stable=True)
    counts = torch.bincount(which, minlength=len(places)).tolist()
    found = tables(places)
    values = features.new_empty(len(order), points)
    start = 0
    for table, count in zip(found, counts, strict=True):
        rows = slice(start, start + count)
        some = features.index_select(0, cells.image[order[rows]])
        # Not by `linear`: oneDNN makes a program for each number of images, and keeps them all.
        torch.addmm(table.offsets[part], some, table.coordinates.T, out=values[rows])
        start += count
    return order, values


def _halved(space: LatentSpace, cells: Cells) -> Cells:
    """The halves of cells, in all dimensions, by their polynomials: 2^d for each, one after the other."""
    number, parts = len(cells.image), 2**space.dimension
    values = (cells.values @ space.rule.halves.T).view(number * parts, len(space.rule.nodes))
    sides = _product(torch.tensor([-0.25, 0.25], dtype=torch.float64), space.dimension)
    middle = (cells.middle[:, None] + sides * space.side_at(cells.halved)).flatten(0, 1)
    return Cells(
        cells.image.repeat_interleave(parts),
        middle,
        values,
        cells.error.repeat_interleave(parts),
        cells.halved + 1,
    )


def _joined(first: Cells, second: Cells) -> Cells:
    return Cells(
        torch.cat([first.image, second.image]),
        torch.cat([first.middle, second.middle]),
        torch.cat([first.values, second.values]),
        torch.cat([first.error, second.error]),
        first.halved,
    )


def _masses(space: LatentSpace, cells: Cells, peak: Tensor) -> Tensor:
    """Integrals of exp(log-joint - peak of the image) over cells (cells,)."""
    above = (cells.values - peak.to(cells.values)[cells.image, None]).clamp_(min=NEGLIGIBLE).exp_()
    return (above @ space.rule.weights).double() * space.jacobian(cells.halved)


def _upper_bound(space: LatentSpace, cells: Cells) -> Tensor:
    """What log-joints may reach on cells, by the tangents at all nodes up to half of the way to the next
    ones.

    A tangent lies above a concave function, as a log-joint is around a peak.
    """
    rise = sum(torch.abs(cells.values @ slope.T) for slope in space.rule.slopes)
    return (cells.values + rise).amax(-1).double()


def _highest(space: LatentSpace, closed: _Closed) -> Tensor:
    """The highest known point of each closed cell (cells, d)."""
    parts, nodes = 2**space.dimension, len(space.rule.nodes)
    best = closed.halves.values.view(len(closed.mass), parts * nodes).argmax(-1)
    middle = closed.halves.middle.view(-1, parts, space.dimension)[torch.arange(len(best)), best // nodes]
    return middle + space.rule.nodes[best % nodes].double() * (space.side_at(closed.halves.halved) / 2)


def _heaviest(image: Tensor, log_mass: Tensor, z: Tensor, images: int) -> Tensor:
    """The points z (cells, d) of each image's MODES heaviest cells, or of the heaviest again: (images,
    MODES, d).
    """
    order = torch.argsort(log_mass, descending=True, stable=True)
    order = order[torch.argsort(image[order], stable=True)]
    number = torch.bincount(image, minlength=images)
    start = torch.cumsum(number, 0) - number
    place = torch.arange(MODES).expand(images, -1)
    return z[order[start[:, None] + torch.where(place < number[:, None], place, 0)]]


def _check_dimension(dimension: int) -> None:
    if dimension not in (1, 2):
        raise ValueError(f"sums over a latent space of {dimension} dimensions: only over 1 or 2")


def _product(axis: Tensor, dimension: int) -> Tensor:
    """The points (len(axis)^dimension, dimension) of a square lattice, the last dimension running fastest."""
    return torch.stack(torch.meshgrid(*[axis] * dimension, indexing="ij"), dim=-1).flatten(0, -2)
