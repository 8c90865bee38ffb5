"""The no-U-turn sampler (Hoffman & Gelman 2014) by blackjax. It says nothing of log p(x)."""

from collections.abc import Iterator
from typing import Any

import blackjax
import jax
import torch

from mnist_vae.inference.in_jax import key_of, log_prior, to_jax, to_torch
from mnist_vae.inference.problem import Answer, Problem

WARM_UP, DRAWS = 200, 300
DOUBLINGS = 6  # at most, of a trajectory


def nuts(problem: Problem, generator: torch.Generator) -> Iterator[Answer]:
    """One chain an image, from the encoder's answer, after window adaptation."""
    log_likelihood = problem.log_likelihood_in_jax
    keys = jax.random.split(key_of(generator), len(problem.x))

    def of_image(x: jax.Array, key: jax.Array, start: jax.Array) -> tuple[jax.Array, jax.Array]:
        def density(z: jax.Array) -> jax.Array:
            return log_prior(z) + log_likelihood(x)(z)

        warm, key = jax.random.split(key)
        adaptation = blackjax.window_adaptation(blackjax.nuts, density, max_num_doublings=DOUBLINGS)
        (state, parameters), info = adaptation.run(warm, start, WARM_UP)
        step = blackjax.nuts(density, **parameters).step

        def one(state: Any, key: jax.Array) -> tuple[Any, Any]:
            state, info = step(key, state)
            return state, (state.position, info.num_integration_steps)

        _, (z, leapfrogs) = jax.lax.scan(one, state, jax.random.split(key, DRAWS))
        return z, leapfrogs.sum() + info.info.num_integration_steps.sum()

    start = to_jax(problem.mean)
    z, leapfrogs = jax.jit(jax.vmap(of_image))(to_jax(problem.x), keys, start)
    problem.evaluations += 2 * float(leapfrogs.mean())
    yield Answer(f"{WARM_UP} + {DRAWS} steps", draws=to_torch(z.swapaxes(0, 1)))
