"""Data sets like those that users may bring, made of real digits, and how to write them into a folder."""

import numpy as np

from mnist_vae.data.obtain import obtain_mnist5k

NPZ_NAMES = {
    "train_images": "x_train",
    "train_labels": "y_train",
    "test_images": "x_test",
    "test_labels": "y_test",
}


def some_digits(train=200, test=100):
    """Pictures (count, 28, 28) and labels of the digits that need no download."""
    digits = obtain_mnist5k()
    count = {"train": train, "test": test}
    some = {part: array[: count[part.split("_")[0]]] for part, array in digits.items()}
    return {part: array.reshape(-1, 28, 28) if "images" in part else array for part, array in some.items()}


def on_images(change):
    return lambda digits: {part: change(a) if "images" in part else a for part, a in digits.items()}


def on_labels(change):
    return lambda digits: {part: change(a) if "labels" in part else a for part, a in digits.items()}


def permuted(images):
    order = np.random.default_rng(1).permutation(784)
    return images.reshape(-1, 784)[:, order].reshape(-1, 28, 28)


KINDS = {
    "permuted": on_images(permuted),
    "rotated": on_images(lambda images: np.rot90(images, axes=(1, 2))),
    "inverted": on_images(lambda images: 255 - images),
    "two classes": on_labels(lambda labels: (labels % 2).astype(np.uint8)),
    "47 classes": on_labels(lambda labels: (np.arange(len(labels)) % 47).astype(np.uint8)),
    "without labels": lambda digits: {part: a for part, a in digits.items() if "images" in part},
}


def write_npz(path, digits, **changes):
    """Write an archive as `numpy.savez` users do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {NPZ_NAMES[part]: array for part, array in digits.items()}
    with path.open("wb") as file:  # given a path, NumPy would append .npz to .NPZ
        np.savez_compressed(file, **arrays | changes)
    return path
