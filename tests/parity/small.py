"""The ladder's inputs, small enough for tests, and the same on every machine."""

import numpy as np

from mnist_vae.parity.checks import make_inputs, parameter_shapes

BATCH_SIZE, IMAGES, EPOCHS = 10, 20, 5


def weights(**sizes: int) -> dict[str, np.ndarray]:
    """Glorot-uniform weights, small biases. RandomState's streams never change, so no file is needed."""
    random = np.random.RandomState(0)
    return {
        name: random.uniform(-1, 1, shape) * (np.sqrt(6 / sum(shape)) if len(shape) == 2 else 0.1)
        for name, shape in parameter_shapes(**sizes).items()
    }


def images() -> np.ndarray:
    """Random binary images, darker in the middle."""
    darkness = np.outer(np.hanning(28), np.hanning(28)).ravel()
    return (np.random.RandomState(1).uniform(size=(IMAGES, 784)) < darkness).astype(np.uint8)


def inputs(**sizes: int) -> dict[str, np.ndarray]:
    return make_inputs(weights(**sizes), images(), BATCH_SIZE, EPOCHS)
