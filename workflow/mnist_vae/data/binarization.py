"""From grey to binary pictures (docs/model.md, "Data")."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np

from mnist_vae.errors import InputError
from mnist_vae.parameters import Parameter

THRESHOLD = 128  # least grey value of a pixel that is 1: grey / 255 above 0.5
Threshold = Annotated[
    int, Parameter("least grey value of a pixel that is 1", minimum=1, maximum=255, shown="128")
]


def binarize(grey: np.ndarray, threshold: int = THRESHOLD) -> np.ndarray:
    """Grey values, uint8 -> {0, 1}, uint8: 1 where grey is at least `threshold`."""
    return (grey >= threshold).astype(np.uint8)


def sample_binary(grey: np.ndarray, seed: int) -> np.ndarray:
    """Grey values, uint8 -> {0, 1}, uint8: each pixel drawn, 1 with probability grey / 255.

    By NumPy's RandomState, whose stream is the same in every version.
    """
    draws = np.random.RandomState(seed).randint(0, 255, grey.shape, np.uint8)  # 0 to 254, all as likely
    return (draws < grey).astype(np.uint8)


def binarize_splits(digits: Mapping[str, np.ndarray], threshold: int | None) -> dict[str, np.ndarray]:
    """Binarize the images of {train,test}_{images,labels}, by a threshold or, if that is None, by draws.

    Raises InputError if the threshold makes all pixels 0 or all 1.
    """
    binary = dict(digits)
    for seed, name in enumerate(("train_images", "test_images")):
        grey = digits[name]
        if threshold is None:
            binary[name] = sample_binary(grey, seed)
            continue
        if not grey.min() < threshold <= grey.max():
            raise InputError(
                f"a threshold of {threshold} makes all pixels of the {name.replace('_', ' ')} alike: their "
                f"grey values are {grey.min()} to {grey.max()}; set one above the least, at most the largest"
            )
        binary[name] = binarize(grey, threshold)
    return binary


def about_ink(binary: Mapping[str, np.ndarray]) -> str:
    """Say that pictures look inverted, if more than half of the training images' pixels are 1."""
    if (share := binary["train_images"].mean()) <= 0.5:
        return ""
    return (
        f"{share:.0%} of the pixels are 1: these pictures look inverted (paper 1, ink 0). They are used as "
        "they are; if that is a mistake, save 255 - images.\n"
    )
