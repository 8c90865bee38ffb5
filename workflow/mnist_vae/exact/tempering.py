"""Populations tempered from a wide distribution to each image's posterior: a search without starting points.

Sequential Monte Carlo (Del Moral, Doucet & Jasra 2006): each time the inverse temperature rises, a population
is resampled and then moved by differences of its members (ter Braak 2006). The differences have the
population's scale at every temperature, and some lead from mode to mode.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mnist_vae.exact.answers import LogJoints


@dataclass(frozen=True)
class Tempering:
    """What a search's reach and cost depend on. Lengths are in z, in standard deviations of the prior."""

    particles: int = 256  # per population; fewer than the dimensions would not span space
    scales: tuple[float, ...] = (1, 2, 4, 8, 16)  # of the starting normals; modes were seen at 48
    kept: float = 0.5  # effective share of the particles after a rise; the usual choice
    moves: int = 3  # moves of each particle between two rises
    shortest: float = 1.5  # decades below the best step for a normal, at most: modes may be narrower
    jumps: float = 0.1  # share of moves by a whole difference, as from mode to mode (ter Braak 2006)
    jitter: float = 0.003  # size of the noise added to each move, so that equal particles separate
    bisections: int = 30  # bisections to find a rise, to 1e-9


TEMPERING = Tempering()


def tempered(
    log_joint: LogJoints, images: int, dimension: int, generator: torch.Generator, tuning: Tempering
) -> tuple[Tensor, Tensor]:
    """Return a population for each image (particles, images, d), and its log-joints (particles, images)."""
    z = torch.randn(tuning.particles, images, dimension, generator=generator)
    z *= torch.tensor(tuning.scales)[torch.arange(len(z)) % len(tuning.scales), None, None]
    inverse = torch.zeros(images)
    left = torch.arange(images)
    values, wide = log_joint(left, z), _log_wide(z, tuning)
    while len(left):
        here, its_values, its_wide = z[:, left], values[:, left], wide[:, left]
        rise = _rise(its_values - its_wide, 1 - inverse[left], tuning)
        inverse[left] += rise
        kept = _resampled(rise * (its_values - its_wide), generator)
        here = here.gather(0, kept[..., None].expand_as(here))
        its_values, its_wide = its_values.gather(0, kept), its_wide.gather(0, kept)
        for _ in range(tuning.moves):
            tried = here + _moves(here, generator, tuning)
            new_values, new_wide = log_joint(left, tried), _log_wide(tried, tuning)
            gain = inverse[left] * (new_values - its_values) + (1 - inverse[left]) * (new_wide - its_wide)
            better = torch.rand(gain.shape, generator=generator).log() < gain
            here = torch.where(better[..., None], tried, here)
            its_values = torch.where(better, new_values, its_values)
            its_wide = torch.where(better, new_wide, its_wide)
        z[:, left], values[:, left], wide[:, left] = here, its_values, its_wide
        left = left[inverse[left] < 1]
    return z, values


def _log_wide(z: Tensor, tuning: Tempering) -> Tensor:
    """The log-density that populations start from, an even mixture of normals, up to a constant."""
    scales = torch.tensor(tuning.scales)
    size = (z**2).sum(-1, keepdim=True)
    return torch.logsumexp(-size / (2 * scales**2) - z.shape[-1] * torch.log(scales), -1)


def _rise(log_ratio: Tensor, most: Tensor, tuning: Tempering) -> Tensor:
    """The largest rises of the inverse temperatures (images,) that keep an effective share `tuning.kept`."""

    def serves(rise: Tensor) -> Tensor:
        return 1 / (torch.softmax(rise * log_ratio, 0) ** 2).sum(0) >= tuning.kept * len(log_ratio)

    low, high = torch.zeros_like(most), most
    low = torch.where(serves(most), most, low)
    for _ in range(tuning.bisections):
        middle = (low + high) / 2
        good = serves(middle)
        low, high = torch.where(good, middle, low), torch.where(good, high, middle)
    return low


def _resampled(log_weights: Tensor, generator: torch.Generator) -> Tensor:
    """The indices of the particles (particles, images) that are kept, by systematic resampling."""
    cumulative = torch.softmax(log_weights, 0).cumsum(0).T.contiguous()
    number = cumulative.shape[1]
    at = (torch.arange(number) + torch.rand(len(cumulative), 1, generator=generator)) / number
    return torch.searchsorted(cumulative, at).clamp(max=number - 1).T


def _moves(z: Tensor, generator: torch.Generator, tuning: Tempering) -> Tensor:
    """A move for each particle: the difference of two others."""
    number, images, dimension = z.shape
    first, second = (
        (torch.arange(number)[:, None] + torch.randint(1, number, (number, images), generator=generator))
        % number
        for _ in range(2)
    )
    difference = z.gather(0, first[..., None].expand_as(z)) - z.gather(0, second[..., None].expand_as(z))
    short = 10 ** (-tuning.shortest * torch.rand(number, images, 1, generator=generator))
    length = 2.38 / math.sqrt(2 * dimension) * short
    jump = torch.rand(number, images, 1, generator=generator) < tuning.jumps
    noise = torch.randn(z.shape, generator=generator)
    return difference * torch.where(jump, 1.0, length) + tuning.jitter * noise
