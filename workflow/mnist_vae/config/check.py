"""The check of the configuration, before anything runs."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from mnist_vae.config.layers import defaults
from mnist_vae.config.models import (
    complete_recipes,
    completed_images,
    interpolated_images,
    pictured_seed,
    train_sizes,
)
from mnist_vae.config.sections import Config, ConfiguredDataset, ConfiguredRecipe, Sizes
from mnist_vae.data.datasets import DATASETS, Dataset
from mnist_vae.data.obtain import describe
from mnist_vae.errors import InputError
from mnist_vae.parameters import Field, Parameter, names, parameters
from mnist_vae.study.recipe import Recipe

FOLDER_NAME = "it names a folder: a lower-case letter, then up to 39 of these, digits and _"


def check_config(config: Mapping[str, Any]) -> None:
    """Raise InputError with the first wrong key, its value and what is allowed, in one line.

    The configuration must be complete, as `layers.complete_config` makes it.
    """
    try:
        _check_replaced(config)
        _check_values(config)
        _check_together(config)
    except InputError as error:
        raise InputError(f"config: {error}") from error


def _check_values(config: Mapping[str, Any]) -> None:
    """Check each value against its dataclass."""
    _check_keys(config, names_of := [field.name for field in fields(Config)], "", needed=names_of)
    own = _section(config["datasets"], "datasets")
    images: dict[str, int | None] = {name: dataset.train_images for name, dataset in DATASETS.items()}
    images |= dict.fromkeys(own.keys() - images.keys())
    top = {field.name: field for field in parameters(Config)}
    for field in fields(Config):
        name, value = field.name, config[field.name]
        if is_dataclass(field.default):
            settings = parameters(type(field.default))
            _check_keys(value, names_of := [below.name for below in settings], name, needed=names_of)
            for below in settings:
                below.check(value[below.name], f"{name}.{below.name}")
        elif name == "train_sizes":
            _check_train_sizes(value, top[name], name, images)
        elif name == "recipes":
            _check_recipes(value, top[name], images)
        elif name == "datasets":
            _check_datasets(value, top[name])
        else:
            top[name].check(value, name)


def _check_recipes(recipes: object, field: Field, images: Mapping[str, int | None]) -> None:
    _check_keys(recipes, None, "recipes", needed=["reference"])
    required = [setting.name for setting in parameters(Recipe) if setting.default is MISSING]
    for recipe, values in _section(recipes, "recipes").items():
        _check_name(recipe, field)
        place = f"recipes.{recipe}"
        _check_keys(values, names(ConfiguredRecipe), place, required if recipe == "reference" else ())
        for setting in parameters(ConfiguredRecipe):
            if setting.name not in values:
                continue
            value, name = values[setting.name], f"{place}.{setting.name}"
            if setting.kind == Sizes:
                _check_train_sizes(value, setting, name, images)
            elif setting.kind in (int, float) and isinstance(value, Mapping):
                _check_by_train_size(value, setting, name)
            else:
                setting.check(value, name)


def _check_by_train_size(numbers: Mapping[str, Any], field: Field, name: str) -> None:
    """Check a setting by train size, such as {"1": 400, "4000": 75}: 75 from 4,000 images, 400 below."""
    _check_keys(numbers, None, name, needed=["1"])
    for size, number in numbers.items():
        if not re.fullmatch("[1-9][0-9]*", size):
            raise InputError(f"{name} has the key {size!r}; it must be a train size, 1 or more")
        field.check(number, f"{name}.{size}")


def _check_train_sizes(sizes: object, field: Field, name: str, images: Mapping[str, int | None]) -> None:
    _check_keys(sizes, images, name)
    for dataset, values in _section(sizes, name).items():
        bounds = Parameter(field.parameter.help, minimum=1, maximum=images[dataset], unique=True)
        Field(dataset, tuple, int, MISSING, False, bounds).check(values, f"{name}.{dataset}")


def _check_datasets(datasets: object, field: Field) -> None:
    """Check the names in `datasets`, and the keys that published sets may have."""
    for name, settings in _section(datasets, "datasets").items():
        place = f"datasets.{name}"
        _check_name(name, field)
        _check_keys(settings, names(ConfiguredDataset), place, needed=["folder"])
        for setting in parameters(ConfiguredDataset):
            if setting.name in settings:
                setting.check(settings[setting.name], f"{place}.{setting.name}")
        if name in ("auto", "mnist", "mnist5k", "mnist_sampled", "parity", "literature"):
            where = "; mnist's folder is mnist_dir" if name.startswith("mnist") else ""
            raise InputError(f"{place} is a name that is taken{where}; choose another")
        if name in DATASETS and (further := [key for key in settings if key != "folder"]):
            raise InputError(
                f"{place}.{further[0]} cannot be set: {name} is a published set; only the folder can be set"
            )


def _check_name(name: str, field: Field) -> None:
    if not re.fullmatch(field.parameter.pattern or "", name):
        raise InputError(
            f"the name {name!r} in {field.name} must be text, matching {field.parameter.pattern} "
            f"({FOLDER_NAME})"
        )


def _check_keys(section: object, known: Iterable[str] | None, name: str, needed: Iterable[str] = ()) -> None:
    """Raise InputError if a needed key is missing or, where the keys are known, another is there."""
    here = f"in {name}" if name else "at the top level"
    found = _section(section, name)
    for key, value in found.items():
        if known is not None and key not in known:
            raise InputError(
                f"{key} (here {value!r}) is not a key {here}; it must be one of {', '.join(known)}"
            )
    if missing := [key for key in needed if key not in found]:
        raise InputError(f"{', '.join(missing)} is missing {here}")


def _section(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{name} is {value!r}; it must be a section of keys")
    return value


def _check_together(config: Mapping[str, Any]) -> None:
    """Check what depends on several values, or on the data set."""
    own = config["datasets"]
    choices = ["auto", *dict.fromkeys([*DATASETS, *own])]
    if config["dataset"] not in choices:
        raise InputError(f"dataset is {config['dataset']!r}; it must be one of {', '.join(choices)}")
    datasets = ["mnist", "mnist5k"] if config["dataset"] == "auto" else [config["dataset"]]
    figures, recipes = config["figures"], complete_recipes(config)
    _check_choice("figures.recipe", figures["recipe"], list(recipes))
    pictured = recipes[figures["recipe"]]
    _check_choice("figures.seed", pictured_seed(config, recipes), pictured["seeds"])
    for dataset in (describe(name, own) for name in datasets):
        _check_sizes(recipes, dataset)
        largest = max(train_sizes(pictured, dataset))
        _check_indices("interpolation.images", interpolated_images(config, largest), largest, dataset.name)
        for split, key, count in (
            ("test", "top_half.images", dataset.test_images),
            ("train", "top_half.training_images", dataset.train_images),
        ):
            _check_indices(key, completed_images(config, split, dataset), count, dataset.name)
        for section in ("gaps", "snapshots", "importance_weighting"):
            images = config[section]["images"]
            if images > dataset.test_images and images != defaults()[section]["images"]:
                raise InputError(
                    f"{section}.images is {images}; it must be at most {dataset.test_images}, the "
                    f"test images of {dataset.name}"
                )


def _check_replaced(config: Mapping[str, Any]) -> None:
    """Say what has replaced keys of earlier versions."""
    marginal = config["marginal"] if isinstance(config["marginal"], Mapping) else {}
    if old := [key for key in ("size", "fine_window", "fine_size") if key in marginal]:
        raise InputError(
            f"marginal.{old[0]} (here {marginal[old[0]]!r}) is gone: sums over the latent space now "
            "refine themselves until their error is below marginal.tolerance, in nats per image, and their "
            "window grows where it must. Take the key out"
        )


def _check_sizes(recipes: Mapping[str, Mapping[str, Any]], dataset: Dataset) -> None:
    """Check that the data set has enough images for all train sizes."""
    for name, recipe in recipes.items():
        if (largest := max(train_sizes(recipe, dataset))) > dataset.train_images:
            raise InputError(
                f"a train size of {dataset.name} is {largest} (recipe {name}); it has "
                f"{dataset.train_images:,} training images"
            )


def _check_choice(key: str, value: str | int, allowed: list[Any]) -> None:
    if value not in allowed:
        raise InputError(f"{key} is {value!r}; it must be one of {', '.join(map(repr, allowed))}")


def _check_indices(key: str, indices: list[int], count: int, dataset: str) -> None:
    """Check that the data set, of which there are `count` images, has images of these indices."""
    for index in indices:
        if index >= count:
            raise InputError(
                f"{key} has {index}; with {count:,} images of {dataset} it must be 0 to {count - 1}"
            )
