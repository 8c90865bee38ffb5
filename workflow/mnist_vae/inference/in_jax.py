"""The model's log-densities in JAX, for methods by blackjax."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import torch
from torch import Tensor

from mnist_vae.study.networks import Decoder

# From one x (features,) to log p(x | z) as a function of z (d,).
LogLikelihood = Callable[[jax.Array], Callable[[jax.Array], jax.Array]]


def log_likelihood_of(decoder: Decoder) -> LogLikelihood:
    """Log p(x | z) of an image x (784,) as a function of z (d,)."""
    first, second = decoder.hidden, decoder.output
    w, v = (to_jax(layer.weight.T.contiguous()) for layer in (first, second))
    b, c = (to_jax(layer.bias) for layer in (first, second))

    def of_image(x: jax.Array) -> Callable[[jax.Array], jax.Array]:
        def log_likelihood(z: jax.Array) -> jax.Array:
            logits = jnp.tanh(z @ w + b) @ v + c
            return jnp.sum(jax.nn.log_sigmoid((2 * x - 1) * logits))

        return log_likelihood

    return of_image


def log_prior(z: jax.Array) -> jax.Array:
    """Log N(z; 0, I) at z (d,)."""
    return -0.5 * jnp.sum(z**2) - 0.5 * len(z) * jnp.log(2 * jnp.pi)


def to_jax(tensor: Tensor) -> jax.Array:
    """Copy to the other library."""
    return jnp.asarray(tensor.detach().numpy())


def to_torch(array: jax.Array) -> Tensor:
    """Copy to the other library."""
    return torch.tensor(jax.device_get(array))


def key_of(generator: torch.Generator) -> jax.Array:
    """A random key, drawn from the generator."""
    return jax.random.key(int(torch.randint(2**31, (), generator=generator)))
