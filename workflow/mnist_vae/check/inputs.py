"""The inputs on which solutions are judged: few images, and known networks.

Known logits lie in (0, 1) and known log standard deviations are positive, so that logits taken for
probabilities, or log_std for std, give recognizable numbers instead of NaN.
"""

from dataclasses import dataclass

import numpy as np

from mnist_vae.check.contract import LATENT, PIXELS
from mnist_vae.check.reference import Array

BATCH = 5
HIDDEN = 3
COPIES = 10  # copies of each image for functions that draw
MANY = 2_000  # number of draws of a sampler
SAMPLES = 500  # number of prior samples
TRAINING = 250  # training images: two batches of 100 and a partial one
TEST_BATCH = 100  # divides the 200 test images, so that the mean of batch means is the mean of all
MILDLY_STEEP = 40.0  # a logit whose sigmoid is rounded to 1
STEEP = 1000.0  # a logit whose exponential overflows


@dataclass(frozen=True)
class Inputs:
    """Arrays by the argument's name, and the networks' weights: hidden weight, bias, output weight, bias."""

    arguments: dict[str, Array]
    decoder: list[Array]
    signs: Array  # signs of a steep decoder's logits
    encoder: list[Array]
    noises: dict[int, Array]  # by batch size
    drawn: dict[str, Array]  # arguments of functions that draw, in place of the others

    def steep_decoder(self, logits: float) -> list[Array]:
        """The known decoder with logits of about this size."""
        return [*self.decoder[:3], logits * self.signs]


def make_inputs() -> Inputs:
    """Make the inputs, by a fixed seed."""
    random = np.random.default_rng(20_200_415)
    uniform, normal = random.uniform, random.standard_normal
    darkness = np.outer(np.hanning(30)[1:-1], np.hanning(34)[1:29]).ravel()
    share = np.array([0.3, 0.6, 0.9, 1.2, 1.5])[:, None]  # images of more and more ink

    def images(shares: Array) -> Array:
        return (uniform(size=(len(shares), PIXELS)) < shares * darkness) * 1.0

    x = images(share)
    arguments = {
        "x": x,
        "x_top": x[:, :392],
        "z": 1.2 * normal((BATCH, LATENT)),
        "q_mean": normal((BATCH, LATENT)),
        "q_log_std": uniform(0.1, 0.8, (BATCH, LATENT)),
        "logits": uniform(0.05, 0.95, (BATCH, PIXELS)),
        "grey": np.rint(images(share) * uniform(1, 255, (BATCH, PIXELS))) / 255,
        "images": images(np.full((TRAINING, 1), 0.8)),
        "image": x[2],
        "many_mean": uniform(-3, 3, (MANY, LATENT)),
        "many_log_std": uniform(0.3, 1.2, (MANY, LATENT)),
        "count": np.array(float(SAMPLES)),
        "z_first": normal((BATCH, LATENT)),
        "z_second": normal((BATCH, LATENT)),
        "x_first": images(share),
        "x_second": images(share[::-1]),
        "weight": np.array(0.3),
        "log_density": -2 + 3 * normal(30),
        "test_images": images(np.repeat([[0.4], [2.0]], TEST_BATCH, axis=0)),
    }
    decoder = [
        normal((HIDDEN, LATENT)),
        0.3 * normal(HIDDEN),
        uniform(-0.09, 0.09, (PIXELS, HIDDEN)),
        uniform(0.35, 0.65, PIXELS),
    ]
    encoder = [
        0.1 * normal((HIDDEN, PIXELS)),
        0.3 * normal(HIDDEN),
        np.concatenate([normal((LATENT, HIDDEN)), uniform(-0.05, 0.05, (LATENT, HIDDEN))]),
        np.concatenate([normal(LATENT), uniform(0.2, 0.6, LATENT)]),
    ]
    signs = np.where(uniform(size=PIXELS) < 0.5, -1.0, 1.0)
    drawn = {
        "x": np.tile(x, (COPIES, 1)),
        "q_mean": arguments["q_mean"][:1],
        "q_log_std": arguments["q_log_std"][:1],
        "x_one": x[2:3],
    }
    noises = {size: normal((size, LATENT)) for size in (1, BATCH, TEST_BATCH)}
    # A test loss has the same noise, whether it is computed batch by batch or on all images at once.
    noises[2 * TEST_BATCH] = np.tile(noises[TEST_BATCH], (2, 1))
    return Inputs(arguments, decoder, signs, encoder, noises, drawn)
