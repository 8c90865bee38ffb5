"""Pictures and labels on disk, grey and binarized."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mnist_vae.errors import InputError
from mnist_vae.files.storage import load_arrays, save_arrays
from mnist_vae.study.images import PIXELS


def save_digits(path: str | Path, digits: Mapping[str, np.ndarray], provenance: Mapping[str, object]) -> None:
    """Write {train,test}_{images,labels} of one data set, and its name and classes."""
    save_arrays(path, digits, provenance)


def load_digits(
    path: str | Path, split: str, count: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read the first `count` images of a split, "train" or "test", and their labels.

    Images are float32 (count, 784): 0 or 1 in files of `binarize`, 0 to 255 in files of `obtain`. Labels are
    uint8 (count,), or None if the data set has none. Raises InputError if the file holds anything else, or
    fewer images.
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
