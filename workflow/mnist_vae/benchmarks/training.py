"""An epoch of the reference recipe by several implementations. Each contender returns its number of steps."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from mnist_vae.benchmarks import jax_training, pythae_training
from mnist_vae.benchmarks.epochs import BATCH, RATE, reference_epochs
from mnist_vae.study.cuda import find_device
from mnist_vae.study.images import PIXELS
from mnist_vae.study.recipe import Recipe

HIDDEN, LATENT = Recipe.hidden, Recipe.latent


def contenders(images: Tensor) -> dict[str, Callable[[], int]]:
    """All contenders on images (n, 784), this package first; GPU, pythae and JAX only if available."""
    found = {
        "this package": this_package(images),
        "PyTorch as in common examples": common_example(images, plain_vae()),
        "PyTorch, batches in memory, fused Adam": in_memory(images, plain_vae()),
    }
    if torch.cuda.is_available():
        found["this package, on a GPU"] = on_a_gpu(images)
    if pythae_training.INSTALLED:
        found["pythae"] = pythae_training.by_pythae(images)
    if jax_training.INSTALLED:
        found |= jax_loops(images)
    return found | {
        "the five large products alone, by PyTorch": products_alone(images, torch.mm),
        "the five large products alone, by NumPy": products_alone(images, by_numpy),
    }


def this_package(images: Tensor) -> Callable[[], int]:
    """An epoch of `study.training.train`."""
    epochs = reference_epochs(images)

    def epoch() -> int:
        next(epochs)
        return -(-len(images) // BATCH)

    return epoch


def on_a_gpu(images: Tensor) -> Callable[[], int]:
    """An epoch of `study.training.train` on a GPU, from the second one on, when it is recorded."""
    epoch = this_package(images.to(find_device("cuda")))
    epoch()
    return epoch


# --- plain PyTorch ----------------------------------------------------------------------------------------


def plain_vae() -> nn.ModuleDict:
    """The two networks in PyTorch's layers."""
    return nn.ModuleDict(
        {
            "encoder": nn.Sequential(nn.Linear(PIXELS, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 2 * LATENT)),
            "decoder": nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, PIXELS)),
        }
    )


def plain_loss(vae: nn.ModuleDict, x: Tensor) -> Tensor:
    """-ELBO of images (batch, 784) in nats, by one draw of z each and KL in closed form."""
    mean, log_std = vae["encoder"](x).chunk(2, dim=-1)
    z = mean + torch.exp(log_std) * torch.randn_like(mean)
    reconstruction = F.binary_cross_entropy_with_logits(vae["decoder"](z), x, reduction="sum")
    kl = -0.5 * torch.sum(1 + 2 * log_std - mean**2 - torch.exp(2 * log_std))
    return (reconstruction + kl) / len(x)


def plain_steps(vae: nn.ModuleDict, optimizer: torch.optim.Optimizer, batches: Iterable[Tensor]) -> int:
    """Step once per batch (batch, 784), and return the number of steps."""
    steps = 0
    for x in batches:
        optimizer.zero_grad()
        plain_loss(vae, x).backward()
        optimizer.step()
        steps += 1
    return steps


def common_example(images: Tensor, vae: nn.ModuleDict) -> Callable[[], int]:
    """DataLoader, and Adam with its defaults: what most published VAEs do."""
    optimizer = torch.optim.Adam(vae.parameters(), lr=RATE)
    loader = DataLoader(TensorDataset(images), batch_size=BATCH, shuffle=True)
    return lambda: plain_steps(vae, optimizer, (x for (x,) in loader))


def in_memory(images: Tensor, vae: nn.ModuleDict) -> Callable[[], int]:
    """A common example without easily avoided costs: batches are indexed in memory, Adam is fused."""
    optimizer = torch.optim.Adam(vae.parameters(), lr=RATE, fused=True)
    return lambda: plain_steps(
        vae, optimizer, (images[indices] for indices in torch.randperm(len(images)).split(BATCH))
    )


# --- the products --------------------------------------------------------------------------------------


def products_alone(images: Tensor, multiply: Callable[[Tensor, Tensor], Tensor]) -> Callable[[], int]:
    """Only a step's five matrix products of 39 million multiplications each."""
    steps = -(-len(images) // BATCH)
    x = images[:BATCH]
    hidden, hidden_gradient = torch.randn(2, len(x), HIDDEN).unbind(0)
    logits_gradient = torch.randn(len(x), PIXELS)
    into, out_of = torch.randn(HIDDEN, PIXELS), torch.randn(PIXELS, HIDDEN)

    @torch.inference_mode()
    def epoch() -> int:
        for _ in range(steps):
            multiply(x, into.T)
            multiply(hidden, out_of.T)
            multiply(hidden_gradient.T, x)
            multiply(logits_gradient.T, hidden)
            multiply(logits_gradient, out_of)
        return steps

    return epoch


def by_numpy(a: Tensor, b: Tensor) -> Tensor:
    """a @ b, on the memory of the tensors."""
    return torch.from_numpy(np.matmul(a.numpy(), b.numpy()))


# --- JAX --------------------------------------------------------------------------------------------------


def jax_loops(images: Tensor) -> dict[str, Callable[[], int]]:
    """A step compiled by JAX, called step by step, and a whole epoch in one scan."""
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
