"""Training by the reference recipe, for any number of epochs."""

from collections.abc import Iterator

import torch
from torch import Tensor

from mnist_vae.study.networks import VAE
from mnist_vae.study.recipe import Recipe
from mnist_vae.study.training import train

BATCH = 100
RATE = 1e-3
MANY = 1_000_000


def reference_epochs(images: Tensor) -> Iterator[float]:
    """Train a new model on images (n, 784), on their device; yield each epoch's mean loss."""
    generator = torch.Generator().manual_seed(0)
    return train(VAE(generator).to(images.device), images, Recipe(MANY, BATCH, RATE), generator)
