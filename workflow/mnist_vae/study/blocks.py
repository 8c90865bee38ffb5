"""Log-densities of many images at many points, in blocks whose logits fit in a core's cache."""

from collections.abc import Callable

import torch
from torch import Tensor

POINTS_A_BLOCK = 256  # decoded at once: 0.8 MB of logits, which a core's cache can hold


def in_blocks(density: Callable[[Tensor, Tensor], Tensor], x: Tensor, z: Tensor) -> Tensor:
    """A log-density of images x (images, 784) and z (points, images, 2) -> (points, images).

    It is had for few points at a time: logits that leave the cache cost more than their decoding.
    """
    images_a_block = max(1, POINTS_A_BLOCK // len(z))
    columns = zip(x.split(images_a_block), z.split(images_a_block, dim=1), strict=True)
    found = [[density(images, part) for part in column.split(POINTS_A_BLOCK)] for images, column in columns]
    return torch.cat([torch.cat(column) for column in found], dim=1)
