"""Gaussian quadrature: Gauss-Legendre on a cell of the latent space, Gauss-Hermite under a Gaussian.

Tensor products in any number of dimensions, meant for one or two. A function on a cell is known by its values
at the cell's nodes, hence as the polynomial through them: halving the cell, slopes and the size of the
highest-degree terms are all matrix products with these values.
"""

import math
from collections.abc import Callable
from functools import partial, reduce
from typing import NamedTuple

import numpy as np
import torch
from numpy.polynomial import hermite_e, legendre
from torch import Tensor

from mnist_vae.study.objective import reparameterize

FEWEST_NODES, MOST_NODES = 4, 212  # Gauss-Hermite nodes along each dimension
NEGLIGIBLE_WEIGHT = 1e-14  # beside log-joints of thousands of nats
TAIL = 2  # highest degrees, along each dimension, whose coefficients say how good an interpolation is


class CellRule(NamedTuple):
    """What is needed to work with functions on the cell [-1, 1]^d, given by their values at N = n^d nodes.

    nodes (N, d) and weights (N,) integrate. As matrices on values: halves (2^d N, N) gives the values at the
    nodes of the 2^d half-sized cells, one after the other; tail (terms, N) the coefficients of the highest
    degrees in the Legendre basis. On values along one dimension, slope (n, n) gives the derivative times the
    distance to the nearest other node or wall on the farther side, and to_coefficients (n, n) the Legendre
    coefficients.
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
    to_wall = np.array([2.0, *[1.0] * (n - 1)])  # between nodes a node answers for half of the way
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
    """That of factorized Gaussians (images, d): (images,)."""
    return log_std.sum(-1) + log_std.shape[-1] / 2 * (1 + math.log(2 * math.pi))


class Moments(NamedTuple):
    """At one q per image: the ELBO (images, 1), and the log-joint's expected slope and curvature along each
    dimension, (images, d), in units of q's standard deviations.
    """

    elbo: Tensor
    slope: Tensor
    curvature: Tensor


def gauss_hermite(nodes: int, dimension: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Standard normal noise (points, d) and its weights (points,), which sum to 1, in like's dtype.

    Of the nodes^d points, those of negligible weight are left out: most of them, where there are many.
    """
    points, weights = (torch.from_numpy(part) for part in hermite_e.hermegauss(nodes))
    noise = lattice_of(points, dimension)
    products = reduce(lambda a, b: torch.outer(a, b).flatten(), [weights / weights.sum()] * dimension)
    counts = products > NEGLIGIBLE_WEIGHT
    return noise[counts].to(like), products[counts].to(like)


def moments(log_joint: Callable[[Tensor], Tensor], mean: Tensor, log_std: Tensor, nodes: int) -> Moments:
    """Expectations of the log-joint L under q, by Gauss-Hermite quadrature: nodes^d points of z an image.

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


class Elbo(NamedTuple):
    """Of each image's q (images,), in nats: the ELBO, and how far the last two quadratures of it differ."""

    value: Tensor
    error: Tensor


def elbo_by_quadrature(
    log_joint: Callable[[Tensor, Tensor], Tensor], mean: Tensor, log_std: Tensor, tolerance: float = 1e-3
) -> Elbo:
    """The ELBO of each image's q (images, d), without draws, whatever the width of q.

    log_joint takes indices of images (images,) and z (points, images, d) to (points, images). The nodes along
    each dimension grow by half, until two quadratures in a row agree to the tolerance or MOST_NODES are
    reached: the error then says so. The last is better than their difference.
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
