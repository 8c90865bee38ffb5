"""JAX, batch first: every function compiled, gradient descent too."""

import jax
import jax.numpy as jnp
import numpy as np

keys = jax.random.split(jax.random.PRNGKey(1), 4)
parameters = {
    "A": jax.random.normal(keys[0], (2, 500)) / 2,
    "B": jax.random.normal(keys[1], (500, 784)) / 40,
    "C": jax.random.normal(keys[2], (784, 500)) / 28,
    "D": jax.random.normal(keys[3], (500, 4)) / 40,
}
counter = np.random.default_rng(0)


@jax.jit
def decoder(z):
    return jnp.tanh(z @ parameters["A"]) @ parameters["B"]


@jax.jit
def encoder(x):
    out = jnp.tanh(x @ parameters["C"]) @ parameters["D"]
    return out[:, :2], out[:, 2:]


@jax.jit
def log_prior(z):
    return jax.scipy.stats.norm.logpdf(z).sum(-1)


@jax.jit
def log_likelihood(x, z):
    return -jax.nn.softplus((1 - 2 * x) * decoder(z)).sum(-1)


@jax.jit
def joint_log_density(x, z):
    return log_prior(z) + log_likelihood(x, z)


@jax.jit
def log_q(mean, log_std, z):
    return jax.scipy.stats.norm.logpdf(z, mean, jnp.exp(log_std)).sum(-1)


@jax.jit
def bound(x, key):
    mean, log_std = encoder(x)
    z = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
    return (joint_log_density(x, z) - log_q(mean, log_std, z)).mean()


def elbo(x):
    return bound(x, jax.random.PRNGKey(counter.integers(2**31)))


def loss(x):
    return -elbo(x)


def batches(images):
    order = counter.permutation(len(images))
    return [images[order[start : start + 100]] for start in range(0, len(images), 100)]


@jax.jit
def step(values, x, key):
    def objective(values):
        out = jnp.tanh(x @ values["C"]) @ values["D"]
        z = out[:, :2] + jnp.exp(out[:, 2:]) * jax.random.normal(key, (len(x), 2))
        logits = jnp.tanh(z @ values["A"]) @ values["B"]
        likelihood = -jax.nn.softplus((1 - 2 * x) * logits).sum(-1)
        return (log_q(out[:, :2], out[:, 2:], z) - log_prior(z) - likelihood).mean()

    slopes = jax.grad(objective)(values)
    return {name: values[name] - 3e-4 * slopes[name] for name in values}


def train_model_params(train_x, nepochs):
    for _ in range(nepochs):
        for x in batches(train_x):
            parameters.update(step(parameters, x, jax.random.PRNGKey(counter.integers(2**31))))
