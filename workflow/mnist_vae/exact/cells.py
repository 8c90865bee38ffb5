"""Log-joints on cells of a latent space of one or two dimensions (docs/exactness.md), in nats.

The space is cut into cells of equal size. On a cell, an image's log-joint is the polynomial through its
values at Gauss-Legendre nodes. The decoder is evaluated once per cell, for all images.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.exact.answers import Part
from mnist_vae.exact.low_rank import LogJoint, Table
from mnist_vae.exact.quadrature import CellRule, cell_rule, lattice_of
from mnist_vae.exact.settings import SUMMED_DIMENSIONS
from mnist_vae.exact.tuning import TUNING

# A key is a number in this base, of an image and two places: more than there are cells side by side, and
# few enough for 64 bits.
PLACES = 2**23


class UnsummableError(ArithmeticError):
    """A sum over the latent space would be too large."""


class OutsideWindowError(UnsummableError):
    """A latent distribution reaches beyond the largest window."""

    def __init__(self, share: float, window: float) -> None:
        super().__init__(f"{share:.1e} of a latent distribution lies beyond {window:g} from zero")
        self.share, self.window = share, window


class Cells(NamedTuple):
    """Cells on which an image's log-joint is known, one row each.

    image (cells,); middle (cells, d); values (cells, nodes) at the nodes of the rule, and their error
    (cells,); rough (cells,), the error that the polynomial through them adds elsewhere. halved, the same for
    all rows, is the number of times that the first cells have been halved.
    """

    image: Tensor
    middle: Tensor
    values: Tensor
    error: Tensor
    rough: Tensor
    halved: int

    def select(self, which: Tensor) -> "Cells":
        """The rows that a mask selects."""
        image, middle, values = self.image[which], self.middle[which], self.values[which]
        return Cells(image, middle, values, self.error[which], self.rough[which], self.halved)


class Grid:
    """Log-joints over a window of a latent space that is cut into cells, for all images. A cell is decoded
    when an image has mass on it, and its table is kept.
    """

    def __init__(
        self,
        log_joint: LogJoint,
        dimension: int,
        *,
        window: float,
        tolerance: float,
        spacing: float,
        coarseness: int = 1,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """The scan takes points of [-window, window]^d, spacing apart; a cell holds coarseness^d of them.
        Raises UnsummableError if there are too many points.
        """
        check_dimension(dimension)
        self.log_joint, self.dimension, self.tolerance, self.dtype = log_joint, dimension, tolerance, dtype
        self.spacing, self.coarseness = spacing, coarseness
        self.side = spacing * coarseness
        self.reach = math.ceil(window / self.side - 1e-9)  # cells from zero to the window's edge
        if (2 * self.reach * coarseness) ** dimension > TUNING.most_scanned:
            raise UnsummableError(
                f"the decoder is so steep that log p(x) takes a scan of points {spacing:g} apart, which are "
                f"more than {TUNING.most_scanned:,} in a window of {self.window:g}"
            )
        self.rule: CellRule = cell_rule(TUNING.nodes, dimension, dtype)
        self._scan: Table | None = None
        axis = (torch.arange(TUNING.looked_at, dtype=dtype) + 0.5) * (2 / TUNING.looked_at) - 1
        self.look = lattice_of(axis, dimension)
        self._looked: dict[tuple[int, ...], Table] = {}
        self._decoded: dict[tuple[int, ...], Table] = {}

    @property
    def window(self) -> float:
        """The grid covers [-window, window]^d."""
        return self.reach * self.side

    def scan(self) -> Table:
        """The table at coarseness^d points of every cell, the last dimension running fastest."""
        if self._scan is None:
            tables = [self.log_joint.table(some) for some in self.scanned().split(TUNING.points_a_batch)]
            coordinates, offsets = zip(*tables, strict=True)
            self._scan = Table(torch.cat(coordinates), torch.cat(offsets, dim=1))
        return self._scan

    def scanned(self) -> Tensor:
        """The points (points, d) of the scan."""
        reach = self.reach * self.coarseness
        axis = (torch.arange(-reach, reach, dtype=self.dtype) + 0.5) * self.spacing
        return lattice_of(axis, self.dimension)

    def looked_at(self, cells: Tensor) -> list[Table]:
        """The tables of first cells (cells, d) at the few points of self.look."""
        return self._tables(self._looked, self.look, 0, cells)

    def decoded(self, halved: int, cells: Tensor) -> list[Table]:
        """The tables of cells (cells, d), counted from zero in units of their own sides, at all nodes."""
        return self._tables(self._decoded, self.rule.nodes, halved, cells)

    def _tables(
        self, known: dict[tuple[int, ...], Table], points: Tensor, halved: int, cells: Tensor
    ) -> list[Table]:
        """The tables at points (points, d) of [-1, 1]^d in each cell. They are kept in known."""
        keys = [(halved, *cell) for cell in cells.tolist()]
        if known and len(known) * next(iter(known.values())).coordinates.nbytes > TUNING.bytes_kept:
            known.clear()
        missing = [key for key in keys if key not in known]
        side, cells_a_batch = self.side_at(halved), max(1, TUNING.points_a_batch // len(points))
        for start in range(0, len(missing), cells_a_batch):
            batch = missing[start : start + cells_a_batch]
            middles = (torch.tensor([key[1:] for key in batch], dtype=torch.float64) + 0.5) * side
            z = middles[:, None] + points.double() * (side / 2)
            table = self.log_joint.table(z.to(self.dtype).flatten(0, 1))
            parts = table.coordinates.split(len(points)), table.offsets.split(len(points), dim=1)
            known.update({key: Table(*part) for key, *part in zip(batch, *parts, strict=True)})
        return [known[key] for key in keys]

    def side_at(self, halved: int) -> float:
        """The side of a cell."""
        return float(self.side / 2**halved)

    def jacobian(self, halved: int) -> float:
        """A cell's volume over that of [-1, 1]^d, on which the rule is defined."""
        return float((self.side_at(halved) / 2) ** self.dimension)

    def points(self, cells: Cells) -> Tensor:
        """Where the nodes of cells lie (cells, nodes, d), in double precision."""
        return cells.middle[:, None] + self.rule.nodes.double() * (self.side_at(cells.halved) / 2)


