"""The integrator: log p(x) and posteriors in a latent space of one or two dimensions, as sums
(docs/exactness.md), in nats.

Log p(x) and the posterior p(z | x) are computed for whole images or halves. On each cell where an image may
have mass (`cells`), the exponential of its log-joint is integrated at Gauss-Legendre nodes. If its highest
Legendre coefficients are too large for that, the cell is halved, until the integral over a cell and those
over its halves agree (adaptive cubature; Genz & Malik 1980). Halving a cell does not evaluate the decoder,
unless the cell's polynomial is too poor.
"""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mnist_vae.exact.answers import MODES, Elbo, LogMarginals, Part, Posterior
from mnist_vae.exact.cells import (
    Cells,
    Grid,
    OutsideWindowError,
    UnsummableError,
    check_dimension,
    decode,
    halve,
    joined,
    log_joints_of,
    unknown,
)
from mnist_vae.exact.interpolation import Interpolation
from mnist_vae.exact.low_rank import LowRankDecoder, low_rank
from mnist_vae.exact.posterior import ExactPosterior, Nodes
from mnist_vae.exact.quadrature import elbo_by_quadrature, gauss_hermite, lattice_of
from mnist_vae.exact.refine import refine
from mnist_vae.exact.tuning import TUNING
from mnist_vae.study.densities import joint_log_density

SMALLEST_STEP = 1e-3  # nats; smaller differences are replaced by it, so that it can be divided by
NEGLIGIBLE = -80.0  # nats below the peak; exp takes ten times as long where it underflows


class _Closed(NamedTuple):
    """Cells whose integrals have converged, and the parts on which the best integrals (cells,) were taken:
    the cells themselves or their halves.

    mass and error are in units of exp(peak) of the cell's image. peak (images,) may be higher in the next
    cells.
    """

    cells: Cells
    parts: Cells
    mass: Tensor
    error: Tensor
    peak: Tensor


class _TooManyCellsError(Exception):
    """A block of images has more cells than may be held at once."""


class _Summed(NamedTuple):
    """Sums over one window: the marginals; on_edge (images,), the share of the mass in the outermost cells;
    beyond (images,), the share that would lie beyond the window if likelihoods there reached the highest one
    seen; and floor (images,), the part of the error that halving cells does not reduce.
    """

    marginal: LogMarginals
    on_edge: Tensor
    beyond: Tensor
    floor: Tensor


class AdaptiveIntegrator(ABC):
    """Sums over a latent space of one or two dimensions. Window and precision grow if an image needs it."""

    is_summed = True

    def __init__(self, dimension: int, window: float, tolerance: float, dtype: torch.dtype) -> None:
        check_dimension(dimension)
        self.dimension, self.tolerance, self.dtype = dimension, tolerance, dtype
        self.window = max(window, TUNING.nearest_window)
        self._grids: dict[tuple[float, torch.dtype], Grid] = {}

    @abstractmethod
    def _make(self, window: float, dtype: torch.dtype) -> Grid:
        """The log-joints over a window, in the given precision."""

    def grid(self, window: float, dtype: torch.dtype) -> Grid:
        """The log-joints over a window, cached."""
        if (window, dtype) not in self._grids:
            self._grids[window, dtype] = self._make(window, dtype)
        return self._grids[window, dtype]

    def log_marginals(self, x: Tensor, part: Part = Part.WHOLE) -> LogMarginals:
        """Log p of images (images, pixels), or of a part of them.

        Raises OutsideWindowError if an image has mass beyond the largest window, and UnsummableError if its
        sum would take too many points.
        """
        return self._settled(x, part, self.window, self.dtype)[0]

    def posterior(self, x: Tensor, part: Part = Part.WHOLE) -> Posterior:
        """The posterior p(z | x) of one image (pixels,), or given a part of it."""
        nodes = self._nodes(x, part)[0]
        log_mass = nodes.log_mass.flatten()
        log_weights = log_mass - torch.logsumexp(log_mass, 0)
        return Posterior(nodes.z.flatten(0, 1), log_weights, nodes.log_density.flatten(), self.dtype)

    @torch.no_grad()
    def _nodes(self, x: Tensor, part: Part) -> tuple[Nodes, LogMarginals]:
        """The posterior of one image (pixels,) at the nodes of its cells, and its log-density."""
        marginal, grid = self._settled(x[None], part, self.window, self.dtype)
        log_px, found = marginal.log_density, []
        for parts in (closed.parts for closed in _converged(_Block.of(grid, x[None], part))):
            values = parts.values.double() - log_px
            log_mass = values + torch.log(grid.rule.weights.double()) + math.log(grid.jacobian(parts.halved))
            side = torch.full((len(values),), grid.side_at(parts.halved), dtype=torch.float64)
            bound = _upper_bound(grid, parts.values).double() - log_px
            found.append((parts.middle, side, bound, grid.points(parts), values, log_mass))
        return Nodes(*(torch.cat(each) for each in zip(*found, strict=True))), marginal

    @torch.no_grad()
    def _settled(self, x: Tensor, part: Part, window: float, dtype: torch.dtype) -> tuple[LogMarginals, Grid]:
        """The log-densities, and the grid that the last of these images needed."""
        grid = self.grid(window, dtype)
        marginal, on_edge, beyond, floor = _integrate(grid, x, part)
        if window < TUNING.largest_window:
            wide = torch.maximum(on_edge, beyond) > self.tolerance / 10
        else:
            wide = on_edge > self.tolerance / 10
            if wide.any():
                raise OutsideWindowError(on_edge.max().item(), grid.window)
        coarse = ~wide & (floor > TUNING.coarse * self.tolerance) & torch.tensor(dtype != torch.float64)
        for left, wider, finer in (
            (wide, TUNING.window_growth * window, dtype),
            (coarse, window, torch.float64),
        ):
            if left.any():
                again, grid = self._settled(x[left], part, wider, finer)
                marginal = LogMarginals(
                    *(old.index_put((left,), new) for old, new in zip(marginal, again, strict=True))
                )
        return marginal, grid


