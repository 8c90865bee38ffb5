"""Mean and variance of the results of functions that draw noise, by quadrature over the noise."""

from collections.abc import Sequence

import numpy as np

from mnist_vae.check.contract import LATENT, Function
from mnist_vae.check.reference import Array, Right, quadrature

NODES, WEIGHTS = quadrature()


def at_nodes(images: Array) -> Array:
    """The quadrature's nodes for a batch, with the same noise for all its images."""
    return np.repeat(NODES[:, None, :], len(images), axis=1)


def expectation(function: Function, world: Right, arguments: Sequence[Array]) -> Array:
    """The mean of a call's result."""
    results = getattr(world, function.name)(*arguments, at_nodes(arguments[0]))
    return np.asarray(np.tensordot(WEIGHTS, results, 1))


def variance(function: Function, world: Right, arguments: Sequence[Array]) -> Array:
    """The variance of a call's result, with one draw per image."""
    call, nodes = getattr(world, function.name), at_nodes(arguments[0])
    results = call(*arguments, nodes)
    if function.name == "top_half_elbo" or results.ndim > 1 or world.shared_noise:
        return variances(results)
    # Each image contributes by its weight in the result, which is found by changing its noise alone.
    (x,) = arguments
    still, alone = np.zeros((len(x), LATENT)), np.eye(len(x))[..., None] * np.ones(LATENT)
    changed = [call(x, some) for some in np.array_split(alone, max(1, len(x) // 20))]
    change = np.concatenate(changed) - call(x, still)
    change_of_terms = world.elbo_terms(x, np.ones_like(still)) - world.elbo_terms(x, still)
    weights = np.divide(change, change_of_terms, where=change_of_terms != 0, out=np.zeros(len(x)))
    return np.asarray((weights**2 * variances(world.elbo_terms(x, nodes))).sum())


def variances(results: Array) -> Array:
    """The variance over the noise of results at the quadrature's nodes."""
    means = np.tensordot(WEIGHTS, results, 1)
    return np.tensordot(WEIGHTS, (results - means) ** 2, 1)


def variance_of_likelihood(right: Right, arguments: Sequence[Array]) -> float:
    """The bound's variance with an analytic KL, which is as right as a drawn one."""
    nodes = at_nodes(arguments[0])
    if len(arguments) > 1:
        x, mean, log_std = arguments
        terms = right.top_half_log_likelihood(x, right.sample_diag_gaussian(mean, log_std, nodes))
    else:
        (x,) = arguments
        terms = right.log_likelihood(x, right.sample_diag_gaussian(*right.encoder(x), nodes))
    return float(variances(terms).sum() / len(x) ** 2)
