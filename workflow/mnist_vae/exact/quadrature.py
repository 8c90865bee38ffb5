"""Gaussian quadrature: Gauss-Legendre on a cell of the latent space, Gauss-Hermite under a Gaussian.

The rules are tensor products, meant for one or two dimensions. A function on a cell is given by its values at
the cell's nodes, and so by the polynomial through them: the values on the halves of the cell, the slopes and
the highest-degree coefficients are all matrix products with these values.
"""

import math
from collections.abc import Callable
from functools import partial, reduce
from typing import NamedTuple

import numpy as np
import torch
from numpy.polynomial import hermite_e, legendre
from torch import Tensor

from mnist_vae.exact.answers import Elbo
from mnist_vae.study.objective import reparameterize

FEWEST_NODES, MOST_NODES = 4, 212  # Gauss-Hermite nodes along each dimension
NEGLIGIBLE_WEIGHT = 1e-14  # even times a log-joint of thousands of nats
TAIL = 2  # highest degrees along each dimension, whose coefficients indicate the error of a polynomial


class CellRule(NamedTuple):
    """Matrices for functions on the cell [-1, 1]^d that are given by their values at N = n^d nodes.

    nodes (N, d) and weights (N,) integrate. Multiplied with the values, halves (2^d N, N) gives the values at
    the nodes of the 2^d half-sized cells in sequence, and tail (terms, N) the Legendre coefficients of the
    highest degrees. Multiplied with the values along one dimension, slope (n, n) gives the derivative times
    half of the distance to the next node, or times the distance to the wall, on the side where it is larger;
    and to_coefficients (n, n) gives the Legendre coefficients.
    """

    nodes: Tensor
    weights: Tensor
    halves: Tensor
    tail: Tensor
    slope: Tensor
    to_coefficients: Tensor


def cell_rule(n: int, dimension: int, dtype: torch.dtype = torch.float32) -> CellRule:
    """The rule with n nodes along each dimension."""
    nodes, weights = legendre.leggauss(n)
    coefficients = np.linalg.inv(legendre.legvander(nodes, n - 1))
    half = [legendre.legvander((nodes + side) / 2, n - 1) @ coefficients for side in (-1, 1)]
    derivative = legendre.legval(nodes, legendre.legder(np.eye(n))).T @ coefficients
    to_wall = np.array(
        [2.0, *[1.0] * (n - 1)]
    )  # a node covers half of the way to the next node, and all of that to a wall
    ways = np.diff(nodes, prepend=-1, append=1) / 2
    reach = np.maximum(ways[:-1] * to_wall, ways[1:] * to_wall[::-1])

    def product(factors: list[np.ndarray]) -> np.ndarray:
        return reduce(np.kron, factors)

    sides = lattice_of(torch.arange(2), dimension).numpy()
    degrees = lattice_of(torch.arange(n), dimension).amax(-1).numpy()
    matrices = (
        lattice_of(torch.from_numpy(nodes), dimension).numpy(),
        product([weights] * dimension),
        np.concatenate([product([half[side] for side in each]) for each in sides]),
        product([coefficients] * dimension)[degrees >= n - TAIL],
        reach[:, None] * derivative,
        coefficients,
    )
    return CellRule(*(torch.from_numpy(np.ascontiguousarray(each)).to(dtype) for each in matrices))


def lattice_of(axis: Tensor, dimension: int) -> Tensor:
    """The points (len(axis)^dimension, dimension) of a square lattice, the last dimension running fastest."""
    return torch.stack(torch.meshgrid(*[axis] * dimension, indexing="ij"), dim=-1).flatten(0, -2)


def entropy(log_std: Tensor) -> Tensor:
    """The entropy of factorized Gaussians (images, d): (images,), in nats."""
    return log_std.sum(-1) + log_std.shape[-1] / 2 * (1 + math.log(2 * math.pi))


class Moments(NamedTuple):
    """The ELBO (images, 1) at one q per image, and the log-joint's expected slope and curvature along each
    dimension, (images, d), in units of q's standard deviations.
    """

    elbo: Tensor
    slope: Tensor
    curvature: Tensor


def gauss_hermite(nodes: int, dimension: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Standard normal noise (points, d) and its weights (points,), which sum to 1, in like's dtype.

    Points of negligible weight are left out: most of the nodes^d points if there are many.
    """
    points, weights = (torch.from_numpy(part) for part in hermite_e.hermegauss(nodes))
    noise = lattice_of(points, dimension)
    products = reduce(lambda a, b: torch.outer(a, b).flatten(), [weights / weights.sum()] * dimension)
    counts = products > NEGLIGIBLE_WEIGHT
    return noise[counts].to(like), products[counts].to(like)


def moments(log_joint: Callable[[Tensor], Tensor], mean: Tensor, log_std: Tensor, nodes: int) -> Moments:
    """Expectations of the log-joint L under q, by Gauss-Hermite quadrature with nodes^d points of z.

    With u = (z - mean) / std, expected slope and curvature are E_q[u L] and E_q[(u^2 - 1) L] (Stein).
    log_joint takes z (points, images, d) to (points, images).
    """
    dimension = mean.shape[-1]
    noise, weights = gauss_hermite(nodes, dimension, mean)
    u, weights = noise[:, None], weights[:, None]
    values = log_joint(reparameterize(mean, log_std, u))
    expected = (weights * values).sum(0)
    around = (weights * (values - expected))[..., None]
    return Moments((expected + entropy(log_std))[:, None], (around * u).sum(0), (around * (u**2 - 1)).sum(0))


def elbo_by_quadrature(
    log_joint: Callable[[Tensor, Tensor], Tensor], mean: Tensor, log_std: Tensor, tolerance: float = 1e-3
) -> Elbo:
    """The ELBO of each image's q (images, d), without draws, for a q of any width.

    log_joint takes indices of images (images,) and z (points, images, d) to (points, images). The number of
    nodes along each dimension grows by half until two successive quadratures agree to the tolerance or
    MOST_NODES is reached. The error is the difference of the last two; that of the last is smaller.
    """
    left = torch.arange(len(mean))
    value, error = mean.new_full((2, len(mean)), torch.nan, dtype=torch.float64)
    before, nodes = None, FEWEST_NODES
    while len(left) and nodes <= MOST_NODES:
        now = moments(partial(log_joint, left), mean[left], log_std[left], nodes).elbo[:, 0].double()
        value[left] = now
        if before is None:
            before = now
        else:
            error[left] = (now - before).abs()
            going = ~(error[left] <= tolerance)
            left, before = left[going], now[going]
        nodes += max(1, nodes // 2)
    return Elbo(value, error)