class Integrator(AdaptiveIntegrator):
    """Sums over the latent space of a decoder: any function from z (..., d) to logits (..., pixels)."""

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
        super().__init__(dimension, window, tolerance, dtype)
        self.decoder = decoder
        log_joint = low_rank(decoder, dimension, self.window, dtype)
        self.spacing = _spacing(log_joint, dimension, dtype)
        self.coarseness = 2 * round(
            TUNING.coarsest[dimension - 1] * TUNING.spacing[dimension - 1] / self.spacing
        )
        poor = True
        while poor and self.coarseness > 1:
            self.coarseness //= 2
            grid = self._over(log_joint, self.window)
            poor = _is_poor(grid, log_joint)
        self._grids[self.window, dtype] = grid

    def _make(self, window: float, dtype: torch.dtype) -> Grid:
        decoder = self.decoder
        if dtype != self.dtype and isinstance(decoder, nn.Module):
            decoder = copy.deepcopy(decoder).to(dtype)
        return self._over(low_rank(decoder, self.dimension, window, dtype), window)

    def _over(self, log_joint: LowRankDecoder, window: float) -> Grid:
        return Grid(
            log_joint,
            self.dimension,
            window=window,
            tolerance=self.tolerance,
            spacing=self.spacing,
            coarseness=self.coarseness,
            dtype=log_joint.basis.dtype,
        )

    def log_joints(self, x: Tensor, part: Part = Part.WHOLE) -> Interpolation:
        """Log p(x, z) of images (images, pixels), or of a part of them, by polynomials on cells."""
        return Interpolation(self.grid(self.window, self.dtype), x, part)

    def exact_posterior(self, x: Tensor) -> ExactPosterior:
        """The posterior p(z | x) of one image (pixels,), with draws, moments and modes."""
        nodes, marginal = self._nodes(x, Part.WHOLE)
        log_joint = partial(joint_log_density, self.decoder, x)
        log_px, error = marginal.log_density.item(), marginal.error.item()
        return ExactPosterior(lambda z: log_joint(z.to(x)), log_px, error, nodes)

    def elbo(self, x: Tensor, mean: Tensor, log_std: Tensor, part: Part = Part.WHOLE) -> Elbo:
        """The ELBO of each image's q (images, d), for the whole image or a part of it, by quadrature."""
        log_joints = self.log_joints(x, part)
        value, error = elbo_by_quadrature(log_joints, mean, log_std, self.tolerance / 4)
        floor = log_joints.grid.log_joint.error(x, part)
        return Elbo(value, error + log_joints.error + floor)

    def refine(self, x: Tensor, mean: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
        """Raise each image's ELBO from the given q (images, d): `refine.refine`."""
        return refine(self.log_joints(x), mean, log_std)

    def normal_points(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Standard normal noise (points, d) and weights (points,) that sum to 1, for means under a q."""
        return gauss_hermite(TUNING.q_nodes, self.dimension, like)


def _spacing(log_joint: LowRankDecoder, dimension: int, dtype: torch.dtype) -> float:
    """Choose a spacing of the scan at which log-joints bend little between two points where they may have
    mass.

    Where a log-joint bends upwards, it could have a peak that no point shows. Bends are measured by second
    differences around zero, on images that the decoder makes.
    """
    z = lattice_of(
        torch.linspace(-TUNING.typical, TUNING.typical, round(TUNING.tried ** (1 / dimension)), dtype=dtype),
        dimension,
    )
    features = log_joint.features((log_joint.decoder(z) > 0).to(dtype))
    spacing = TUNING.spacing[dimension - 1]
    while True:
        axis = torch.arange(spacing / 2, TUNING.bent_within, spacing, dtype=dtype)
        axis = torch.cat([-axis.flip(0), axis])
        tables = [log_joint.table(some) for some in lattice_of(axis, dimension).split(1024)]
        values = torch.cat(
            [table.offsets[Part.WHOLE] + features @ table.coordinates.T for table in tables], 1
        )
        floor = values.amax(1) - TUNING.bent_depth
        values = values.unflatten(1, [len(axis)] * dimension)
        bends = []
        for along in range(1, dimension + 1):
            before, here, after = values.unfold(along, 3, 1).unbind(-1)
            counts = torch.maximum(torch.maximum(before, after), here) > floor.view(-1, *[1] * dimension)
            bends.append(((before - 2 * here + after) / 8)[counts])
        if torch.cat(bends).quantile(TUNING.bent_quantile) <= TUNING.bent:
            return spacing
        spacing /= 2


def _is_poor(grid: Grid, log_joint: LowRankDecoder) -> bool:
    """Whether polynomials on cells around zero are too inaccurate for images that the decoder makes."""
    axis = torch.linspace(-TUNING.typical, TUNING.typical, 5, dtype=torch.float64)
    at = torch.unique(torch.floor(lattice_of(axis, grid.dimension) / grid.side).long(), dim=0)
    middle = (at.double() + 0.5) * grid.side
    features = log_joint.features((log_joint.decoder(middle.to(grid.dtype)) > 0).to(grid.dtype))
    cells = decode(grid, unknown(torch.arange(len(at)), middle, 0), features, Part.WHOLE)
    return cells.rough.quantile(0.75).item() > grid.tolerance / 2


class _Scan(NamedTuple):
    """bound (images, cells) is what log-joints may reach on each cell. highest (images,) is the highest
    scanned log-joint, best (images,) the index of its cell, and likeliest (images,) the highest scanned
    log-likelihood.
    """

    bound: Tensor
    highest: Tensor
    best: Tensor
    likeliest: Tensor


class _Block(NamedTuple):
    """Images whose cells are held at once: their features (images, rank), the scan, and floor (images,), the
    part of their errors that halving cells does not reduce.
    """

    grid: Grid
    features: Tensor
    part: Part
    scan: _Scan
    floor: Tensor

    @classmethod
    def of(cls, grid: Grid, x: Tensor, part: Part) -> "_Block":
        """Scan images (images, pixels)."""
        features = grid.log_joint.features(x, part)
        scan = _scanned(grid, features, part)
        rounding = torch.finfo(features.dtype).eps * scan.highest.abs().double()
        return cls(grid, features, part, scan, grid.log_joint.error(x, part) + rounding + TUNING.left_out)

    @property
    def tolerance(self) -> Tensor:
        """The part of the tolerance that is left for the sums (images,)."""
        return torch.maximum(self.grid.tolerance - self.floor, self.floor / 2)


def _integrate(grid: Grid, x: Tensor, part: Part) -> _Summed:
    """The integrals of exp(log-joint) of images (images, pixels), in blocks."""
    cells = (2 * grid.reach) ** grid.dimension
    found = []
    left = list(x.split(min(TUNING.images_a_block, max(1, TUNING.cells_scanned // cells))))
    while left:
        some = left.pop(0)
        try:
            found.append(_of_block(grid, some, part))
        except _TooManyCellsError:
            if len(some) == 1:
                raise UnsummableError(
                    f"log p(x) of an image takes more than {TUNING.most_cells:,} cells of the latent space"
                ) from None
            left[:0] = some.chunk(2)
    marginals, *others = zip(*found, strict=True)
    marginal = LogMarginals(*(torch.cat(each) for each in zip(*marginals, strict=True)))
    return _Summed(marginal, *(torch.cat(each) for each in others))


def _of_block(grid: Grid, x: Tensor, part: Part) -> _Summed:
    block = _Block.of(grid, x, part)
    images = len(x)
    mass, error, on_edge = torch.zeros(3, images, dtype=torch.float64)
    peak, found = torch.full((images,), -torch.inf, dtype=torch.float64), []
    for closed in _converged(block):
        cells = closed.cells
        shrunk = torch.exp(peak - closed.peak)
        peak = closed.peak
        outermost = cells.middle.abs().amax(-1) > grid.window - grid.side
        mass, error, on_edge = (
            (total * shrunk).index_add(0, cells.image, part_of_it)
            for total, part_of_it in (
                (mass, closed.mass),
                (error, closed.error),
                (on_edge, closed.mass * outermost),
            )
        )
        heights = torch.log(closed.mass) + peak[cells.image]
        found.append((cells.image, heights, _highest(grid, closed)))
    log_density = torch.log(mass) + peak
    beyond = torch.exp(block.scan.likeliest + _log_prior_beyond(grid) - log_density).clamp(max=1)
    image, log_mass, z = (torch.cat(each) for each in zip(*found, strict=True))
    modes = _heaviest(image, log_mass, z, images)
    draws, flagged = torch.full_like(mass, torch.inf), torch.zeros(images, dtype=torch.bool)
    marginal = LogMarginals(log_density, error / mass + block.floor, modes, draws, flagged)
    return _Summed(marginal, on_edge / mass, beyond, block.floor)


def _log_prior_beyond(grid: Grid) -> float:
    """An upper bound of the log of the prior's mass outside the window (Mills' ratio)."""
    return math.log(grid.dimension / grid.window * math.sqrt(2 / math.pi)) - grid.window**2 / 2


def _converged(block: _Block) -> Iterator[_Closed]:
    """Yield cells whose integrals have converged. The cells of an image together hold all of its mass.

    A cell's error may be a quarter of the tolerance, relative to its own mass plus an equal share of its
    image's mass.
    """
    grid, features, part = block.grid, block.features, block.part
    within = block.tolerance / 4
    cells = _near(block)
    peak = torch.full((len(features),), -torch.inf, dtype=torch.float64)
    done = torch.zeros_like(peak)
    while len(cells.image):
        if len(cells.image) > TUNING.most_cells:
            raise _TooManyCellsError
        log_mass, log_tail, highest, bound = _measured(grid, cells)
        known = peak.scatter_reduce(0, cells.image, highest, "amax")
        counts = bound >= known[cells.image] - TUNING.cut
        cells, unseen = cells.select(counts), (bound - highest > TUNING.resolved)[counts]
        mass, tail = (torch.exp(each[counts] - known[cells.image]) for each in (log_mass, log_tail))
        done, peak = done * torch.exp(peak - known), known
        allowed = _allowed(within, cells, mass, done)
        error = tail.square() / mass + cells.error * mass
        closed = (error <= allowed) & ~unseen
        converged = cells.select(closed)
        yield _Closed(converged, converged, mass[closed], error[closed], peak)
        done = done.index_add(0, converged.image, mass[closed])
        cells, own, unseen = cells.select(~closed), mass[~closed], unseen[~closed]

        halves = halve(grid, cells)
        higher = peak.scatter_reduce(0, halves.image, halves.values.amax(-1).double(), "amax")
        shrunk = torch.exp(peak - higher)
        done, own, peak = done * shrunk, own * shrunk[cells.image], higher
        mass = _masses(grid, halves, peak).unflatten(0, (-1, 2**grid.dimension)).sum(-1)
        allowed = _allowed(within, cells, mass, done)
        difference, inexact = torch.abs(own - mass), (cells.error + cells.rough) * mass
        # A cell is unseen if its nodes lie on a slope and a peak that counts may stand between them.
        poor = (inexact > allowed) & (cells.halved < TUNING.decoded_halvings)
        going = ((difference > allowed) | unseen | poor) & torch.tensor(cells.halved < TUNING.deepest)
        closed = ~going
        yield _Closed(
            cells.select(closed),
            halves.select(_each_half(closed, grid)),
            mass[closed],
            (difference + inexact)[closed],
            peak,
        )
        done = done.index_add(0, cells.image[closed], mass[closed])
        again = going & poor
        left = halves.select(_each_half(going & ~again, grid))
        if again.any():
            left = joined(left, decode(grid, halves.select(_each_half(again, grid)), features, part))
        cells = left


def _allowed(within: Tensor, cells: Cells, mass: Tensor, done: Tensor) -> Tensor:
    """The allowed errors of the masses of cells (cells,): within (images,), relative to a cell's mass plus an
    equal share of its image's. done (images,) is the mass of the image's other cells.
    """
    everything = done.index_add(0, cells.image, mass)
    number = torch.bincount(cells.image, minlength=len(done)) * 2.0**cells.halved
    return within[cells.image] * (mass + (everything / number)[cells.image])


def _measured(grid: Grid, cells: Cells) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return four properties of cells, (cells,) each: the logarithm of the mass, that of the size of its
    terms of the highest degrees, the highest value at a node, and an upper bound of all values.

    If an exponential's Legendre coefficients fall geometrically or faster, the error of the integral by its
    nodes is about the square of its highest coefficients: their degree is half of the degree that the nodes
    integrate exactly.
    """
    found = []
    for values in cells.values.split(TUNING.cells_a_block):
        highest = values.amax(-1, keepdim=True)
        above = (values - highest).clamp_(min=NEGLIGIBLE).exp_()
        tail = torch.linalg.vector_norm(above @ grid.rule.tail.T, dim=-1) * 2**grid.dimension
        logs = torch.log(torch.stack([above @ grid.rule.weights, tail]) * grid.jacobian(cells.halved))
        found.append(torch.stack([*(logs + highest[:, 0]), highest[:, 0], _upper_bound(grid, values)]))
    mass, tail, highest, bound = torch.cat(found, dim=-1).double()
    return mass, tail, highest, bound


def _each_half(mask: Tensor, grid: Grid) -> Tensor:
    """A mask of cells (cells,), as a mask of their halves."""
    return mask.repeat_interleave(2**grid.dimension)


def _near(block: _Block) -> Cells:
    """The first cells on which an image may have mass, from the scan.

    The cell with the highest point is decoded first: it tells more about the height of the peak and about the
    mass.
    """
    grid, features, part = block.grid, block.features, block.part
    bound, highest, best, _ = block.scan
    is_best = torch.zeros_like(bound, dtype=torch.bool).scatter_(1, best[:, None], True)
    first = decode(grid, _cells_of(is_best, grid), features, part)
    peak = highest.scatter_reduce(0, first.image, first.values.amax(-1), "amax")
    mass = torch.empty_like(peak).index_copy(0, first.image, _measured(grid, first)[0].to(peak))
    others = _cells_of((bound >= peak[:, None] - TUNING.scan_cut) & ~is_best, grid)
    if len(others.image) > TUNING.most_looked_at:
        raise _TooManyCellsError
    others = _looked_at(grid, others, features, part, mass - TUNING.look_cut)
    return joined(first, decode(grid, others, features, part))


def _scanned(grid: Grid, features: Tensor, part: Part) -> _Scan:
    scan, found = grid.scan(), []
    squares = grid.scanned().square().sum(-1)
    constant = grid.dimension / 2 * math.log(2 * math.pi)
    for some in features.split(max(1, TUNING.scanned_a_block // len(squares))):
        table = torch.addmm(scan.offsets[part], some, scan.coordinates.T)
        likeliest = torch.add(table, squares, alpha=0.5).amax(-1).double() + constant
        table = table.unflatten(-1, [2 * grid.reach * grid.coarseness] * grid.dimension)
        rises = (step / 2 for step in _steps(table))
        bound = _highest_of_cells(sum(rises, start=table), grid)
        found.append(_Scan(bound, *_highest_of_cells(table, grid).max(-1), likeliest))
    return _Scan(*(torch.cat(each) for each in zip(*found, strict=True)))


def _steps(table: Tensor) -> Iterator[Tensor]:
    """Yield, for each axis, the larger of the steps of a log-joint to a lattice point's two neighbours:
    (images, *points) -> (images, *points).

    Half of it bounds the change up to the midpoints: where a log-joint is concave, it rises over half of the
    way to the next point by less than over half of the way from the point before.
    """
    for axis in range(1, table.dim()):
        length = table.shape[axis] - 1
        steps = torch.abs(table.narrow(axis, 1, length) - table.narrow(axis, 0, length))
        ends = steps.narrow(axis, 0, 1), steps.narrow(axis, length - 1, 1)
        steps = torch.cat([ends[0], steps, ends[1]], dim=axis)
        yield torch.maximum(steps.narrow(axis, 0, length + 1), steps.narrow(axis, 1, length + 1))


def _highest_of_cells(table: Tensor, grid: Grid) -> Tensor:
    """The highest of each cell's scanned points: (images, *points) to (images, cells)."""
    for axis in range(1, table.dim()):
        table = table.unflatten(axis, (2 * grid.reach, grid.coarseness)).amax(axis + 1)
    return table.flatten(1)


def _cells_of(chosen: Tensor, grid: Grid) -> Cells:
    """The first cells that a mask (images, cells) selects, whose values are not known yet."""
    image, cell = chosen.nonzero().unbind(-1)
    side = 2 * grid.reach
    # Not by torch.unravel_index, which imports sympy; that takes a second.
    at = torch.stack([cell // side**k % side for k in reversed(range(grid.dimension))], dim=-1)
    middle = (at.double() - grid.reach + 0.5) * grid.side
    return unknown(image, middle, 0)


def _looked_at(grid: Grid, cells: Cells, features: Tensor, part: Part, floor: Tensor) -> Cells:
    """The first cells whose log-mass may exceed floor (images,), by more points than the scan's."""
    at, tables = cells.middle / grid.side, grid.looked_at
    order, values = log_joints_of(cells, at, tables, len(grid.look), features, part)
    table = values.unflatten(-1, [TUNING.looked_at] * grid.dimension)
    # The mean of an exponential over a step, relative to its value in the middle, is
    # sinh(step / 2) / (step / 2).
    steps = (step.clamp(min=SMALLEST_STEP) for step in _steps(table))
    rises = (step / 2 + torch.log(-torch.expm1(-step) / step) for step in steps)
    log_mean = torch.logsumexp(sum(rises, start=table).flatten(1), -1) - math.log(len(grid.look))
    counts = torch.zeros(len(order), dtype=torch.bool)
    counts[order] = log_mean + grid.dimension * math.log(grid.side) >= floor[cells.image[order]]
    return cells.select(counts)


def _masses(grid: Grid, cells: Cells, peak: Tensor) -> Tensor:
    """Integrals of exp(log-joint - peak of the image) over cells (cells,)."""
    above = (cells.values - peak.to(cells.values)[cells.image, None]).clamp_(min=NEGLIGIBLE).exp_()
    return (above @ grid.rule.weights).double() * grid.jacobian(cells.halved)


def _upper_bound(grid: Grid, values: Tensor) -> Tensor:
    """An upper bound of log-joints (cells, nodes) on their cells (cells,), from the tangents at the nodes,
    each taken up to half of the way to the next nodes.

    A tangent lies above a concave function, and a log-joint is concave around a peak.
    """
    bound = table = values.unflatten(-1, [TUNING.nodes] * grid.dimension)
    for axis in range(1, table.dim()):
        rise = torch.abs(table.transpose(axis, -1) @ grid.rule.slope.T)
        bound = bound + rise.transpose(axis, -1)
    highest: Tensor = bound.flatten(1).amax(-1)
    return highest


def _highest(grid: Grid, closed: _Closed) -> Tensor:
    """The highest known point of each closed cell (cells, d)."""
    parts, nodes = closed.parts, len(grid.rule.nodes)
    number = 2 ** (grid.dimension * (parts.halved - closed.cells.halved))
    best = parts.values.view(len(closed.mass), number * nodes).argmax(-1)
    middle = parts.middle[torch.arange(len(best)) * number + best // nodes]
    return middle + grid.rule.nodes[best % nodes].double() * (grid.side_at(parts.halved) / 2)


def _heaviest(image: Tensor, log_mass: Tensor, z: Tensor, images: int) -> Tensor:
    """The points z (cells, d) of each image's MODES heaviest cells: (images, MODES, d). If there are fewer,
    the heaviest is repeated.
    """
    order = torch.argsort(log_mass, descending=True, stable=True)
    order = order[torch.argsort(image[order], stable=True)]
    number = torch.bincount(image, minlength=images)
    start = torch.cumsum(number, 0) - number
    place = torch.arange(MODES).expand(images, -1)
    return z[order[start[:, None] + torch.where(place < number[:, None], place, 0)]]
