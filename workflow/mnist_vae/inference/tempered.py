"""Adaptive tempered sequential Monte Carlo (Del Moral, Doucet & Jasra 2006) by blackjax."""

from collections.abc import Iterator
from typing import Any

import blackjax
import jax
import jax.numpy as jnp
import torch
from blackjax.smc import extend_params, resampling
from blackjax.smc.tuning.from_particles import particles_covariance_matrix

from mnist_vae.inference.in_jax import key_of, log_prior, to_jax, to_torch
from mnist_vae.inference.problem import Answer, Problem

PARTICLES = 200
STEPS = 10  # random-walk Metropolis steps at each temperature, scaled by the particles' covariance
ESS = 0.5  # effective share of particles that a temperature must leave


def tempered(problem: Problem, generator: torch.Generator) -> Iterator[Answer]:
    """From draws of the prior."""
    images, d = problem.mean.shape
    log_likelihood = problem.log_likelihood_in_jax
    keys = jax.random.split(key_of(generator), images)

    def of_image(x: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        def kernel(key: jax.Array, state: Any, density: Any, covariance: jax.Array) -> Any:
            proposal = blackjax.mcmc.random_walk.normal(jnp.linalg.cholesky(covariance + 1e-10 * jnp.eye(d)))
            return blackjax.additive_step_random_walk.build_kernel()(key, state, density, proposal)

        def tuned(key: jax.Array, state: Any, info: Any) -> Any:
            covariance = jnp.atleast_2d(particles_covariance_matrix(state.particles))
            return extend_params({"covariance": 2.38**2 / d * covariance})

        algorithm = blackjax.inner_kernel_tuning(
            smc_algorithm=blackjax.adaptive_tempered_smc,
            logprior_fn=log_prior,
            loglikelihood_fn=log_likelihood(x),
            mcmc_step_fn=kernel,
            mcmc_init_fn=blackjax.additive_step_random_walk.init,
            resampling_fn=resampling.systematic,
            mcmc_parameter_update_fn=tuned,
            initial_parameter_value=extend_params({"covariance": jnp.eye(d)}),
            target_ess=ESS,
            num_mcmc_steps=STEPS,
        )

        def go_on(carry: Any) -> Any:
            return carry[0].sampler_state.tempering_param < 1

        def step(carry: Any) -> Any:
            state, key, log_px, temperatures = carry
            key, now = jax.random.split(key)
            state, info = algorithm.step(now, state)
            return state, key, log_px + info.log_likelihood_increment, temperatures + 1

        first, key = jax.random.split(key)
        state = algorithm.init(jax.random.normal(first, (PARTICLES, d)))
        state, _, log_px, temperatures = jax.lax.while_loop(go_on, step, (state, key, 0.0, 0))
        return jnp.asarray(log_px), state.sampler_state.particles, jnp.asarray(temperatures)

    # One image after the other: each needs its own number of temperatures.
    log_px, particles, temperatures = jax.lax.map(lambda at: of_image(*at), (to_jax(problem.x), keys))
    problem.evaluations += PARTICLES * (STEPS + 2) * float(temperatures.mean())
    yield Answer(f"{PARTICLES} particles", to_torch(log_px).double(), to_torch(particles.swapaxes(0, 1)))
