"""Fresh variants of the training digits: small affine deformations of the grey pictures.

They are deformed before binarization, so that a variant's edges are as crisp as a published digit's.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.data.binarization import THRESHOLD
from mnist_vae.study.images import PIXELS, SIDE

# At strength 1, each is drawn uniformly from ± this:
ROTATION = math.radians(10)
SCALE = 0.10
SHEAR = 0.10
SHIFT = 0.5  # pixels
CHUNK = 200  # images deformed at a time
AXIS = (2 * torch.arange(SIDE) + 1) / SIDE - 1  # the pixels' centres: the picture spans [-1, 1]
PLACES = torch.stack([AXIS.repeat(SIDE), AXIS.repeat_interleave(SIDE), torch.ones(PIXELS)])  # x, y and 1


def augment(
    grey: Tensor, strength: float, generator: torch.Generator, threshold: int | None = THRESHOLD
) -> Tensor:
    """Deform each grey picture (n, 784), 0 to 255, at random, and binarize: (n, 784) in {0, 1}.

    A pixel is 1 if it is at least `threshold` or, if that is None, with probability grey / 255.
    """
    variants = torch.empty_like(grey)
    for chunk, place in zip(grey.split(CHUNK), variants.split(CHUNK), strict=True):
        deformed = _deform(chunk, strength, generator)
        if threshold is None:
            place.copy_(255 * torch.rand(deformed.shape, generator=generator).to(grey.device) < deformed)
        else:
            place.copy_(deformed >= threshold - 0.5)
    return variants


def _deform(grey: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    def uniform(reach: float) -> Tensor:
        return strength * reach * (2 * torch.rand(len(grey), generator=generator).to(grey.device) - 1)

    angle, shear = uniform(ROTATION), uniform(SHEAR)
    width, height = 1 + uniform(SCALE), 1 + uniform(SCALE)
    pixel = 2 / SIDE
    cos, sin = torch.cos(angle), torch.sin(angle)
    # The place in the original that each pixel of the variant is taken from.
    look_x = torch.stack([width * cos, shear - width * sin, uniform(SHIFT * pixel)], dim=-1)
    look_y = torch.stack([height * sin, height * cos, uniform(SHIFT * pixel)], dim=-1)
    # As by F.affine_grid, but with one product for all pictures.
    look_at = torch.stack([look_x, look_y], dim=1).flatten(0, 1) @ PLACES.to(grey.device)
    look_at = look_at.view(len(grey), 2, SIDE, SIDE).permute(0, 2, 3, 1)
    return F.grid_sample(grey.view(-1, 1, SIDE, SIDE), look_at, align_corners=False).flatten(1)
