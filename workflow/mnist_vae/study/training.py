"""Training: Adam on shuffled batches of the negative ELBO (docs/model.md, part 2), and what recipes add."""

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from mnist_vae.errors import InputError
from mnist_vae.study.cuda import Batches, GraphedEpoch
from mnist_vae.study.networks import VAE
from mnist_vae.study.preconditions import require_binary_images, require_cpu_generator
from mnist_vae.study.products import threads_of_pytorch
from mnist_vae.study.recipe import Recipe
from mnist_vae.study.step import HandDerivedStep, Step


def make_step(vae: VAE, recipe: Recipe) -> HandDerivedStep:
    """The step that `train` takes by default."""
    return HandDerivedStep(vae, recipe)


def shuffled_batches(images: Tensor, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield every image once, in random order; a last partial batch is kept."""
    for indices in torch.randperm(len(images), generator=generator).split(batch_size):
        yield images.index_select(0, indices)


def descend(step: Step, images: Tensor, batches: Batches) -> Tensor:
    """One epoch: a step for each batch, given by indices, noise and rate factor; the summed loss."""
    total = torch.zeros((), dtype=torch.float64, device=images.device)
    with threads_of_pytorch():
        for indices, noise, rate_factor in batches:
            batch_loss = step(images.index_select(0, indices), noise, rate_factor)
            total.add_(batch_loss, alpha=len(indices))
    return total


def train(
    vae: VAE,
    images: Tensor,
    recipe: Recipe,
    generator: torch.Generator,
    variants: Callable[[], Tensor] | None = None,
    step: Step | None = None,
    epochs_done: int = 0,
) -> Iterator[float]:
    """Train in place on images (n, 784), yielding after each epoch its mean loss in nats per image.

    Images hold 0 and 1 only, in the model's precision and on its device. `variants`, where given, makes the
    images of each epoch (n, 784). A batch size above n makes one batch of all images. To resume, pass a step
    of `make_step` with Adam's state restored, and the number of completed epochs. Order and noise come from
    the generator, a CPU's, wherever the model and its images are.

    Raises InputError for any other images, variants or generator before the first step, and once the loss is
    no longer finite.
    """
    require_binary_images(images, vae)
    require_cpu_generator(generator)
    return _epochs(vae, images, recipe, generator, variants, step or make_step(vae, recipe), epochs_done)


def _epochs(
    vae: VAE,
    images: Tensor,
    recipe: Recipe,
    generator: torch.Generator,
    variants: Callable[[], Tensor] | None,
    step: Step,
    epochs_done: int,
) -> Iterator[float]:
    epoch_loss: Callable[[Tensor, Batches], Tensor] = partial(descend, step)
    if images.is_cuda:
        epoch_loss = GraphedEpoch(epoch_loss)
    steps = recipe.epochs * -(-len(images) // recipe.batch_size)
    count = itertools.count(epochs_done * steps // recipe.epochs)
    for epoch in range(epochs_done + 1, recipe.epochs + 1):
        batches = [
            (
                indices,
                torch.randn(len(indices), vae.latent, generator=generator),
                recipe.rate_factor(next(count) / steps),
            )
            for indices in shuffled_batches(torch.arange(len(images)), recipe.batch_size, generator)
        ]
        x = variants() if variants else images
        if epoch == epochs_done + 1:
            require_binary_images(x, vae)
        mean_loss = epoch_loss(x, batches).item() / len(images)
        step.update_model()
        if not math.isfinite(mean_loss):
            raise InputError(
                f"training diverged: epoch {epoch} ended with a loss of {mean_loss}. "
                f"Lower the learning_rate, now {recipe.learning_rate}."
            )
        yield mean_loss
