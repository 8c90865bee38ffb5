"""The exact posterior p(z | x) of one image as an object for others: draws, density, moments and modes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

PROMINENCE = 0.5  # nats by which a mode's density must exceed that of the pass to a higher one
NEIGHBOURS = 24  # neighbours of a node among which the way uphill is searched


class Nodes(NamedTuple):
    """A posterior on the cells of its sum: the middles (cells, d) and sides (cells,) of the cells, an upper
    bound (cells,) of the log-density in each; and the nodes z (cells, nodes, d) with their log-densities and
    log-masses (cells, nodes).
    """

    middle: Tensor
    side: Tensor
    bound: Tensor
    z: Tensor
    log_density: Tensor
    log_mass: Tensor


class ExactPosterior:
    """P(z | x) of one image, as exact as its log p(x).

    log_px and error are log p(x) and its error in nats; mean (d,) and covariance (d, d) are the posterior's;
    entropy is in nats. modes (modes, d) are its separate peaks, heaviest first, and mode_masses (modes,) the
    shares of the posterior from which the way uphill leads to each.
    """

    def __init__(
        self, log_joint: Callable[[Tensor], Tensor], log_px: float, error: float, nodes: Nodes
    ) -> None:
        """log_joint takes z (points, d) to log p(x, z) (points,)."""
        self.log_joint, self.log_px, self.error, self._nodes = log_joint, log_px, error, nodes
        z, mass = nodes.z.flatten(0, 1).double(), torch.softmax(nodes.log_mass.flatten().double(), 0)
        self.mean = mass @ z
        self.covariance = (mass[:, None] * (z - self.mean)).T @ (z - self.mean)
        self.entropy = -(mass @ nodes.log_density.flatten().double()).item()
        density = nodes.log_density.flatten().numpy()
        mode_of_node = _uphill(z.numpy(), density)
        masses = np.bincount(mode_of_node, mass.numpy())
        order = np.argsort(-masses)
        mode_of_node = np.argsort(order)[mode_of_node]
        self.mode_masses = torch.from_numpy(masses[order])
        peaks = [np.where(mode_of_node == mode, density, -np.inf).argmax() for mode in range(len(order))]
        self.modes = z[torch.tensor(peaks)]
        self._mode_of_node = torch.from_numpy(mode_of_node)

    def log_density(self, z: Tensor) -> Tensor:
        """Log p(z | x) at z (points, d): (points,)."""
        return self.log_joint(z).double() - self.log_px

    def draws(self, n: int, generator: torch.Generator) -> Tensor:
        """Independent draws (n, d): first a cell by its mass, then a point in it by rejection."""
        mass = torch.softmax(torch.logsumexp(self._nodes.log_mass.double(), 1), 0)
        cell = torch.multinomial(mass, n, replacement=True, generator=generator)
        middle, side, bound = (each[cell] for each in self._nodes[:3])
        found = middle.double().clone()
        left = torch.arange(n)
        while len(left):
            within = torch.rand(len(left), middle.shape[1], generator=generator, dtype=torch.float64) - 0.5
            z = middle[left] + within * side[left, None]
            u = torch.rand(len(left), generator=generator, dtype=torch.float64)
            accepted = torch.log(u) < self.log_density(z) - bound[left]
            found[left[accepted]] = z[accepted]
            left = left[~accepted]
        return found

    def mode_of(self, z: Tensor) -> Tensor:
        """The index of the mode to which each of z (points, d) belongs, by the nearest node: (points,)."""
        nodes = self._nodes.z.flatten(0, 1).numpy()
        return self._mode_of_node[cKDTree(nodes).query(z.double().numpy())[1]]


def _uphill(z: np.ndarray, log_density: np.ndarray) -> np.ndarray:
    """The mode, 0, 1, ..., that each of z (points, d) belongs to: (points,).

    Each point joins its highest neighbour, in the order of their heights. Two hills are merged when the pass
    between them is reached, unless both exceed it by PROMINENCE (Chazal et al. 2013, persistence-based
    clustering).
    """
    neighbours = cKDTree(z).query(z, k=min(NEIGHBOURS, len(z)))[1]
    order = np.argsort(-log_density)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    root = np.arange(len(z))

    def top(point: int) -> int:
        while root[point] != point:
            root[point] = root[root[point]]
            point = root[point]
        return point

    for point in order:
        higher = [other for other in neighbours[point] if rank[other] < rank[point]]
        if not higher:
            continue
        hills = sorted({top(other) for other in higher}, key=lambda hill: rank[hill])
        root[point] = hills[0]
        for lower in hills[1:]:
            if log_density[lower] < log_density[point] + PROMINENCE:
                root[lower] = hills[0]
    return np.unique([top(point) for point in range(len(z))], return_inverse=True)[1]
