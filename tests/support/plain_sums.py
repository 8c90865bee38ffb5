"""Log p(x) of a decoder with one tanh layer by plain sums in double precision, in NumPy alone.

A lattice is scanned for each image's mass and refined there until two successive sums agree.
"""

from typing import NamedTuple

import numpy as np

KEPT = 45.0  # nats below an image's highest scanned log-joint, down to which a square is made finer
AGREED = 1e-5  # nats, between two spacings in a row, at which the finer one is taken
POINTS_A_BLOCK = 2048
FAR_SPACING = 0.5  # of what is scanned beyond the reach that is asked for, for an error if there is mass


class Layers(NamedTuple):
    """A decoder: logits = output @ tanh(hidden @ z + hidden_bias) + output_bias."""

    hidden: np.ndarray
    hidden_bias: np.ndarray
    output: np.ndarray
    output_bias: np.ndarray

    def logits(self, z: np.ndarray) -> np.ndarray:
        """At points (points, d): (points, pixels)."""
        return np.tanh(z @ self.hidden.T + self.hidden_bias) @ self.output.T + self.output_bias


def plain_log_px(
    layers: Layers, x: np.ndarray, reach: float = 16.0, spacing: float = 0.05, farthest: float = 80.0
) -> np.ndarray:
    """Log p of images (images, pixels), over [-reach, reach]^d: (images,).

    The first lattice has this spacing. Raises ArithmeticError if there is mass between reach and farthest.
    """
    x = x.astype(np.float64)
    dimension = layers.hidden.shape[1]
    near = _lattice(reach, spacing, dimension)
    best = np.full(len(x), -np.inf)
    scanned = []
    for start in range(0, len(near), POINTS_A_BLOCK):
        table = _log_joints(layers, x, near[start : start + POINTS_A_BLOCK])
        best = np.maximum(best, table.max(0))
        point, image = np.nonzero(table >= best - KEPT)
        scanned.append((start + point, image, table[point, image]))
    far = _lattice(farthest, FAR_SPACING, dimension)
    far = far[np.abs(far).max(1) > reach]
    for start in range(0, len(far), POINTS_A_BLOCK):
        table = _log_joints(layers, x, far[start : start + POINTS_A_BLOCK])
        if (table.max(0) > best - KEPT).any():
            raise ArithmeticError(f"mass beyond {reach}: {np.flatnonzero(table.max(0) > best - KEPT)}")
    point, image, value = (np.concatenate(part) for part in zip(*scanned, strict=True))
    kept = value >= best[image] - KEPT
    point, image, value = point[kept], image[kept], value[kept]
    total = _summed(value, image, len(x)) + dimension * np.log(spacing)
    middle = near[point]
    going = np.ones(len(x), dtype=bool)
    while going.any():
        kept = going[image]
        middle, image = _halves(middle[kept], spacing), np.repeat(image[kept], 2**dimension)
        spacing /= 2
        value = _at_squares(layers, x, middle, image, spacing)
        finer = _summed(value, image, len(x)) + dimension * np.log(spacing)
        difference = np.where(going, np.abs(finer - total), 0)
        total = np.where(going, finer, total)
        going = difference > AGREED
        peak = np.full(len(x), -np.inf)
        np.maximum.at(peak, image, value)
        kept = value >= peak[image] - KEPT
        middle, image = middle[kept], image[kept]
    return total


def _lattice(reach: float, spacing: float, dimension: int) -> np.ndarray:
    axis = np.arange(-reach + spacing / 2, reach, spacing)
    return np.stack(np.meshgrid(*[axis] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)


def _log_joints(layers: Layers, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Log-joints of images (images, pixels) at points z (points, d): (points, images)."""
    logits = layers.logits(z)
    return logits @ x.T + _offsets(logits, z)[:, None]


def _at_squares(
    layers: Layers, x: np.ndarray, middle: np.ndarray, image: np.ndarray, spacing: float
) -> np.ndarray:
    """Log-joints of images (points,), each at its own point (points, d); distinct points are decoded once."""
    places = np.round(middle / spacing * 2).astype(np.int64)
    _, first, which = np.unique(
        places @ [2**31, 1][: places.shape[1]], return_index=True, return_inverse=True
    )
    order = np.argsort(which, kind="stable")
    value = np.empty(len(which))
    for start in range(0, len(first), POINTS_A_BLOCK):
        z = middle[first[start : start + POINTS_A_BLOCK]]
        logits = layers.logits(z)
        offsets = _offsets(logits, z)
        rows = order[slice(*np.searchsorted(which[order], [start, start + len(z)]))]
        for some in np.array_split(rows, len(rows) // POINTS_A_BLOCK + 1):
            at = which[some] - start
            value[some] = np.einsum("pi,pi->p", logits[at], x[image[some]]) + offsets[at]
    return value


def _offsets(logits: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Log-joints of a blank image: (points,)."""
    return -np.logaddexp(0, logits).sum(1) - (z**2).sum(1) / 2 - z.shape[1] / 2 * np.log(2 * np.pi)


def _halves(middle: np.ndarray, spacing: float) -> np.ndarray:
    dimension = middle.shape[1]
    sides = _lattice(spacing / 2, spacing / 2, dimension)
    return (middle[:, None] + sides).reshape(-1, dimension)


def _summed(value: np.ndarray, image: np.ndarray, images: int) -> np.ndarray:
    peak = np.full(images, -np.inf)
    np.maximum.at(peak, image, value)
    with np.errstate(divide="ignore"):  # an image that is done has no points
        return peak + np.log(np.bincount(image, np.exp(value - peak[image]), images))
