"""The study's own estimate for more than two dimensions (exact/sampler.py), as one method among others."""

import math
from collections.abc import Iterator

import torch

from mnist_vae.exact.sampler import TUNING, Sampler
from mnist_vae.inference.problem import Answer, Problem


def own_estimate(problem: Problem, generator: torch.Generator) -> Iterator[Answer]:
    """Importance sampling from Student's t around modes."""
    if problem.vae is None:
        return  # it knows VAEs only
    problem.evaluations = math.nan  # it decodes by itself, and does not count
    space = Sampler(problem.vae, generator=generator)
    found = space.log_marginals(problem.x)
    yield Answer(f"{TUNING.draws:,} draws", found.log_density.double())
