"""What functions that draw give on average, and how much they vary: by quadrature over the noise."""

from collections.abc import Sequence

import numpy as np

from mnist_vae.check.contract import LATENT, Function
from mnist_vae.check.reference import Array, Right, quadrature

NODES, WEIGHTS = quadrature()


def at_nodes(images: Array) -> Array:
    """The quadrature's nodes for a batch: all its images have one noise."""
    return np.repeat(NODES[:, None, :], len(images), axis=1)


def expectation(function: Function, world: Right, arguments: Sequence[Array]) -> Array:
    """Of a call's result."""
    results = getattr(world, function.name)(*arguments, at_nodes(arguments[0]))
    return np.asarray(np.tensordot(WEIGHTS, results, 1))


def variance(function: Function, world: Right, arguments: Sequence[Array]) -> Array:
    """Of a call's result, where each image has one draw."""
    call, nodes = getattr(world, function.name), at_nodes(arguments[0])
    results = call(*arguments, nodes)
    if function.name == "top_half_elbo" or results.ndim > 1 or world.shared_noise:
        return variances(results)
    # Each image adds its own, by its weight in the result, which a change of its noise alone tells.
    (x,) = arguments
    still, alone = np.zeros((len(x), LATENT)), np.eye(len(x))[..., None] * np.ones(LATENT)
    changed = [call(x, some) for some in np.array_split(alone, max(1, len(x) // 20))]
    change = np.concatenate(changed) - call(x, still)
    change_of_terms = world.elbo_terms(x, np.ones_like(still)) - world.elbo_terms(x, still)
    weights = np.divide(change, change_of_terms, where=change_of_terms != 0, out=np.zeros(len(x)))
    return np.asarray((weights**2 * variances(world.elbo_terms(x, nodes))).sum())


def variances(results: Array) -> Array:
    """Over the noise, of what is given at the quadrature's nodes."""
    means = np.tensordot(WEIGHTS, results, 1)
    return np.tensordot(WEIGHTS, (results - means) ** 2, 1)


def variance_of_likelihood(right: Right, arguments: Sequence[Array]) -> float:
    """What the bound's variance would be with an analytic KL, which is as right as a drawn one."""
    nodes = at_nodes(arguments[0])
    if len(arguments) > 1:
        x, mean, log_std = arguments
        terms = right.top_half_log_likelihood(x, right.sample_diag_gaussian(mean, log_std, nodes))
    else:
        (x,) = arguments
        terms = right.log_likelihood(x, right.sample_diag_gaussian(*right.encoder(x), nodes))
    return float(variances(terms).sum() / len(x) ** 2)
