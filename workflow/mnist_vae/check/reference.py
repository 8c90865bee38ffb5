"""The right computation of every function of the contract, in NumPy, in pieces that can be made wrong.

The study's own functions (mnist_vae.study) use PyTorch; a test compares both. These do not, so that a check
starts quickly. Features are on the last axis, draws on the first. Sources: docs/model.md.
"""

import copy
from collections.abc import Callable
from typing import Self

import numpy as np

from mnist_vae.check.contract import LATENT

Array = np.ndarray
TOP_PIXELS = 392


class Right:
    """The assignment's functions, for one pair of networks.

    decoder: (..., 2) -> logits (..., 784); encoder: (..., 784) -> mean and log_std (..., 2). Methods call
    each other through `self`, so that a changed one affects all that use it.
    """

    shared_noise = False  # whether the whole batch shares one noise vector
    repeats_noise = False  # whether every call draws the same

    def __init__(
        self, decoder: Callable[[Array], Array], encoder: Callable[[Array], tuple[Array, Array]]
    ) -> None:
        self.decoder = decoder
        self.encoder = encoder

    def but(self, change: Callable[[Self], None]) -> Self:
        """A copy with a change, such as a mistake."""
        changed = copy.copy(self)
        change(changed)
        return changed

    def with_function(self, name: str, other: Self) -> Self:
        """A copy in which one function is that of `other`."""
        if name == "train_model_params":  # it stands for batches and direction, which all belong to it
            return other
        placed = copy.copy(self)
        setattr(placed, name, getattr(other, name))
        if name in ("sample_diag_gaussian", "elbo", "loss", "top_half_elbo", "test_loss"):
            placed.shared_noise = other.shared_noise
        if name in ("elbo", "loss", "test_loss"):
            placed.elbo_terms = other.elbo_terms  # type: ignore[method-assign]
        return placed

    # --- given ---------------------------------------------------------------------------------------------

    def normal(self, x: Array, mean: Array, log_std: Array) -> Array:
        """Elementwise log N(x; mean, exp(log_std)^2)."""
        return -0.5 * ((x - mean) / np.exp(log_std)) ** 2 - log_std - 0.5 * np.log(2 * np.pi)

    def reduce_features(self, terms: Array) -> Array:
        """Sum over latents or pixels."""
        return terms.sum(-1)

    def factorized_gaussian_log_density(self, mean: Array, log_std: Array, x: Array) -> Array:
        """(..., 2) each -> (...)."""
        return self.reduce_features(self.normal(x, mean, log_std))

    def bernoulli_log_density(self, logits: Array, x: Array) -> Array:
        """Elementwise log Bernoulli(x; logistic(logits))."""
        return -np.logaddexp(0.0, -(2 * x - 1) * logits)

    def sample_diag_gaussian(self, mean: Array, log_std: Array, noise: Array) -> Array:
        """The draw at standard normal noise."""
        return mean + np.exp(log_std) * noise

    def binarize(self, grey: Array) -> Array:
        """Grey values in [0, 1] -> {0, 1}."""
        return (grey > 0.5) * 1.0

    def batches(self, images: Array, size: int = 100) -> list[Array]:
        """Every image once; a last partial batch is kept. (A solution shuffles them.)"""
        return [images[start : start + size] for start in range(0, len(images), size)]

    def mnist_img(self, image: Array) -> Array:
        """(784,) -> (28, 28), row by row."""
        return image.reshape(28, 28)

    # --- part 1 --------------------------------------------------------------------------------------------

    def log_prior(self, z: Array) -> Array:
        """Log N(z; 0, I)."""
        return self.factorized_gaussian_log_density(np.zeros(()), np.zeros(()), z)

    def log_likelihood(self, x: Array, z: Array) -> Array:
        """Log p(x | z)."""
        return self.reduce_features(self.bernoulli_log_density(self.decoder(z), x))

    def joint_log_density(self, x: Array, z: Array) -> Array:
        """Log p(x, z)."""
        return self.log_prior(z) + self.log_likelihood(x, z)

    # --- part 2 --------------------------------------------------------------------------------------------

    def log_q(self, mean: Array, log_std: Array, z: Array) -> Array:
        """Log q(z)."""
        return self.factorized_gaussian_log_density(mean, log_std, z)

    def bound(self, joint: Array, log_q: Array) -> Array:
        """One draw's ELBO."""
        return joint - log_q

    def reduce_batch(self, terms: Array) -> Array:
        """Mean over the images of a batch: (..., batch) -> (...)."""
        return terms.mean(-1)

    def elbo_terms(self, x: Array, noise: Array) -> Array:
        """(batch, 784), (..., batch, 2) -> (..., batch)."""
        mean, log_std = self.encoder(x)
        z = self.sample_diag_gaussian(mean, log_std, noise)
        return self.bound(self.joint_log_density(x, z), self.log_q(mean, log_std, z))

    def elbo(self, x: Array, noise: Array) -> Array:
        """The mean ELBO of a batch: (..., batch, 2) -> (...)."""
        return self.reduce_batch(self.elbo_terms(x, noise))

    def loss(self, x: Array, noise: Array) -> Array:
        """What training minimizes."""
        return -self.elbo(x, noise)

    def test_loss(self, x: Array, noise: Array) -> Array:
        """The loss of all test images."""
        return self.loss(x, noise)

    training_direction = -1  # direction of the loss
    trained = frozenset({"decoder", "encoder"})

    def epoch(self, images: Array) -> list[Array]:
        """The batches of one epoch's steps."""
        return self.batches(images)

    # --- part 3 --------------------------------------------------------------------------------------------

    def prior_samples(self, noise: Array) -> Array:
        """Bernoulli means (count, 784) of draws from the prior."""
        return self.means(self.decoder(noise))

    def means(self, logits: Array) -> Array:
        """Bernoulli means."""
        return logistic(logits)

    def interpolation(self, first: Array, second: Array, weight: float) -> Array:
        """Weight times the first, plus the rest times the second."""
        return weight * first + (1 - weight) * second

    def interpolated_picture(self, x_first: Array, x_second: Array, weight: float) -> Array:
        """Bernoulli means between the codes, the encoder's means, of two images."""
        return self.means(
            self.decoder(self.interpolation(self.encoder(x_first)[0], self.encoder(x_second)[0], weight))
        )

    # --- part 4 --------------------------------------------------------------------------------------------

    def top_half(self, x: Array) -> Array:
        """Rows 0 to 13."""
        return x[..., :TOP_PIXELS]

    def top_half_log_likelihood(self, x: Array, z: Array) -> Array:
        """Log p(top half of x | z)."""
        return self.reduce_features(
            self.bernoulli_log_density(self.top_half(self.decoder(z)), self.top_half(x))
        )

    def top_half_joint(self, x: Array, z: Array) -> Array:
        """Log p(top half of x, z)."""
        return self.log_prior(z) + self.top_half_log_likelihood(x, z)

    def reduce_draws(self, terms: Array) -> Array:
        """The mean over draws: each draw's value, since a solution's number of draws is not known."""
        return terms

    def top_half_elbo(self, x: Array, mean: Array, log_std: Array, noise: Array) -> Array:
        """(batch, 784), (batch, 2) twice, noise (..., batch, 2) -> (..., batch)."""
        z = self.sample_diag_gaussian(mean, log_std, noise)
        return self.reduce_draws(self.bound(self.top_half_joint(x, z), self.log_q(mean, log_std, z)))

    def contour_heights(self, log_density: Array) -> Array:
        """A density relative to its peak."""
        return np.exp(log_density - log_density.max())


