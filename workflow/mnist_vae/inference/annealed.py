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
from blackjax.mcmc.hmc import HMCState

from mnist_vae.inference.importance import weighted
from mnist_vae.inference.in_jax import LogLikelihood, key_of, log_prior, to_jax, to_torch
from mnist_vae.inference.problem import Answer, Problem

CHAINS = 4
LEAPFROGS = 3  # leapfrog steps of the one HMC step at each temperature
EVALUATIONS = 2 * LEAPFROGS  # decoder evaluations of a chain at one temperature
ACCEPTED = 0.65  # acceptance rate to which a first chain adapts the step size of each temperature
LEARNING_RATE = 0.1  # rate at which the logarithm of the step size adapts
FIRST_STEP = 0.5
STEEPNESS = 4.0  # steepness of the sigmoid schedule (Grosse, Ghahramani & Adams 2015)
TEMPERATURES = (10, 30, 100, 300, 1_000)


class _Path(NamedTuple):
    """Of each image: chains' ends (chains, d), log-weights (chains,), and step sizes (TEMPERATURES[-1],)."""

    z: jax.Array
    log_weight: jax.Array
    step_size: jax.Array


class _State(NamedTuple):
    """Where a chain is: z (d,), log p(x | z) and its gradient."""

    z: jax.Array
    log_likelihood: jax.Array
    slope: jax.Array


def annealed(problem: Problem, generator: torch.Generator, temperatures: int) -> Iterator[Answer]:
    """The lower bound, by chains whose step sizes an earlier chain adapted, and the upper bound, by chains
    back from the problem's exact draws.
    """
    setting = f"{temperatures:,} temperatures"
    images, d = problem.mean.shape

    def run(kind: str, step_size: jax.Array, start: jax.Array) -> _Path:
        problem.evaluations += EVALUATIONS * start.shape[1] * temperatures
        keys = jax.random.split(key_of(generator), images)
        found: _Path = _paths(
            problem.log_likelihood_in_jax, kind, temperatures, to_jax(problem.x), keys, step_size, start
        )
        return found

    def prior(chains: int) -> jax.Array:
        return to_jax(torch.randn(images, chains, d, generator=generator))

    step_size = run("adapt", jnp.full((images, TEMPERATURES[-1]), FIRST_STEP), prior(1)).step_size
    forward = run("forward", step_size, prior(CHAINS))
    yield weighted(setting, to_torch(forward.z.swapaxes(0, 1)), to_torch(forward.log_weight.T).double())
    backward = run("backward", step_size, to_jax(problem.exact_draws.transpose(0, 1)))
    log_weights = to_torch(backward.log_weight.T).double()
    yield Answer(f"{setting}, backward: upper bound", math.log(CHAINS) - torch.logsumexp(-log_weights, 0))


@partial(jax.jit, static_argnums=(0, 1))
@partial(jax.vmap, in_axes=(None, None, None, 0, 0, 0, 0))
def _paths(
    log_likelihood: LogLikelihood,
    kind: str,
    temperatures: int,
    x: jax.Array,
    key: jax.Array,
    step_size: jax.Array,
    start: jax.Array,
) -> _Path:
    """Chains of each image. Those that "adapt" change each step size by the acceptance at the temperature
    before.
    """
    likelihood = log_likelihood(x)
    kernel = blackjax.hmc.build_kernel()

    def temperature(i: int) -> jax.Array:
        low, high, at = (jax.nn.sigmoid(STEEPNESS * (2 * j / temperatures - 1)) for j in (0, temperatures, i))
        return (at - low) / (high - low)

    def move(state: _State, key: jax.Array, t: jax.Array, size: jax.Array) -> tuple[_State, jax.Array]:
        """An HMC step of one chain at temperature t. The likelihood is known where the step begins."""
        z, log_likelihood, slope = state
        begin = HMCState(z, log_prior(z) + t * log_likelihood, t * slope - z)
        end, info = kernel(
            key, begin, lambda z: log_prior(z) + t * likelihood(z), size, jnp.ones_like(z), LEAPFROGS
        )
        z = end.position
        state = _State(z, (end.logdensity - log_prior(z)) / t, (end.logdensity_grad + z) / t)
        return state, info.acceptance_rate

    def step(i: int, carry: Any) -> Any:
        state, log_weight, step_size, factor = carry
        if kind == "backward":
            i = temperatures - 1 - i
        t, size = temperature(i + 1), step_size[i] * jnp.exp(factor)
        keys = jax.random.split(jax.random.fold_in(key, i), len(start))
        moved, accepted = jax.vmap(move, in_axes=(0, 0, None, None))(state, keys, t, size)
        at = moved if kind == "backward" else state
        log_weight += (t - temperature(i)) * at.log_likelihood
        if kind == "adapt":
            step_size = step_size.at[i].set(size)
            factor += LEARNING_RATE * (accepted.mean() - ACCEPTED)
        return moved, log_weight, step_size, factor

    first = _State(start, *jax.vmap(jax.value_and_grad(likelihood))(start))
    path = first, jnp.zeros(len(start)), step_size, jnp.zeros(())
    end, log_weight, step_size, _ = jax.lax.fori_loop(0, temperatures, step, path)
    return _Path(end.z, log_weight, step_size)
