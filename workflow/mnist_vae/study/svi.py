"""Stochastic variational inference image by image, given the top half (docs/model.md, part 4)."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.study.adam import Adam
from mnist_vae.study.blocks import POINTS_A_BLOCK
from mnist_vae.study.densities import top_half
from mnist_vae.study.networks import Decoder, TopHalfDecoder
from mnist_vae.study.objective import bound_of_q
from mnist_vae.study.preconditions import (
    require_at_least,
    require_binary_images,
    require_cpu_generator,
    require_positive,
)
from mnist_vae.study.recipe import FitSettings


class Scouting(NamedTuple):
    """A round of steps with few draws, after which the best starts of each image are kept."""

    kept: int
    steps: int  # at most; and at most a third of all
    draws: int  # at most


# Found on five MNIST images at a rate of 0.01: by then the starts that end nearest to the posterior have the
# highest ELBO.
SCOUTING = (Scouting(kept=3, steps=300, draws=5), Scouting(kept=1, steps=300, draws=5))
CHOICE_DRAWS = 200  # draws for the ELBO by which the best starts are chosen
GAIN_STEPS, LEAST_GAIN = 100, 0.02  # converged if the mean over so many steps rises by less, in nats

ASSIGNMENT = FitSettings(starts=1, draws=50, steps=100, learning_rate=1e-2)  # docs/model.md, part 4


class Fit(NamedTuple):
    """Each image's q, mean and log_std (images, latent), and the objective in nats (steps, images)."""

    mean: Tensor
    log_std: Tensor
    trace: Tensor


def top_half_elbo(
    decoder: Callable[[Tensor], Tensor], x: Tensor, mean: Tensor, log_std: Tensor, noise: Tensor
) -> Tensor:
    """The ELBO of top_half_joint under q, averaged over draws.

    Shapes: images (images, 784); mean, log_std (images, latent); noise (draws, images, latent) -> (images,).
    """
    return bound_of_q(lambda z: top_half(decoder(z)), top_half(x), mean, log_std, noise).elbo.mean(0)


def fit_top_half(
    decoder: Decoder,
    x: Tensor,
    *,
    draws: int,
    steps: int,
    learning_rate: float,
    generator: torch.Generator,
    starts: int = 1,
) -> Fit:
    """Fit one q to the top half of each image (images, 784): the best of several standard normal starts.

    All starts and images are fitted at once: Adam is elementwise and the summed objective separates, so each
    path is the one it would take alone on the same noise. Of several starts, each round of SCOUTING keeps
    those with the highest ELBO; only the best takes the last steps, with all draws. A path has at most
    `steps` steps, and ends earlier if no image's objective rises any more (LEAST_GAIN).
    The first start is the one that the same generator gives to `starts=1`. Raises InputError unless images
    are of 0 and 1, draws, steps, starts and learning_rate positive, and the generator a CPU's.
    """
    require_binary_images(x, decoder)
    require_at_least(1, draws=draws, steps=steps, starts=starts)
    require_positive(learning_rate=learning_rate)
    require_cpu_generator(generator)
    images, latent = len(x), decoder.hidden.in_features
    half = TopHalfDecoder(decoder)
    drawn = [torch.randn(2, images, latent, generator=generator) for _ in range(starts)]
    mean, log_std = torch.cat(drawn, dim=1).to(x).unbind(0)  # (starts * images, latent), start by start
    trace = x.new_empty(0, starts * images)
    for scouting in SCOUTING:
        if len(mean) > scouting.kept * images:
            several = x.repeat(len(mean) // images, 1)
            size = min(draws, scouting.draws), min(scouting.steps, steps // 3)
            objective = _ascend(half, several, mean, log_std, *size, learning_rate, generator)
            trace = torch.cat([trace, objective])
            best = _best(half, x, mean, log_std, scouting.kept, generator)
            mean, log_std, trace = mean[best], log_std[best], trace[:, best]
    objective = _ascend(half, x, mean, log_std, draws, steps - len(trace), learning_rate, generator)
    return Fit(mean, log_std, torch.cat([trace, objective]))


def _ascend(
    decoder: Callable[[Tensor], Tensor],
    x: Tensor,
    mean: Tensor,
    log_std: Tensor,
    draws: int,
    steps: int,
    learning_rate: float,
    generator: torch.Generator,
) -> Tensor:
    """Move mean and log_std (images, latent) in place, until converged; return the trace (steps, images)."""
    optimizer = Adam({"mean": mean, "log_std": log_std}, learning_rate)
    trace: list[Tensor] = []
    while len(trace) < steps and not _converged(trace):
        noise = torch.randn(draws, *mean.shape, generator=generator).to(x)
        blocks = []
        for some in _in_cache(len(x), draws):
            q = mean[some].requires_grad_(), log_std[some].requires_grad_()
            objective = top_half_elbo(decoder, x[some], *q, noise[:, some])
            blocks.append((objective.detach(), *torch.autograd.grad(-objective.sum(), q)))
        objective, d_mean, d_log_std = (torch.cat(part) for part in zip(*blocks, strict=True))
        optimizer.step({"mean": d_mean, "log_std": d_log_std})
        trace.append(objective)
    return torch.stack(trace) if trace else x.new_empty(0, len(x))


def _converged(trace: list[Tensor]) -> bool:
    """Compare the last GAIN_STEPS steps with those before, after every GAIN_STEPS steps."""
    if len(trace) < 2 * GAIN_STEPS or len(trace) % GAIN_STEPS:
        return False
    before, after = torch.stack(trace[-2 * GAIN_STEPS :]).unflatten(0, (2, GAIN_STEPS)).mean(1)
    return bool((after - before < LEAST_GAIN).all())


@torch.no_grad()
def _best(
    decoder: Callable[[Tensor], Tensor],
    x: Tensor,
    mean: Tensor,
    log_std: Tensor,
    kept: int,
    generator: torch.Generator,
) -> Tensor:
    """The rows (kept * images,) of the best starts of each image, by their ELBO on the same CHOICE_DRAWS."""
    images, starts = len(x), len(mean) // len(x)
    noise = torch.randn(CHOICE_DRAWS, images, mean.shape[-1], generator=generator).to(x)
    x, noise = x.repeat(starts, 1), noise.repeat(1, starts, 1)
    elbo = torch.cat(
        [
            top_half_elbo(decoder, x[some], mean[some], log_std[some], noise[:, some])
            for some in _in_cache(len(x), CHOICE_DRAWS)
        ]
    )
    best = elbo.view(starts, images).topk(kept, dim=0).indices
    return (best * images + torch.arange(images, device=best.device)).flatten()


def _in_cache(rows: int, draws: int) -> tuple[Tensor, ...]:
    """Split rows into blocks whose logits and gradients fit into a core's cache."""
    blocks: tuple[Tensor, ...] = torch.arange(rows).split(max(1, POINTS_A_BLOCK // draws))
    return blocks
