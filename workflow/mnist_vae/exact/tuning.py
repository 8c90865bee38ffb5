"""What the integrator's speed and error depend on (docs/exactness.md)."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Lengths are in z, in standard deviations of the prior. Pairs are for one and for two dimensions."""

    # The basis of the logits (`low_rank`).
    basis_error: float = 1e-4  # root mean square norm, over a lattice, of the logits outside their basis
    precise_basis_error: float = 1e-5  # in double precision; eigenvalues do not resolve much less
    basis_slack: float = 1.2  # factor by which a basis may be worse between the points of its lattice
    lattice_spacing: tuple[float, float] = (0.01135, 0.488)  # of the first lattice, which may be refined
    most_lattice_points: int = 112_896  # a lattice is not made finer than this
    lattice_points_a_block: int = 4096  # that are decoded at once
    residuals: int = 32  # points worst served by the basis, from which an image's error is estimated
    rounding: float = 1.0  # error of a log-joint, over the machine's epsilon and the size of its terms

    # The window.
    nearest_window: float = 6.25  # smallest window scanned; the prior has less than 1e-9 of its mass outside
    window_growth: float = 1.5  # factor, for images that may have mass at the window's edge
    largest_window: float = 40.0  # a window beyond this is not grown

    # The scan, and its spacing, which is chosen on images that the decoder makes.
    spacing: tuple[float, float] = (20 / 1024, 20 / 64)  # of scanned points, unless the decoder is steep
    bent: float = 8.0  # nats by which a log-joint may bend upwards between two scanned points
    bent_quantile: float = 0.99  # share of the places tried where it must not bend more
    bent_within: float = 5.0  # distance from zero within which places are tried
    bent_depth: float = 40.0  # nats below an image's highest log-joint, below which places do not count
    tried: int = 256  # images that the decoder makes
    typical: float = 2.0  # largest coordinate of the z from which it makes them
    scan_cut: float = 24.0  # nats below the highest known log-joint, below which a cell is not looked at
    most_scanned: int = 2**18  # points: 3 GB while their table is made, with 784 columns in float64

    # The closer look.
    looked_at: int = 4  # points along each dimension of a cell
    look_cut: float = 12.0  # nats below the log-mass of the highest cell, below which a cell is not decoded

    # Cells.
    nodes: int = 12  # along each dimension of a cell
    coarsest: tuple[int, int] = (8, 4)  # most scanned points along each dimension of a cell, at `spacing`
    poor: float = 40.0  # coefficients of the highest degrees, over the mean error that they indicate
    cut: float = 16.0  # nats below the highest known log-joint, below which a cell does not count
    resolved: float = 3.0  # nats by which a peak may exceed the highest node of a cell that resolves it
    deepest: int = 24  # halvings of a cell: it is 2^-24 as wide then
    decoded_halvings: int = 6  # of a cell for which the decoder is evaluated again
    coarse: float = 0.7  # share of the tolerance; an image with a larger floor is summed in double precision

    # Expectations under a q.
    q_nodes: int = 32  # of Gauss-Hermite quadrature along each dimension, for means

    # Memory and caches: what is held at once.
    most_cells: int = 2**17  # that are integrated: 2 GB for one image
    most_looked_at: int = 2**20  # cells that are looked at, with a ninth of the nodes
    images_a_block: int = 4096  # whose cells are held
    cells_scanned: int = 2**24  # of a block of images
    scanned_a_block: int = 2**18  # log-joints, which fit the cache
    cells_a_block: int = 512  # whose values and sums fit the cache together
    places_a_block: int = 1024  # whose tables are held, whether or not they are kept
    points_a_batch: int = 2304  # that are decoded for tables: 16 cells of 12 x 12 nodes
    bytes_kept: int = 2**30  # of tables of one kind, before all of them are dropped
    polynomials_a_block: int = 8192  # that are evaluated

    @property
    def left_out(self) -> float:
        """Estimated share of an image's mass on the cells that are not decoded."""
        return 4 * math.exp(-self.look_cut)


TUNING = Tuning()
