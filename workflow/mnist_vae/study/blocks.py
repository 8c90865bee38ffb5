"""Log-densities of many images at many points, in blocks whose logits fit in a core's cache."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

POINTS_A_BLOCK = 256  # decoded at once: 0.8 MB of logits, which a core's cache can hold


def split(x: Tensor, z: Tensor) -> Iterator[tuple[Tensor, tuple[Tensor, ...]]]:
    """Split images x (images, 784) and points z (points, images, latent) into blocks.

    Yield images, and their points in parts whose points times images are at most POINTS_A_BLOCK: logits that
    do not fit into the cache cost more than decoding them.
    """
    images_a_block = max(1, POINTS_A_BLOCK // len(z))
    for some, column in zip(x.split(images_a_block), z.split(images_a_block, dim=1), strict=True):
        yield some, column.split(POINTS_A_BLOCK)


def in_blocks(density: Callable[[Tensor, Tensor], Tensor], x: Tensor, z: Tensor) -> Tensor:
    """Compute a log-density of x (images, 784) at z (points, images, latent) in blocks: (points, images)."""
    found = [torch.cat([density(some, part) for part in column]) for some, column in split(x, z)]
    return torch.cat(found, dim=1)
