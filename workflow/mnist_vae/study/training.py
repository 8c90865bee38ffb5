"""Training: Adam on shuffled batches of the negative ELBO (SPEC, part 2), and what stronger recipes add."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from mnist_vae.errors import InputError
from mnist_vae.study.adam import Adam
from mnist_vae.study.cuda import GraphedEpoch
from mnist_vae.study.gradient import loss_with_gradient
from mnist_vae.study.networks import LATENT, VAE
from mnist_vae.study.recipe import Recipe


def make_optimizer(vae: VAE, recipe: Recipe) -> Adam:
    """Adam at the recipe's rates."""
    parameters = dict(vae.named_parameters())
    latent_layer = [name for name in parameters if name.startswith("decoder.hidden.")]
    rate = recipe.learning_rate
    return Adam(parameters, rate, dict.fromkeys(latent_layer, rate * recipe.latent_layer_rate))


def shuffled_batches(images: Tensor, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield every image once, in fresh random order; a last partial batch is kept."""
    for indices in torch.randperm(len(images), generator=generator).split(batch_size):
        yield images.index_select(0, indices)


Batches = Sequence[tuple[Tensor, Tensor, float | Tensor]]


@torch.inference_mode()  # what autograd would note of each operation costs a sixtieth of a step
def descend(vae: VAE, optimizer: Adam, images: Tensor, batches: Batches) -> Tensor:
    """One epoch: a step of Adam for each batch, given by indices, noise and rate factor; the summed loss."""
    parameters = dict(vae.named_parameters())
    total = torch.zeros((), dtype=torch.float64, device=images.device)
    for indices, noise, rate_factor in batches:
        batch_loss, gradient = loss_with_gradient(parameters, images.index_select(0, indices), noise)
        optimizer.step(gradient, rate_factor)
        total += batch_loss * len(indices)
    return total


def train(
    vae: VAE,
    images: Tensor,
    recipe: Recipe,
    generator: torch.Generator,
    variants: Callable[[], Tensor] | None = None,
    optimizer: Adam | None = None,
    epochs_done: int = 0,
) -> Iterator[float]:
    """Train in place on images (n, 784), yielding after each epoch its mean loss in nats per image.

    `variants`, where given, makes the images of each epoch anew (n, 784). A training that goes on brings its
    optimizer and how many epochs it has done. Order and noise come from the generator, a CPU's, wherever the
    model and its images are. Raises InputError once the loss is no longer finite.
    """
    optimizer = optimizer or make_optimizer(vae, recipe)
    epoch_loss = partial(descend, vae, optimizer)
    if images.is_cuda:
        epoch_loss = GraphedEpoch(epoch_loss)
    steps = recipe.epochs * -(-len(images) // recipe.batch_size)
    step = itertools.count(epochs_done * steps // recipe.epochs)
    for epoch in range(epochs_done + 1, recipe.epochs + 1):
        batches = [
            (
                indices,
                torch.randn(len(indices), LATENT, generator=generator),
                recipe.rate_factor(next(step) / steps),
            )
            for indices in shuffled_batches(torch.arange(len(images)), recipe.batch_size, generator)
        ]
        mean_loss = epoch_loss(variants() if variants else images, batches).item() / len(images)
        if not math.isfinite(mean_loss):
            raise InputError(
                f"training diverged: epoch {epoch} ended with a loss of {mean_loss}. "
                f"Lower the learning_rate, now {recipe.learning_rate}."
            )
        yield mean_loss
