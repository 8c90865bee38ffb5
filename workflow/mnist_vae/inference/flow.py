"""A small neural spline flow (Durkan et al. 2019) by zuko, fitted to each image on top of the encoder's q."""

from collections.abc import Iterator

import torch
import zuko
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from mnist_vae.inference.fitted import fit
from mnist_vae.inference.importance import of_fitted
from mnist_vae.inference.problem import Answer, Problem
from mnist_vae.study.densities import log_prior

TRANSFORMS, BINS, HIDDEN = 2, 8, (16,)


class _Pushed(nn.Module):
    """The flow as a function of noise."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.flow = zuko.flows.NSF(dimension, transforms=TRANSFORMS, bins=BINS, hidden_features=HIDDEN)

    def forward(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Where noise (draws, d) goes, and the logarithm of how much volumes grow there (draws,)."""
        moved, shrunk = self.flow().transform.inv.call_and_ladj(noise)
        return moved, shrunk


def flow(problem: Problem, generator: torch.Generator) -> Iterator[Answer]:
    """One flow per image, all at once."""
    images, dimension = problem.mean.shape
    with torch.random.fork_rng():
        torch.manual_seed(generator.initial_seed())
        flows = [_Pushed(dimension) for _ in range(images)]
    state, buffers = stack_module_state(flows)
    parameters = {name: each.detach().clone() for name, each in state.items()}
    mean, log_std = problem.mean, problem.log_std
    push = vmap(lambda of_one, fixed, noise: functional_call(flows[0], (of_one, fixed), (noise,)))

    def draw(number: int) -> tuple[Tensor, Tensor, Tensor]:
        noise = torch.randn(images, number, dimension, generator=generator)
        moved, growth = push(parameters, buffers, noise)
        z = (mean[:, None] + torch.exp(log_std)[:, None] * moved).transpose(0, 1)
        log_density = (log_prior(noise) - growth - log_std.sum(-1)[:, None]).T
        return z, log_density, torch.full_like(log_density, 1 / number)

    fit(problem, list(parameters.values()), draw)
    with torch.no_grad():
        yield from of_fitted(problem, lambda number: draw(number)[:2])
