"""The reference recipe's training step in JAX, if that is installed (docs/model.md, part 2)."""

from importlib.util import find_spec
from typing import Any, NamedTuple

from mnist_vae.benchmarks.epochs import BATCH, RATE
from mnist_vae.study.images import PIXELS
from mnist_vae.study.recipe import Recipe

HIDDEN, LATENT = Recipe.hidden, Recipe.latent

if INSTALLED := find_spec("jax") is not None:
    import jax
    from jax import numpy as jnp


class State(NamedTuple):
    """What a step changes: each layer's weights and biases, Adam's moments and step count, the key."""

    parameters: list
    first: list
    second: list
    count: Any
    key: Any


def start(seed: int) -> State:
    """Glorot-uniform weights and zero biases."""
    key, *keys = jax.random.split(jax.random.key(seed), 5)
    sizes = (PIXELS, HIDDEN), (HIDDEN, 2 * LATENT), (LATENT, HIDDEN), (HIDDEN, PIXELS)
    glorot = jax.nn.initializers.glorot_uniform()
    parameters = [(glorot(one, size), jnp.zeros(size[1])) for one, size in zip(keys, sizes, strict=True)]
    first, second = (jax.tree.map(jnp.zeros_like, parameters) for _ in range(2))
    return State(parameters, first, second, jnp.zeros(()), key)


def loss(parameters: list, x: Any, key: Any) -> Any:
    """-ELBO of images (batch, 784), by one draw of z each."""
    (w1, b1), (w2, b2), (w3, b3), (w4, b4) = parameters
    mean, log_std = jnp.split(jnp.tanh(x @ w1 + b1) @ w2 + b2, 2, axis=-1)
    noise = jax.random.normal(key, mean.shape)
    z = mean + jnp.exp(log_std) * noise
    logits = jnp.tanh(z @ w3 + b3) @ w4 + b4
    log_likelihood = jnp.sum(x * logits - jax.nn.softplus(logits), axis=-1)
    one_draw_kl = jnp.sum(0.5 * z**2 - 0.5 * noise**2 - log_std, axis=-1)
    return jnp.mean(one_draw_kl - log_likelihood)


def step(state: State, x: Any) -> tuple[State, Any]:
    """One step of Adam on images (batch, 784), and the loss before it."""
    key, noise = jax.random.split(state.key)
    value, gradient = jax.value_and_grad(loss)(state.parameters, x, noise)
    count = state.count + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state.first, gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, state.second, gradient)

    def moved(parameter: Any, m: Any, v: Any) -> Any:
        return parameter - RATE * (m / (1 - 0.9**count)) / (jnp.sqrt(v / (1 - 0.999**count)) + 1e-8)

    parameters = jax.tree.map(moved, state.parameters, first, second)
    return State(parameters, first, second, count, key), value


def epoch(state: State, images: Any) -> tuple[State, Any]:
    """Train on every image (n, 784) once, n a multiple of BATCH; return the losses of the steps."""
    key, order = jax.random.split(state.key)
    batches = jax.random.permutation(order, images).reshape(-1, BATCH, PIXELS)
    return jax.lax.scan(step, state._replace(key=key), batches)
