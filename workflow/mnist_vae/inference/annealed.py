"""Annealed importance sampling with HMC steps (Neal 2001; Wu et al. 2017), and bidirectional Monte Carlo.

Chains go from the prior to the posterior through p(z) p(x | z)^t. Their mean weight has the expectation p(x),
so its logarithm is a stochastic lower bound. A chain that starts from an exact draw of the posterior and goes
back has the expectation 1 / p(x), which gives an upper bound (Grosse, Ghahramani & Adams 2015).
"""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import blackjax
import jax
import jax.numpy as jnp
import torch

from mnist_vae.inference.importance import weighted
from mnist_vae.inference.in_jax import (
    LogLikelihood,
    key_of,
    log_prior,
    to_jax,
    to_torch,
)
from mnist_vae.inference.problem import Answer, Problem

CHAINS = 4
LEAPFROGS = 3  # of one HMC step, of which each temperature has one
EVALUATIONS = CHAINS * (2 * (LEAPFROGS + 1) + 1)  # of the decoder, at one temperature
ACCEPTED = 0.65  # share of steps, to which a run before the first adapts the size of each temperature's step
LEARNING_RATE = 0.1  # of the logarithm of the step size
FIRST_STEP = 0.5
STEEPNESS = 4.0  # of the sigmoid schedule (Grosse, Ghahramani & Adams 2015)


class _Path(NamedTuple):
    """Of each image: chains' ends (chains, d), log-weights (chains,), and step sizes (temperatures,)."""

    z: jax.Array
    log_weight: jax.Array
    step_size: jax.Array


def annealed(problem: Problem, generator: torch.Generator, temperatures: int) -> Iterator[Answer]:
    """The lower bound, by a run whose step sizes were adapted by an earlier one, and the upper bound, by
    chains back from the problem's exact draws.
    """
    setting = f"{temperatures:,} temperatures"
    forward = run(problem, generator, temperatures)
    yield weighted(setting, to_torch(forward.z.swapaxes(0, 1)), to_torch(forward.log_weight.T).double())
    start = to_jax(problem.exact_draws.transpose(0, 1))
    backward = run(problem, generator, temperatures, forward.step_size, start)
    log_weights = to_torch(backward.log_weight.T).double()
    yield Answer(f"{setting}, backward: upper bound", math.log(CHAINS) - torch.logsumexp(-log_weights, 0))


def run(
    problem: Problem,
    generator: torch.Generator,
    temperatures: int,
    step_size: jax.Array | None = None,
    backward_from: jax.Array | None = None,
) -> _Path:
    """Chains of all images: forward from draws of the prior, or backward from the given z (images, CHAINS,
    d).
    """
    images, d = problem.mean.shape
    log_likelihood = problem.log_likelihood_in_jax
    x, keys = to_jax(problem.x), jax.random.split(key_of(generator), images)
    path = jax.jit(jax.vmap(partial(_path, log_likelihood, temperatures, d)))
    if step_size is None:
        adapted = path(x, keys, jnp.full((images, temperatures), FIRST_STEP), None, None)
        step_size = adapted.step_size
        problem.evaluations += EVALUATIONS * temperatures
        keys = jax.vmap(lambda key: jax.random.fold_in(key, 1))(keys)
    problem.evaluations += EVALUATIONS * temperatures
    found: _Path = path(x, keys, step_size, jnp.zeros(images), backward_from)
    return found


def _path(
    log_likelihood: LogLikelihood,
    temperatures: int,
    d: int,
    x: jax.Array,
    key: jax.Array,
    step_size: jax.Array,
    fixed: jax.Array | None,
    backward_from: jax.Array | None,
) -> _Path:
    """One image's. Without `fixed`, each step size is adapted by the acceptance at the temperature before."""
    likelihood = jax.vmap(log_likelihood(x))
    steps = jnp.linspace(-STEEPNESS, STEEPNESS, temperatures + 1)
    schedule = jax.nn.sigmoid(steps)
    schedule = (schedule - schedule[0]) / (schedule[-1] - schedule[0])
    kernel = blackjax.hmc.build_kernel()

    def move(z: jax.Array, key: jax.Array, t: jax.Array, size: jax.Array) -> tuple[jax.Array, jax.Array]:
        def density(z: jax.Array) -> jax.Array:
            return log_prior(z) + t * log_likelihood(x)(z)

        def one(key: jax.Array, z: jax.Array) -> tuple[jax.Array, jax.Array]:
            state, info = kernel(key, blackjax.hmc.init(z, density), density, size, jnp.ones(d), LEAPFROGS)
            return state.position, info.acceptance_rate

        moved, accepted = jax.vmap(one)(jax.random.split(key, CHAINS), z)
        return moved, accepted

    def ahead(carry: Any, at: Any) -> tuple[Any, jax.Array]:
        z, log_weight, factor = carry
        before, t, size, key = at
        log_weight += (t - before) * likelihood(z)
        size = size * jnp.exp(factor)
        z, accepted = move(z, key, t, size)
        if fixed is None:
            factor += LEARNING_RATE * (accepted.mean() - ACCEPTED)
        return (z, log_weight, factor), size

    def back(carry: Any, at: Any) -> tuple[Any, jax.Array]:
        z, log_weight, factor = carry
        before, t, size, key = at
        z, _ = move(z, key, t, size)
        return (z, log_weight + (t - before) * likelihood(z), factor), size

    first, key = jax.random.split(key)
    at = (schedule[:-1], schedule[1:], step_size, jax.random.split(key, temperatures))
    start = jax.random.normal(first, (CHAINS, d)) if backward_from is None else backward_from
    step, reverse = (ahead, False) if backward_from is None else (back, True)
    (z, log_weight, _), step_size = jax.lax.scan(step, (start, jnp.zeros(CHAINS), 0.0), at, reverse=reverse)
    return _Path(z, log_weight, step_size)
