"""Training: Adam on shuffled batches of the negative ELBO (SPEC, part 2), and what stronger recipes add."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from mnist_vae.errors import InputError
from mnist_vae.model import LATENT, VAE
from mnist_vae.objective import loss


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. The defaults are the reference's: a constant rate, the same for all tensors.

    Over the last `decay` of all steps the rate falls linearly to zero. `latent_layer_rate` multiplies it for
    the decoder's first layer, whose two inputs give it gradients far smaller than the other layers'.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    decay: float = 0.0
    latent_layer_rate: float = 1.0

    def rate_factor(self, progress: float) -> float:
        """What is left of the learning rate when `progress`, 0 to 1, of the training is done."""
        return min(1.0, (1 - progress) / self.decay) if self.decay else 1.0


def make_optimizer(vae: VAE, recipe: Recipe) -> torch.optim.Adam:
    """Adam as the reference sets it, with the decoder's first layer in a group of its own."""
    latent_layer = list(vae.decoder.hidden.parameters())
    others = [*vae.encoder.parameters(), *vae.decoder.output.parameters()]
    groups = [
        {"params": others, "lr": recipe.learning_rate},
        {"params": latent_layer, "lr": recipe.learning_rate * recipe.latent_layer_rate},
    ]
    return torch.optim.Adam(groups, betas=(0.9, 0.999), eps=1e-8, fused=True)


def shuffled_batches(images: Tensor, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield every image once, in fresh random order; a last partial batch is kept."""
    for indices in torch.randperm(len(images), generator=generator).split(batch_size):
        yield images[indices]


def train(
    vae: VAE,
    images: Tensor,
    recipe: Recipe,
    generator: torch.Generator,
    variants: Callable[[], Tensor] | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    epochs_done: int = 0,
) -> Iterator[float]:
    """Train in place on images (n, 784), yielding after each epoch its mean loss in nats per image.

    `variants`, where given, makes the images of each epoch anew (n, 784). A training that goes on brings its
    optimizer and how many epochs it has done. Raises InputError once the loss is no longer finite.
    """
    optimizer = optimizer or make_optimizer(vae, recipe)
    steps_an_epoch = -(-len(images) // recipe.batch_size)
    steps, done = recipe.epochs * steps_an_epoch, epochs_done * steps_an_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: recipe.rate_factor((done + step) / steps)
    )
    for epoch in range(epochs_done + 1, recipe.epochs + 1):
        total = 0.0
        for batch in shuffled_batches(variants() if variants else images, recipe.batch_size, generator):
            noise = torch.randn(len(batch), LATENT, generator=generator)
            batch_loss = loss(vae, batch, noise)
            optimizer.zero_grad()
            batch_loss.backward()
            optimizer.step()
            schedule.step()
            total += batch_loss.item() * len(batch)
        mean_loss = total / len(images)
        if not math.isfinite(mean_loss):
            raise InputError(
                f"training diverged: epoch {epoch} ended with a loss of {mean_loss}. "
                f"Lower the learning_rate, now {recipe.learning_rate}."
            )
        yield mean_loss
