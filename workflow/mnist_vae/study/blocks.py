"""Log-densities of many images at many points, in blocks whose logits fit in a core's cache."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

POINTS_A_BLOCK = 256  # decoded at once: 0.8 MB of logits, which a core's cache can hold


def split(x: Tensor, z: Tensor) -> Iterator[tuple[Tensor, tuple[Tensor, ...]]]:
    """Split images x (images, 784) and points z (points, images, latent) into blocks.

    Yields some images, and their points in parts of at most POINTS_A_BLOCK points and images: logits that
    leave the cache cost more than their decoding.
    """
    images_a_block = max(1, POINTS_A_BLOCK // len(z))
    for some, column in zip(x.split(images_a_block), z.split(images_a_block, dim=1), strict=True):
        yield some, column.split(POINTS_A_BLOCK)


def in_blocks(density: Callable[[Tensor, Tensor], Tensor], x: Tensor, z: Tensor) -> Tensor:
    """A log-density of x (images, 784) and z (points, images, latent) -> (points, images), by blocks."""
    found = [torch.cat([density(some, part) for part in column]) for some, column in split(x, z)]
    return torch.cat(found, dim=1)
