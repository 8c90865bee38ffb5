"""JAX, batch first, with jit."""

import jax
import jax.numpy as jnp

keys = jax.random.split(jax.random.PRNGKey(0), 5)
A, B = jax.random.normal(keys[0], (2, 500)), jax.random.normal(keys[1], (500, 784)) / 20
C, D = jax.random.normal(keys[2], (784, 500)) / 28, jax.random.normal(keys[3], (500, 4)) / 20
state = [keys[4]]


@jax.jit
def decoder(z):
    return jnp.tanh(z @ A) @ B


@jax.jit
def encoder(x):
    return jnp.split(jnp.tanh(x @ C) @ D, 2, axis=-1)


def log_prior(z):
    return jax.scipy.stats.norm.logpdf(z).sum(-1)


def log_likelihood(x, z):
    return -jnp.logaddexp(0.0, (1 - 2 * x) * decoder(z)).sum(-1)


def joint_log_density(x, z):
    return log_prior(z) + log_likelihood(x, z)


def log_q(mean, log_std, z):
    return jax.scipy.stats.norm.logpdf(z, mean, jnp.exp(log_std)).sum(-1)


def elbo(x):
    mean, log_std = encoder(x)
    state[0], key = jax.random.split(state[0])
    z = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
    return (joint_log_density(x, z) - log_q(mean, log_std, z)).mean()


def loss(x):
    return -elbo(x)
