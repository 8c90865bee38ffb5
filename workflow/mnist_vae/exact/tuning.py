"""What the integrator's speed and error depend on (docs/exactness.md)."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Lengths are in z, in standard deviations of the prior. Pairs are for one and for two dimensions."""

    # The basis of the logits (`low_rank`).
    basis_error: float = 1e-4  # root mean square norm, over a lattice, of the logits outside their basis
    precise_basis_error: float = 1e-5  # the same in double precision; eigenvalues do not resolve much less
    basis_slack: float = 1.2  # factor by which a basis may be worse between the points of its lattice
    lattice_spacing: tuple[float, float] = (0.01135, 0.488)  # of the first lattice, which may be refined
    most_lattice_points: int = 112_896  # limit on the refined lattice's size
    lattice_points_a_block: int = 4096  # lattice points decoded at once
    residuals: int = 32  # points worst served by the basis, from which an image's error is estimated
    rounding: float = 1.0  # error of a log-joint, over the machine's epsilon and the size of its terms

    # The window.
    nearest_window: float = 6.25  # smallest window scanned; the prior's mass outside is below 1e-9
    window_growth: float = 1.5  # growth factor of the window if images may have mass at its edge
    largest_window: float = 40.0  # limit of that growth

    # The scan, and its spacing, which is chosen on images that the decoder makes.
    spacing: tuple[float, float] = (20 / 1024, 20 / 64)  # of scanned points, unless the decoder is steep
    bent: float = 8.0  # nats by which a log-joint may bend upwards between two scanned points
    bent_quantile: float = 0.99  # share of the places tried where it must not bend more
    bent_within: float = 5.0  # distance from zero within which places are tried
    bent_depth: float = 40.0  # nats below an image's highest log-joint at which places stop counting
    tried: int = 256  # number of images that the decoder makes
    typical: float = 2.0  # largest coordinate of the z that they are made from
    scan_cut: float = 24.0  # nats below the highest known log-joint at which a cell is skipped
    most_scanned: int = 2**18  # scanned points: 3 GB while their table is made, with 784 columns in float64

    # The closer look.
    looked_at: int = 4  # points along each dimension of a cell
    look_cut: float = 12.0  # nats below the highest cell's log-mass at which a cell is not decoded

    # Cells.
    nodes: int = 12  # nodes along each dimension of a cell
    coarsest: tuple[int, int] = (8, 4)  # most scanned points along each dimension of a cell, at `spacing`
    poor: float = 40.0  # ratio of the highest-degree coefficients to the mean error that they indicate
    cut: float = 16.0  # nats below the highest known log-joint at which a cell stops counting
    resolved: float = 3.0  # nats by which a peak may exceed the highest node of a cell that resolves it
    deepest: int = 24  # limit on the halvings of a cell, which is then 2^-24 as wide
    decoded_halvings: int = 6  # limit on the halvings at which the decoder is evaluated again
    coarse: float = 0.7  # share of the tolerance; an image with a larger floor is summed in double precision

    # Expectations under a q.
    q_nodes: int = 32  # nodes of Gauss-Hermite quadrature along each dimension, for means

    # Memory and caches: what is held at once.
    most_cells: int = 2**17  # cells being integrated: 2 GB for one image
    most_looked_at: int = 2**20  # cells looked at, with a ninth of the nodes
    images_a_block: int = 4096  # images whose cells are held
    cells_scanned: int = 2**24  # scanned cells of a block of images
    scanned_a_block: int = 2**18  # scanned log-joints that fit the cache
    cells_a_block: int = 512  # cells whose values and sums fit the cache together
    places_a_block: int = 1024  # places whose tables are held, whether or not they are kept
    points_a_batch: int = 2304  # points decoded for tables: 16 cells of 12 x 12 nodes
    bytes_kept: int = 2**30  # bytes of tables of one kind, after which all of them are dropped
    polynomials_a_block: int = 8192  # polynomials evaluated at once

    @property
    def left_out(self) -> float:
        """Estimated share of an image's mass on the cells that are not decoded."""
        return 4 * math.exp(-self.look_cut)


TUNING = Tuning()