def logistic(logits: Array) -> Array:
    """Probabilities of logits."""
    return 1 / (1 + np.exp(-logits))


def give_probabilities(right: Right) -> None:
    """Let the decoder return probabilities, and adapt the functions that use it."""
    decoder = right.decoder
    right.decoder = lambda z: logistic(decoder(z))
    right.bernoulli_log_density = (  # type: ignore[method-assign]
        lambda logits, x: x * np.log(logits) + (1 - x) * np.log(1 - logits)
    )
    right.means = lambda logits: logits  # type: ignore[method-assign]


def perceptron(weights: list[Array]) -> Callable[[Array], Array]:
    """A network of one tanh layer: (inputs) -> (outputs) on the last axis."""
    hidden_weight, hidden_bias, output_weight, output_bias = weights
    return lambda x: np.tanh(x @ hidden_weight.T + hidden_bias) @ output_weight.T + output_bias


def halves(output: Array) -> tuple[Array, Array]:
    """An encoder's output, as mean and log_std."""
    return output[..., :LATENT], output[..., LATENT:]


def quadrature(nodes: int = 7) -> tuple[Array, Array]:
    """Nodes (nodes^2, 2) and weights of Gauss-Hermite quadrature under N(0, I) in two dimensions."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.stack(np.meshgrid(points, points, indexing="ij"), axis=-1).reshape(-1, LATENT)
    product = np.outer(weights, weights).ravel()
    return grid, product / product.sum()
