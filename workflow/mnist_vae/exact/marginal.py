"""Integrals of log-joints over a latent space of one or two dimensions (docs/exactness.md), in nats.

What is usually only bounded is computed here: log p(x), and the posterior p(z | x), of whole images or of
halves. On each cell that an image may have mass on (`cells`), the exponential of its log-joint is integrated
by Gauss-Legendre nodes. Where its highest Legendre coefficients are too large for that to be right, the cell
is halved, until the integral over it and those over its halves agree (adaptive cubature; Genz & Malik 1980).
No halving needs the decoder again, except where the polynomial is too poor.
"""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mnist_vae.exact.cells import (
    DECODED_HALVINGS,
    LOOKED_AT,
    NODES,
    Cells,
    LatentSpace,
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
from mnist_vae.exact.low_rank import WHOLE, LowRankDecoder, low_rank
from mnist_vae.exact.posterior import ExactPosterior, Nodes
from mnist_vae.exact.quadrature import Elbo, elbo_by_quadrature, gauss_hermite, lattice_of
from mnist_vae.exact.refine import refine
from mnist_vae.study.densities import joint_log_density

SCAN_CUT = 24.0  # nats below an image's highest known log-joint, from where on down a cell is not looked at
LOOK_CUT = 12.0  # nats below the log-mass of the cell there, from where on down a cell is not decoded
SMALLEST_STEP = 1e-3  # nats, below which a step is as good as none
LEFT_OUT = 4 * math.exp(-LOOK_CUT)  # of an image's mass: what it has on cells that are not decoded, about
CUT = 16.0  # nats below an image's highest known log-joint, from where on down a cell does not count
RESOLVED = 3.0  # nats that a peak may stand above the nodes where these see it
NEGLIGIBLE = -80.0  # nats below the peak; where exp underflows it takes ten times as long
DEEPEST = 24  # halvings of a cell
MOST_CELLS = 2**17  # that are integrated at once: of one image, 2 GB
MOST_LOOKED_AT = 2**20  # cells that are looked at at once, at a ninth of the points
CELLS_A_BLOCK = 512  # whose values and sums fit the cache together
POINTS_A_SCAN = 2**18  # of all images: their log-joints fit the cache
CELLS_SCANNED = 2**24  # of all images whose cells are held at once
IMAGES_A_BLOCK = 4096  # whose cells are held at once, at most
SPACING = {1: 20 / 1024, 2: 20 / 64}  # of the scan, where a decoder is not steep
BENT = 8.0  # nats by which a log-joint may bend upwards between two scanned points
BENT_QUANTILE = 0.99  # of all places tried, where it does not more
BENT_WITHIN = 5.0  # of zero, where it is tried
BENT_DOWN = 40.0  # nats below an image's highest, down to which places are tried
TRIED = 256  # images that the decoder makes
NEAREST_WINDOW = 6.25  # that is scanned at least
COARSE = 0.7  # of the tolerance: a floor of the error beyond which an image is summed in double precision
LARGEST_WINDOW = 40.0  # up to which it grows
GROWTH = 1.5  # of the window
TYPICAL = 2.0  # of the prior, where a decoder is tried
COARSEST = {1: 8, 2: 4}  # points along each dimension of a cell at the coarsest spacing, at most
Q_NODES = 32  # of Gauss-Hermite quadrature, along each dimension, for means under a q
MODES = 3  # cells whose highest points are kept of each image


class Marginal(NamedTuple):
    """Of each image (images,): its log-density and the estimated error of that, in nats.

    modes (images, MODES, d) are the highest nodes of the cells that hold most of its posterior, most first;
    where there are fewer cells, the first again. effective_sample_size (images,) is inf for a sum; `estimate`
    has draws, and flags an image whose error cannot be trusted.
    """

    log_density: Tensor
    error: Tensor
    modes: Tensor
    effective_sample_size: Tensor
    flagged: Tensor


class _Closed(NamedTuple):
    """Cells whose integrals have converged, and their parts, on which the best integrals (cells,) were taken:
    the cells themselves, or their halves.

    mass and error are in units of exp(peak) of the cells' image; peak (images,) may rise from one to the
    next.
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
    seen; and floor (images,), the error that no halving lowers.
    """

    marginal: Marginal
    on_edge: Tensor
    beyond: Tensor
    floor: Tensor


class SummedSpace(ABC):
    """A latent space of one or two dimensions, whose window and precision grow as an image needs it."""

    def __init__(self, dimension: int, window: float, tolerance: float, dtype: torch.dtype) -> None:
        check_dimension(dimension)
        self.dimension, self.tolerance, self.dtype = dimension, tolerance, dtype
        self.window = max(window, NEAREST_WINDOW)
        self._levels: dict[tuple[float, torch.dtype], LatentSpace] = {}

    @abstractmethod
    def _make(self, window: float, dtype: torch.dtype) -> LatentSpace:
        """The log-joints over a window, in some precision."""

    def level(self, window: float, dtype: torch.dtype) -> LatentSpace:
        """The log-joints over a window, which are made once."""
        if (window, dtype) not in self._levels:
            self._levels[window, dtype] = self._make(window, dtype)
        return self._levels[window, dtype]

    def log_marginals(self, x: Tensor, part: int = WHOLE) -> Marginal:
        """Log p of images (images, pixels), or of a half of them: part is WHOLE, TOP_HALF or BOTTOM_HALF.

        Raises OutsideWindowError where an image has mass beyond LARGEST_WINDOW, and UnsummableError where
        its sum would take too many points.
        """
        return self._settled(x, part, self.window, self.dtype)[0]

    def posterior(self, x: Tensor, part: int = WHOLE) -> "Posterior":
        """The posterior p(z | x) of one image (pixels,), or given a half of it."""
        marginal, level = self._settled(x[None], part, self.window, self.dtype)
        return _posterior(level, x[None], part, marginal.log_density)

    @torch.no_grad()
    def _settled(
        self, x: Tensor, part: int, window: float, dtype: torch.dtype
    ) -> tuple[Marginal, LatentSpace]:
        """The marginals, and the log-joints that the last of these images needed."""
        level = self.level(window, dtype)
        marginal, on_edge, beyond, floor = _integrate(level, x, part)
        if window < LARGEST_WINDOW:
            wide = torch.maximum(on_edge, beyond) > self.tolerance / 10
        else:
            wide = on_edge > self.tolerance / 10
            if wide.any():
                raise OutsideWindowError(on_edge.max().item(), level.window)
        coarse = ~wide & (floor > COARSE * self.tolerance) & torch.tensor(dtype != torch.float64)
        for left, wider, finer in ((wide, GROWTH * window, dtype), (coarse, window, torch.float64)):
            if left.any():
                again, level = self._settled(x[left], part, wider, finer)
                marginal = Marginal(
                    *(old.index_put((left,), new) for old, new in zip(marginal, again, strict=True))
                )
        return marginal, level


class DecoderSpace(SummedSpace):
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
        super().__init__(dimension, window, tolerance, dtype)
        self.decoder = decoder
        log_joint = low_rank(decoder, dimension, self.window, dtype)
        self.spacing = _spacing(log_joint, dimension, dtype)
        self.coarseness = 2 * round(COARSEST[dimension] * SPACING[dimension] / self.spacing)
        poor = True
        while poor and self.coarseness > 1:
            self.coarseness //= 2
            level = self._over(log_joint, self.window)
            poor = _is_poor(level, log_joint)
        self._levels[self.window, dtype] = level

    def _make(self, window: float, dtype: torch.dtype) -> LatentSpace:
        decoder = self.decoder
        if dtype != self.dtype and isinstance(decoder, nn.Module):
            decoder = copy.deepcopy(decoder).to(dtype)
        return self._over(low_rank(decoder, self.dimension, window, dtype), window)

    def _over(self, log_joint: LowRankDecoder, window: float) -> LatentSpace:
        return LatentSpace(
            log_joint,
            self.dimension,
            window=window,
            tolerance=self.tolerance,
            spacing=self.spacing,
            coarseness=self.coarseness,
            dtype=log_joint.basis.dtype,
        )

    def log_joints(self, x: Tensor, part: int = WHOLE) -> Interpolation:
        """Log p(x, z) of images (images, pixels), or of a half of them, by cells."""
        return Interpolation(self.level(self.window, self.dtype), x, part)

    @torch.no_grad()
    def exact_posterior(self, x: Tensor) -> ExactPosterior:
        """The posterior p(z | x) of one image (pixels,), with draws, moments and modes."""
        marginal, level = self._settled(x[None], WHOLE, self.window, self.dtype)
        log_px = marginal.log_density
        found = []
        for parts in (closed.parts for closed in _converged(_Block.of(level, x[None], WHOLE))):
            values = parts.values.double() - log_px
            log_mass = (
                values + torch.log(level.rule.weights.double()) + math.log(level.jacobian(parts.halved))
            )
            side = torch.full((len(values),), level.side_at(parts.halved), dtype=torch.float64)
            bound = _upper_bound(level, parts.values).double() - log_px
            found.append((parts.middle, side, bound, level.points(parts), values, log_mass))
        nodes = Nodes(*(torch.cat(each) for each in zip(*found, strict=True)))
        log_joint = partial(joint_log_density, self.decoder, x)
        return ExactPosterior(lambda z: log_joint(z.to(x)), log_px.item(), marginal.error.item(), nodes)

    def elbo(self, x: Tensor, mean: Tensor, log_std: Tensor, part: int = WHOLE) -> Elbo:
        """The ELBO of each image's q (images, d), of the whole or of a half, by quadrature."""
        log_joints = self.log_joints(x, part)
        value, error = elbo_by_quadrature(log_joints, mean, log_std, self.tolerance / 4)
        floor = log_joints.space.log_joint.error(x, part)
        return Elbo(value, error + log_joints.error + floor)

    def refine(self, x: Tensor, mean: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
        """Raise each image's ELBO from the given q (images, d): `refine.refine`."""
        return refine(self.log_joints(x), mean, log_std)

    def normal_points(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Standard normal noise (points, d) and weights (points,) that sum to 1, for means under a q."""
        return gauss_hermite(Q_NODES, self.dimension, like)


def _spacing(log_joint: LowRankDecoder, dimension: int, dtype: torch.dtype) -> float:
    """Of the scan, so close that log-joints have few bends between two points where they may have mass.

    Bends that turn up are where a peak could rise unseen. They are taken by second differences, of images as
    the decoder makes them, around zero.
    """
    z = lattice_of(torch.linspace(-TYPICAL, TYPICAL, round(TRIED ** (1 / dimension)), dtype=dtype), dimension)
    features = log_joint.features((log_joint.decoder(z) > 0).to(dtype))
    spacing = SPACING[dimension]
    while True:
        axis = torch.arange(spacing / 2, BENT_WITHIN, spacing, dtype=dtype)
        axis = torch.cat([-axis.flip(0), axis])
        tables = [log_joint.table(some) for some in lattice_of(axis, dimension).split(1024)]
        values = torch.cat([table.offsets[WHOLE] + features @ table.coordinates.T for table in tables], 1)
        floor = values.amax(1) - BENT_DOWN
        values = values.unflatten(1, [len(axis)] * dimension)
        bends = []
        for along in range(1, dimension + 1):
            before, here, after = values.unfold(along, 3, 1).unbind(-1)
            counts = torch.maximum(torch.maximum(before, after), here) > floor.view(-1, *[1] * dimension)
            bends.append(((before - 2 * here + after) / 8)[counts])
        if torch.cat(bends).quantile(BENT_QUANTILE) <= BENT:
            return spacing
        spacing /= 2


def _is_poor(level: LatentSpace, log_joint: LowRankDecoder) -> bool:
    """Whether polynomials on cells are too poor for images as the decoder makes them, around zero."""
    axis = torch.linspace(-TYPICAL, TYPICAL, 5, dtype=torch.float64)
    at = torch.unique(torch.floor(lattice_of(axis, level.dimension) / level.side).long(), dim=0)
    middle = (at.double() + 0.5) * level.side
    features = log_joint.features((log_joint.decoder(middle.to(level.dtype)) > 0).to(level.dtype))
    cells = decode(level, unknown(torch.arange(len(at)), middle, 0), features, WHOLE)
    return cells.rough.quantile(0.75).item() > level.tolerance / 2


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


def _posterior(level: LatentSpace, x: Tensor, part: int, log_density: Tensor) -> Posterior:
    """The posterior of one image (1, pixels), whose log-density (1,) is known."""
    z, log_weights, log_densities = [], [], []
    for closed in _converged(_Block.of(level, x, part)):
        parts = closed.parts
        z.append(level.points(parts).flatten(0, 1))
        values = parts.values.double() - log_density
        log_densities.append(values.flatten())
        log_weights.append(
            (values + torch.log(level.rule.weights.double())).flatten()
            + math.log(level.jacobian(parts.halved))
        )
    weights = torch.cat(log_weights)
    normalized = weights - torch.logsumexp(weights, 0)
    return Posterior(torch.cat(z), normalized, torch.cat(log_densities), level.dtype)


class _Scan(NamedTuple):
    """What log-joints may reach on each cell (images, cells); what they reach at least, the index of the cell
    where they do, and the highest log-likelihood of a scanned point, (images,) each.
    """

    bound: Tensor
    highest: Tensor
    best: Tensor
    likeliest: Tensor


class _Block(NamedTuple):
    """Images whose cells are held at once: their features (images, rank), the scan, and the errors that no
    halving lowers, floor (images,).
    """

    level: LatentSpace
    features: Tensor
    part: int
    scan: _Scan
    floor: Tensor

    @classmethod
    def of(cls, level: LatentSpace, x: Tensor, part: int) -> "_Block":
        """Scan images (images, pixels)."""
        features = level.log_joint.features(x, part)
        scan = _scanned(level, features, part)
        rounding = torch.finfo(features.dtype).eps * scan.highest.abs().double()
        return cls(level, features, part, scan, level.log_joint.error(x, part) + rounding + LEFT_OUT)

    @property
    def tolerance(self) -> Tensor:
        """What is left of the tolerance for the sums (images,)."""
        return torch.maximum(self.level.tolerance - self.floor, self.floor / 2)


def _integrate(level: LatentSpace, x: Tensor, part: int) -> _Summed:
    """The integrals of exp(log-joint) of images (images, pixels), in blocks."""
    cells = (2 * level.reach) ** level.dimension
    found = []
    left = list(x.split(min(IMAGES_A_BLOCK, max(1, CELLS_SCANNED // cells))))
    while left:
        some = left.pop(0)
        try:
            found.append(_of_block(level, some, part))
        except _TooManyCellsError:
            if len(some) == 1:
                raise UnsummableError(
                    f"log p(x) of an image takes more than {MOST_CELLS:,} cells of the latent space"
                ) from None
            left[:0] = some.chunk(2)
    marginals, *others = zip(*found, strict=True)
    marginal = Marginal(*(torch.cat(each) for each in zip(*marginals, strict=True)))
    return _Summed(marginal, *(torch.cat(each) for each in others))


def _of_block(level: LatentSpace, x: Tensor, part: int) -> _Summed:
    block = _Block.of(level, x, part)
    images = len(x)
    mass, error, on_edge = torch.zeros(3, images, dtype=torch.float64)
    peak, found = torch.full((images,), -torch.inf, dtype=torch.float64), []
    for closed in _converged(block):
        cells = closed.cells
        shrunk = torch.exp(peak - closed.peak)
        peak = closed.peak
        outermost = cells.middle.abs().amax(-1) > level.window - level.side
        mass, error, on_edge = (
            (total * shrunk).index_add(0, cells.image, part_of_it)
            for total, part_of_it in (
                (mass, closed.mass),
                (error, closed.error),
                (on_edge, closed.mass * outermost),
            )
        )
        heights = torch.log(closed.mass) + peak[cells.image]
        found.append((cells.image, heights, _highest(level, closed)))
    log_density = torch.log(mass) + peak
    beyond = torch.exp(block.scan.likeliest + _log_prior_beyond(level) - log_density).clamp(max=1)
    image, log_mass, z = (torch.cat(each) for each in zip(*found, strict=True))
    modes = _heaviest(image, log_mass, z, images)
    draws, flagged = torch.full_like(mass, torch.inf), torch.zeros(images, dtype=torch.bool)
    marginal = Marginal(log_density, error / mass + block.floor, modes, draws, flagged)
    return _Summed(marginal, on_edge / mass, beyond, block.floor)


def _log_prior_beyond(level: LatentSpace) -> float:
    """The logarithm of the prior's mass outside the window, at most (Mills' ratio)."""
    return math.log(level.dimension / level.window * math.sqrt(2 / math.pi)) - level.window**2 / 2


def _converged(block: _Block) -> Iterator[_Closed]:
    """Cells whose integrals have converged; an image's together hold all of its mass.

    A cell may be wrong by a quarter of the tolerance, in proportion to its own mass or to an even share of
    its image's.
    """
    space, features, part = block.level, block.features, block.part
    within = block.tolerance / 4
    cells = _near(block)
    peak = torch.full((len(features),), -torch.inf, dtype=torch.float64)
    done = torch.zeros_like(peak)
    while len(cells.image):
        if len(cells.image) > MOST_CELLS:
            raise _TooManyCellsError
        log_mass, log_tail, highest, bound = _measured(space, cells)
        known = peak.scatter_reduce(0, cells.image, highest, "amax")
        counts = bound >= known[cells.image] - CUT
        cells, unseen = cells.select(counts), (bound - highest > RESOLVED)[counts]
        mass, tail = (torch.exp(each[counts] - known[cells.image]) for each in (log_mass, log_tail))
        done, peak = done * torch.exp(peak - known), known
        allowed = _allowed(within, cells, mass, done)
        error = tail.square() / mass + cells.error * mass
        closed = (error <= allowed) & ~unseen
        converged = cells.select(closed)
        yield _Closed(converged, converged, mass[closed], error[closed], peak)
        done = done.index_add(0, converged.image, mass[closed])
        cells, own, unseen = cells.select(~closed), mass[~closed], unseen[~closed]

        halves = halve(space, cells)
        higher = peak.scatter_reduce(0, halves.image, halves.values.amax(-1).double(), "amax")
        shrunk = torch.exp(peak - higher)
        done, own, peak = done * shrunk, own * shrunk[cells.image], higher
        mass = _masses(space, halves, peak).unflatten(0, (-1, 2**space.dimension)).sum(-1)
        allowed = _allowed(within, cells, mass, done)
        difference, inexact = torch.abs(own - mass), (cells.error + cells.rough) * mass
        # Nodes that lie on a slope, and not on a peak that may stand between them and count: unseen.
        poor = (inexact > allowed) & (cells.halved < DECODED_HALVINGS)
        going = ((difference > allowed) | unseen | poor) & torch.tensor(cells.halved < DEEPEST)
        closed = ~going
        yield _Closed(
            cells.select(closed),
            halves.select(_each_half(closed, space)),
            mass[closed],
            (difference + inexact)[closed],
            peak,
        )
        done = done.index_add(0, cells.image[closed], mass[closed])
        again = going & poor
        left = halves.select(_each_half(going & ~again, space))
        if again.any():
            left = joined(left, decode(space, halves.select(_each_half(again, space)), features, part))
        cells = left


def _allowed(within: Tensor, cells: Cells, mass: Tensor, done: Tensor) -> Tensor:
    """By how much the masses of cells (cells,) may be wrong: within (images,) of their own and of an even
    share of the image's, where done (images,) is the other cells'.
    """
    everything = done.index_add(0, cells.image, mass)
    number = torch.bincount(cells.image, minlength=len(done)) * 2.0**cells.halved
    return within[cells.image] * (mass + (everything / number)[cells.image])


def _measured(space: LatentSpace, cells: Cells) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of cells, (cells,) each: the logarithms of the mass and of the size of its terms of the highest
    degrees; the highest value, and what may be reached.

    An exponential whose Legendre coefficients fall geometrically or faster is integrated by its nodes to
    about the square of its highest ones, as they are of half the degree that is integrated exactly.
    """
    found = []
    for values in cells.values.split(CELLS_A_BLOCK):
        highest = values.amax(-1, keepdim=True)
        above = (values - highest).clamp_(min=NEGLIGIBLE).exp_()
        tail = torch.linalg.vector_norm(above @ space.rule.tail.T, dim=-1) * 2**space.dimension
        logs = torch.log(torch.stack([above @ space.rule.weights, tail]) * space.jacobian(cells.halved))
        found.append(torch.stack([*(logs + highest[:, 0]), highest[:, 0], _upper_bound(space, values)]))
    mass, tail, highest, bound = torch.cat(found, dim=-1).double()
    return mass, tail, highest, bound


def _each_half(mask: Tensor, space: LatentSpace) -> Tensor:
    """A mask of cells as one of their halves."""
    return mask.repeat_interleave(2**space.dimension)


def _near(block: _Block) -> Cells:
    """The first cells on which an image may have mass, from the scan.

    First the one with the highest point, which tells more of the height of the peak, and of the mass.
    """
    space, features, part = block.level, block.features, block.part
    bound, highest, best, _ = block.scan
    is_best = torch.zeros_like(bound, dtype=torch.bool).scatter_(1, best[:, None], True)
    first = decode(space, _cells_of(is_best, space), features, part)
    peak = highest.scatter_reduce(0, first.image, first.values.amax(-1), "amax")
    mass = torch.empty_like(peak).index_copy(0, first.image, _measured(space, first)[0].to(peak))
    others = _cells_of((bound >= peak[:, None] - SCAN_CUT) & ~is_best, space)
    if len(others.image) > MOST_LOOKED_AT:
        raise _TooManyCellsError
    others = _looked_at(space, others, features, part, mass - LOOK_CUT)
    return joined(first, decode(space, others, features, part))


def _scanned(space: LatentSpace, features: Tensor, part: int) -> _Scan:
    scan, found = space.scan(), []
    squares = space.scanned().square().sum(-1)
    constant = space.dimension / 2 * math.log(2 * math.pi)
    for some in features.split(max(1, POINTS_A_SCAN // len(squares))):
        table = torch.addmm(scan.offsets[part], some, scan.coordinates.T)
        likeliest = torch.add(table, squares, alpha=0.5).amax(-1).double() + constant
        table = table.unflatten(-1, [2 * space.reach * space.coarseness] * space.dimension)
        rises = (step / 2 for step in _steps(table))
        bound = _highest_of_cells(sum(rises, start=table), space)
        found.append(_Scan(bound, *_highest_of_cells(table, space).max(-1), likeliest))
    return _Scan(*(torch.cat(each) for each in zip(*found, strict=True)))


def _steps(table: Tensor) -> Iterator[Tensor]:
    """Along each axis, how much a log-joint may change around points of a lattice, up to half of the way to
    the next ones on both sides: (images, *points) -> (images, *points).

    Where it is concave it rises on half of the way from one point to the next by less than on half of the way
    from the one before.
    """
    for axis in range(1, table.dim()):
        length = table.shape[axis] - 1
        steps = torch.abs(table.narrow(axis, 1, length) - table.narrow(axis, 0, length))
        ends = steps.narrow(axis, 0, 1), steps.narrow(axis, length - 1, 1)
        steps = torch.cat([ends[0], steps, ends[1]], dim=axis)
        yield torch.maximum(steps.narrow(axis, 0, length + 1), steps.narrow(axis, 1, length + 1))


def _highest_of_cells(table: Tensor, space: LatentSpace) -> Tensor:
    """From scanned points (images, *points) to cells (images, cells)."""
    for axis in range(1, table.dim()):
        table = table.unflatten(axis, (2 * space.reach, space.coarseness)).amax(axis + 1)
    return table.flatten(1)


def _cells_of(chosen: Tensor, space: LatentSpace) -> Cells:
    """First cells, of which no value is known yet, from a mask (images, cells)."""
    image, cell = chosen.nonzero().unbind(-1)
    side = 2 * space.reach
    # By hand: torch.unravel_index imports sympy, which takes a second.
    at = torch.stack([cell // side**k % side for k in reversed(range(space.dimension))], dim=-1)
    middle = (at.double() - space.reach + 0.5) * space.side
    return unknown(image, middle, 0)


def _looked_at(space: LatentSpace, cells: Cells, features: Tensor, part: int, floor: Tensor) -> Cells:
    """Those of the first cells whose log-mass may reach above floor (images,), by a closer look than the
    scan.
    """
    at, tables = cells.middle / space.side, space.looked_at
    order, values = log_joints_of(cells, at, tables, len(space.look), features, part)
    table = values.unflatten(-1, [LOOKED_AT] * space.dimension)
    # The mean of an exponential over a step, above its value in the middle: sinh(step / 2) / (step / 2).
    steps = (step.clamp(min=SMALLEST_STEP) for step in _steps(table))
    rises = (step / 2 + torch.log(-torch.expm1(-step) / step) for step in steps)
    log_mean = torch.logsumexp(sum(rises, start=table).flatten(1), -1) - math.log(len(space.look))
    counts = torch.zeros(len(order), dtype=torch.bool)
    counts[order] = log_mean + space.dimension * math.log(space.side) >= floor[cells.image[order]]
    return cells.select(counts)


def _masses(space: LatentSpace, cells: Cells, peak: Tensor) -> Tensor:
    """Integrals of exp(log-joint - peak of the image) over cells (cells,)."""
    above = (cells.values - peak.to(cells.values)[cells.image, None]).clamp_(min=NEGLIGIBLE).exp_()
    return (above @ space.rule.weights).double() * space.jacobian(cells.halved)


def _upper_bound(space: LatentSpace, values: Tensor) -> Tensor:
    """What log-joints (cells, nodes) may reach on cells (cells,), by the tangents at all nodes up to half of
    the way to the next ones.

    A tangent lies above a concave function, as a log-joint is around a peak.
    """
    bound = table = values.unflatten(-1, [NODES] * space.dimension)
    for axis in range(1, table.dim()):
        rise = torch.abs(table.transpose(axis, -1) @ space.rule.slope.T)
        bound = bound + rise.transpose(axis, -1)
    highest: Tensor = bound.flatten(1).amax(-1)
    return highest


def _highest(space: LatentSpace, closed: _Closed) -> Tensor:
    """The highest known point of each closed cell (cells, d)."""
    parts, nodes = closed.parts, len(space.rule.nodes)
    number = 2 ** (space.dimension * (parts.halved - closed.cells.halved))
    best = parts.values.view(len(closed.mass), number * nodes).argmax(-1)
    middle = parts.middle[torch.arange(len(best)) * number + best // nodes]
    return middle + space.rule.nodes[best % nodes].double() * (space.side_at(parts.halved) / 2)


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
