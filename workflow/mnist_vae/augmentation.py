"""Fresh variants of the training digits: small affine and elastic deformations of the grey pictures.

Deformed before binarization, so that a variant is as crisp as a published digit (after Simard, Steinkraus &
Platt 2003, "Best practices for convolutional neural networks applied to visual document analysis").
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.data import THRESHOLD

SIDE = 28
ROTATION = math.radians(8)  # each at strength 1, drawn uniformly from ± this
SCALE = 0.08
SHEAR = 0.08
SHIFT = 0.5  # pixels
BEND = 0.6  # pixels: standard deviation of the elastic displacement at its control points
CONTROL_POINTS = 5  # along a side
CHUNK = 1_000  # images deformed at a time


def augment(grey: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Deform each grey picture (n, 784), 0 to 255, at random, and binarize: (n, 784) in {0, 1}."""
    return torch.cat([_deform(chunk, strength, generator) for chunk in grey.split(CHUNK)])


def _deform(grey: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    n = len(grey)

    def uniform(reach: float) -> Tensor:
        return strength * reach * (2 * torch.rand(n, 1, 1, generator=generator) - 1)

    # Where each pixel of the variant looks in the original; the picture spans [-1, 1] in both directions.
    pixel = 2 / SIDE
    axis = (torch.arange(SIDE) - (SIDE - 1) / 2) * pixel
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    angle = uniform(ROTATION)
    cos, sin = torch.cos(angle), torch.sin(angle)
    shear = uniform(SHEAR)
    new_x = (1 + uniform(SCALE)) * (cos * x - sin * y) + shear * y + uniform(SHIFT * pixel)
    new_y = (1 + uniform(SCALE)) * (sin * x + cos * y) + uniform(SHIFT * pixel)
    bend_x, bend_y = strength * BEND * pixel * _smooth_fields(n, generator)
    look_at = torch.stack([new_x + bend_x, new_y + bend_y], dim=-1)
    deformed = F.grid_sample(grey.view(n, 1, SIDE, SIDE), look_at, align_corners=False)
    return (deformed >= THRESHOLD - 0.5).flatten(1).to(grey.dtype)


def _smooth_fields(n: int, generator: torch.Generator) -> Tensor:
    """Draw two smooth random fields a picture (2, n, 28, 28): bicubic through standard normal points."""
    count = CONTROL_POINTS**2
    bumps = torch.eye(count).view(count, 1, CONTROL_POINTS, CONTROL_POINTS)
    bumps = F.interpolate(bumps, SIDE, mode="bicubic", align_corners=True).view(count, SIDE * SIDE)
    return (torch.randn(2, n, count, generator=generator) @ bumps).view(2, n, SIDE, SIDE)
