"""Pictures and labels on disk, grey and binarized (docs/model.md, "Data")."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mnist_vae.data.datasets import THRESHOLD
from mnist_vae.errors import InputError
from mnist_vae.files.storage import load_arrays, save_arrays
from mnist_vae.study.images import PIXELS

SAMPLING_SEED = 0


def binarize(grey: np.ndarray, threshold: int = THRESHOLD) -> np.ndarray:
    """Grey values, uint8 -> {0, 1}, uint8: 1 where grey is at least `threshold`."""
    return (grey >= threshold).astype(np.uint8)


def sample_binary(grey: np.ndarray, generator: np.random.RandomState) -> np.ndarray:
    """Grey values, uint8 -> {0, 1}, uint8: each drawn, 1 with probability grey / 255 exactly."""
    return (generator.randint(0, 255, grey.shape, np.uint8) < grey).astype(np.uint8)


def save_digits(path: str | Path, digits: Mapping[str, np.ndarray], provenance: Mapping[str, object]) -> None:
    """Write {train,test}_{images,labels} of one data set, and its name and classes."""
    save_arrays(path, digits, provenance)


def load_digits(path: str | Path, split: str, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read the first `count` images of a split, "train" or "test", and their labels.

    Images are float32 (count, 784): 0 or 1 where the file is `binarize`'s, 0 to 255 where it is `obtain`'s.
    Labels are uint8 (count,). Raises InputError where the file holds anything else, or fewer images.
    """
    digits = load_arrays(path)
    images, labels = digits[f"{split}_images"], digits[f"{split}_labels"]
    for array, shape in ((images, (len(labels), PIXELS)), (labels, (len(labels),))):
        if array.shape != shape or array.dtype != np.uint8:
            raise InputError(
                f"{path}: {array.dtype}{array.shape} among its digits, which must be uint8{shape}; "
                "delete it and run again"
            )
    if count is not None and count > len(images):
        raise InputError(f"{path} has {len(images)} {split} images, {count} were asked for")
    return images[:count].astype(np.float32), labels[:count]
