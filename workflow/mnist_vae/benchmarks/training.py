"""One epoch of the reference recipe, done in several ways. Each contender returns how many steps it took."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from mnist_vae.benchmarks import jax_training
from mnist_vae.benchmarks.jax_training import BATCH, RATE
from mnist_vae.model import HIDDEN, PIXELS, VAE
from mnist_vae.training import Recipe, train


def contenders(images: Tensor) -> dict[str, Callable[[], int]]:
    """This package's training first; JAX's where it is installed."""
    found = {
        "this package": this_package(images),
        "PyTorch as in common examples": common_example(images),
        "the five large products alone": products_alone(images),
    }
    if jax_training.jax:
        found |= jax_loops(images)
    return found


def this_package(images: Tensor) -> Callable[[], int]:
    """The reference recipe's epoch."""
    generator = torch.Generator().manual_seed(0)
    vae = VAE(generator)

    def epoch() -> int:
        next(train(vae, images, Recipe(1, BATCH, RATE), generator))
        return -(-len(images) // BATCH)

    return epoch


def common_example(images: Tensor) -> Callable[[], int]:
    """DataLoader, Adam with its defaults, KL in closed form: what most published VAEs do."""
    vae = VAE()
    optimizer = torch.optim.Adam(vae.parameters(), lr=RATE)
    loader = DataLoader(TensorDataset(images), batch_size=BATCH, shuffle=True)

    def epoch() -> int:
        for (x,) in loader:
            optimizer.zero_grad()
            mean, log_std = vae.encoder(x)
            z = mean + torch.exp(log_std) * torch.randn_like(mean)
            reconstruction = F.binary_cross_entropy_with_logits(vae.decoder(z), x, reduction="sum")
            kl = -0.5 * torch.sum(1 + 2 * log_std - mean**2 - torch.exp(2 * log_std))
            ((reconstruction + kl) / len(x)).backward()
            optimizer.step()
        return len(loader)

    return epoch


def products_alone(images: Tensor) -> Callable[[], int]:
    """A step's five matrix products of 39 million multiplications each, and nothing else: a lower limit."""
    steps = -(-len(images) // BATCH)
    x = images[:BATCH]
    hidden, hidden_gradient = torch.randn(2, BATCH, HIDDEN).unbind(0)
    logits_gradient = torch.randn(BATCH, PIXELS)
    into, out_of = torch.randn(HIDDEN, PIXELS), torch.randn(PIXELS, HIDDEN)

    @torch.inference_mode()
    def epoch() -> int:
        for _ in range(steps):
            x @ into.T
            hidden @ out_of.T
            hidden_gradient.T @ x
            logits_gradient.T @ hidden
            logits_gradient @ out_of
        return steps

    return epoch


def jax_loops(images: Tensor) -> dict[str, Callable[[], int]]:
    """The same step compiled by JAX: called step by step, and as a whole epoch in one scan."""
    jax = jax_training.jax
    whole = len(images) // BATCH * BATCH
    data = jax.numpy.asarray(images[:whole].numpy())
    step = jax.jit(jax_training.step, donate_argnums=0)
    scan = jax.jit(jax_training.epoch, donate_argnums=0)
    by_step, by_epoch = [jax_training.start(0)], [jax_training.start(0)]

    def step_by_step() -> int:
        batches = torch.randperm(whole).split(BATCH)
        for batch in batches:
            by_step[0], loss = step(by_step[0], data[batch.numpy()])
        loss.block_until_ready()
        return len(batches)

    def in_one_scan() -> int:
        by_epoch[0], losses = scan(by_epoch[0], data)
        return len(losses.block_until_ready())

    return {"JAX, jitted step": step_by_step, "JAX, epoch in one scan": in_one_scan}
