"""Training: Adam on shuffled batches of the negative ELBO (SPEC, part 2)."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from mnist_vae.errors import InputError
from mnist_vae.model import LATENT, VAE
from mnist_vae.objective import loss


@dataclass(frozen=True)
class Recipe:
    """How a model is trained."""

    epochs: int
    batch_size: int
    learning_rate: float


def shuffled_batches(images: Tensor, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield every image once, in fresh random order; a last partial batch is kept."""
    for indices in torch.randperm(len(images), generator=generator).split(batch_size):
        yield images[indices]


def train(vae: VAE, images: Tensor, recipe: Recipe, generator: torch.Generator) -> Iterator[float]:
    """Train in place on images (n, 784), yielding after each epoch its mean loss in nats per image.

    Raises InputError once the loss is no longer finite.
    """
    optimizer = torch.optim.Adam(
        vae.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True
    )
    for epoch in range(1, recipe.epochs + 1):
        total = 0.0
        for batch in shuffled_batches(images, recipe.batch_size, generator):
            noise = torch.randn(len(batch), LATENT, generator=generator)
            batch_loss = loss(vae, batch, noise)
            optimizer.zero_grad()
            batch_loss.backward()
            optimizer.step()
            total += batch_loss.item() * len(batch)
        mean_loss = total / len(images)
        if not torch.tensor(mean_loss).isfinite():
            raise InputError(
                f"training diverged: epoch {epoch} ended with a loss of {mean_loss}. "
                f"Lower the learning_rate, now {recipe.learning_rate}."
            )
        yield mean_loss
