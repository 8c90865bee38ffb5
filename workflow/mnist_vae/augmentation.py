"""Fresh variants of the training digits: small affine deformations of the grey pictures.

Deformed before binarization, so that a variant's edges are as crisp as a published digit's.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.data import THRESHOLD

SIDE = 28
# At strength 1, each drawn uniformly from ± this:
ROTATION = math.radians(10)
SCALE = 0.10
SHEAR = 0.10
SHIFT = 0.5  # pixels
CHUNK = 1_000  # images deformed at a time


def augment(grey: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Deform each grey picture (n, 784), 0 to 255, at random, and binarize: (n, 784) in {0, 1}."""
    return torch.cat([_deform(chunk, strength, generator) for chunk in grey.split(CHUNK)])


def _deform(grey: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    def uniform(reach: float) -> Tensor:
        return strength * reach * (2 * torch.rand(len(grey), generator=generator) - 1)

    angle, shear = uniform(ROTATION), uniform(SHEAR)
    width, height = 1 + uniform(SCALE), 1 + uniform(SCALE)
    pixel = 2 / SIDE  # the picture spans [-1, 1] in both directions
    cos, sin = torch.cos(angle), torch.sin(angle)
    # Where each pixel of the variant looks in the original.
    look_x = torch.stack([width * cos, shear - width * sin, uniform(SHIFT * pixel)], dim=-1)
    look_y = torch.stack([height * sin, height * cos, uniform(SHIFT * pixel)], dim=-1)
    size = (len(grey), 1, SIDE, SIDE)
    look_at = F.affine_grid(torch.stack([look_x, look_y], dim=1), size, align_corners=False)
    deformed = F.grid_sample(grey.view(size), look_at, align_corners=False)
    return (deformed >= THRESHOLD - 0.5).flatten(1).to(grey.dtype)
