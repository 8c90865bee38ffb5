"""Pictures and labels on disk, grey and binarized (docs/model.md, "Data")."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mnist_vae.data.datasets import THRESHOLD
from mnist_vae.errors import InputError
from mnist_vae.files.storage import load_arrays, save_arrays
from mnist_vae.study.images import PIXELS


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
    """Binarize the images of {train,test}_{images,labels}, by a threshold or, where that is None, by draws.

    Raises InputError where the threshold leaves all pixels 0 or all 1.
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
    """Say that pictures look inverted, where more than half of the training images' pixels are 1."""
    if (share := binary["train_images"].mean()) <= 0.5:
        return ""
    return (
        f"{share:.0%} of the pixels are 1: these pictures look inverted (paper 1, ink 0). They are used as "
        "they are; if that is a mistake, save 255 - images.\n"
    )


def save_digits(path: str | Path, digits: Mapping[str, np.ndarray], provenance: Mapping[str, object]) -> None:
    """Write {train,test}_{images,labels} of one data set, and its name and classes."""
    save_arrays(path, digits, provenance)


def load_digits(
    path: str | Path, split: str, count: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read the first `count` images of a split, "train" or "test", and their labels.

    Images are float32 (count, 784): 0 or 1 where the file is `binarize`'s, 0 to 255 where it is `obtain`'s.
    Labels are uint8 (count,), or None where the data set has none. Raises InputError where the file holds
    anything else, or fewer images.
    """
    digits = load_arrays(path)
    images = digits[f"{split}_images"]
    labels = digits.get(f"{split}_labels")
    total = len(images if labels is None else labels)
    for array, shape in ((images, (total, PIXELS)), (labels, (total,))):
        if array is not None and (array.shape != shape or array.dtype != np.uint8):
            raise InputError(
                f"{path}: {array.dtype}{array.shape} among its digits, which must be uint8{shape}; "
                "delete it and run again"
            )
    if count is not None and count > len(images):
        raise InputError(f"{path} has {len(images)} {split} images, {count} were asked for")
    return images[:count].astype(np.float32), None if labels is None else labels[:count]