def decode(grid: Grid, cells: Cells, features: Tensor, part: Part) -> Cells:
    """The cells, sorted by place, with values from the decoder."""
    at, tables = cells.middle / grid.side_at(cells.halved), partial(grid.decoded, cells.halved)
    order, values = log_joints_of(cells, at, tables, len(grid.rule.nodes), features, part)
    rough = torch.linalg.vector_norm(values @ grid.rule.tail.T, dim=-1).double() / TUNING.poor
    return Cells(
        cells.image[order], cells.middle[order], values, torch.zeros_like(rough), rough, cells.halved
    )


def log_joints_of(
    cells: Cells,
    at: Tensor,
    tables: Callable[[Tensor], list[Table]],
    points: int,
    features: Tensor,
    part: Part,
) -> tuple[Tensor, Tensor]:
    """Return the cells' log-joints (cells, points), and the order of the cells (cells,) in which they stand.

    tables takes places (places, d), the floors of at (cells, d), to their tables of that many points.
    """
    places, which = distinct(torch.floor(at).long())
    order = torch.argsort(which, stable=True)
    counts = torch.bincount(which, minlength=len(places)).tolist()
    found = (table for some in places.split(TUNING.places_a_block) for table in tables(some))
    values = features.new_empty(len(order), points)
    start = 0
    for table, count in zip(found, counts, strict=True):
        rows = slice(start, start + count)
        some = features.index_select(0, cells.image[order[rows]])
        # Not by `linear`: oneDNN makes a program for each number of images, and keeps them all.
        torch.addmm(table.offsets[part], some, table.coordinates.T, out=values[rows])
        start += count
    return order, values


def distinct(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The distinct rows of integers (rows, columns), sorted by key, and the index of each row among them
    (rows,).

    Equals torch.unique(dim=0), in a tenth of the time.
    """
    keys, which = torch.unique(keys_of(rows), return_inverse=True)
    found = rows.new_empty(len(keys), rows.shape[1])
    found[which] = rows
    return found, which


def keys_of(rows: Tensor) -> Tensor:
    """One number (rows,) for each of rows (rows, columns), whose columns are images or places."""
    key = rows[:, 0]
    for column in rows[:, 1:].unbind(1):
        key = key * PLACES + column
    return key


def halve(grid: Grid, cells: Cells) -> Cells:
    """Halve cells along all dimensions by their polynomials: 2^d consecutive rows per cell."""
    number, parts = len(cells.image), 2**grid.dimension
    values = (cells.values @ grid.rule.halves.T).view(number * parts, len(grid.rule.nodes))
    sides = lattice_of(torch.tensor([-0.25, 0.25], dtype=torch.float64), grid.dimension)
    middle = (cells.middle[:, None] + sides * grid.side_at(cells.halved)).flatten(0, 1)
    return Cells(
        cells.image.repeat_interleave(parts),
        middle,
        values,
        (cells.error + cells.rough).repeat_interleave(parts),
        torch.zeros(number * parts, dtype=torch.float64),
        cells.halved + 1,
    )


def joined(first: Cells, second: Cells) -> Cells:
    """The rows of both, which must have been halved equally often."""
    return Cells(
        torch.cat([first.image, second.image]),
        torch.cat([first.middle, second.middle]),
        torch.cat([first.values, second.values]),
        torch.cat([first.error, second.error]),
        torch.cat([first.rough, second.rough]),
        first.halved,
    )


def unknown(image: Tensor, middle: Tensor, halved: int) -> Cells:
    """Cells of images (cells,) around middles (cells, d), whose values are not known yet."""
    nothing = torch.zeros(len(image), dtype=torch.float64)
    return Cells(image, middle, middle.new_empty(len(image), 0), nothing, nothing, halved)


def check_dimension(dimension: int) -> None:
    """Raise ValueError if there are too many dimensions for sums."""
    if not 1 <= dimension <= SUMMED_DIMENSIONS:
        raise ValueError(f"sums over a latent space of {dimension} dimensions: only over 1 or 2")
