"""The check of the configuration, before anything runs."""

import math
from collections.abc import Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend

from mnist_vae.config.layers import defaults
from mnist_vae.config.models import (
    complete_recipes,
    completed_images,
    interpolated_images,
    pictured_seed,
    train_sizes,
)
from mnist_vae.config.schema import schema_of_config
from mnist_vae.data.datasets import DATASETS, Dataset
from mnist_vae.data.obtain import describe
from mnist_vae.errors import InputError

# Stricter than JSON Schema, which takes 1.0 for an integer and nan for a number above 0: seed 1.0 would name
# a folder that no rule makes, and a rate of nan would be found out only by the loss.
_Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
            "number": lambda _, value: (
                isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            ),
        }
    ),
)


def check_config(config: Mapping) -> None:
    """Raise InputError with the first wrong key, its value and what is allowed, in one line.

    The configuration is a complete one, as `layers.complete_config` makes it.
    """
    own = config["datasets"] if isinstance(config["datasets"], Mapping) else {}
    _check_replaced(config)
    error = best_match(_Validator(schema_of_config(map(str, own))).iter_errors(config))
    if error is not None:
        raise InputError(f"config: {_explain(error)}")
    _check_own(own)
    choices = ["auto", *dict.fromkeys([*DATASETS, *own])]
    if config["dataset"] not in choices:
        raise InputError(f"config: dataset is {config['dataset']!r}; it must be one of {', '.join(choices)}")
    datasets = ["mnist", "mnist5k"] if config["dataset"] == "auto" else [config["dataset"]]
    figures, recipes = config["figures"], complete_recipes(config)
    _check_choice("figures.recipe", figures["recipe"], list(recipes))
    pictured = recipes[figures["recipe"]]
    _check_choice("figures.seed", pictured_seed(config, recipes), pictured["seeds"])
    for dataset in (_described(name, own) for name in datasets):
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
                    f"config: {section}.images is {images}; it must be at most {dataset.test_images}, the "
                    f"test images of {dataset.name}"
                )
    draws = config["importance_weighting"]["draws"]
    if wrong := [k for k in draws if max(draws) % k]:
        raise InputError(f"config: importance_weighting.draws has {wrong[0]}; it must divide {max(draws)}")


def _check_replaced(config: Mapping) -> None:
    """Keys of earlier versions get a sentence that says what took their place."""
    marginal = config["marginal"] if isinstance(config["marginal"], Mapping) else {}
    if old := [key for key in ("size", "fine_window", "fine_size") if key in marginal]:
        raise InputError(
            f"config: marginal.{old[0]} (here {marginal[old[0]]!r}) is gone: sums over the latent space now "
            "refine themselves until their error is below marginal.tolerance, in nats per image, and their "
            "window grows where it must. Take the key out"
        )


def _described(name: str, own: Mapping[str, Mapping]) -> Dataset:
    try:
        return describe(name, own)
    except InputError as error:
        raise InputError(f"config: {error}") from error


def _check_own(own: Mapping[str, Mapping]) -> None:
    """What a name in `datasets` may be, and what may be said of a published set."""
    for name, settings in own.items():
        if name in ("auto", "mnist", "mnist5k", "mnist_sampled", "parity", "literature"):
            where = "; mnist's folder is mnist_dir" if name.startswith("mnist") else ""
            raise InputError(f"config: datasets.{name} is a name that is taken{where}; choose another")
        if name in DATASETS and (further := [key for key in settings if key != "folder"]):
            raise InputError(
                f"config: datasets.{name}.{further[0]} cannot be set: {name} is a published set, of which "
                "only the folder may be named"
            )


def _check_sizes(recipes: Mapping[str, Mapping], dataset: Dataset) -> None:
    """A data set of one's own has as many images as its files say."""
    for name, recipe in recipes.items():
        if (largest := max(train_sizes(recipe, dataset))) > dataset.train_images:
            raise InputError(
                f"config: a train size of {dataset.name} is {largest} (recipe {name}); it has "
                f"{dataset.train_images:,} training images"
            )


def _check_choice(key: str, value: str | int, allowed: list) -> None:
    if value not in allowed:
        raise InputError(f"config: {key} is {value!r}; it must be one of {', '.join(map(repr, allowed))}")


def _check_indices(key: str, indices: list[int], count: int, dataset: str) -> None:
    """Only indices that exist: `count` images of this data set are at hand."""
    for index in indices:
        if index >= count:
            raise InputError(
                f"config: {key} has {index}; with {count:,} images of {dataset} it must be 0 to {count - 1}"
            )


def _explain(error: ValidationError) -> str:
    """Name the key, the value and what is allowed."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    key, value, schema = path.removeprefix("."), error.instance, error.schema
    description = f" ({schema['description']})" if "description" in schema else ""
    if error.validator in ("additionalProperties", "required"):
        section = f"in {key}" if key else "at the top level"
        if error.validator == "required":
            missing = ", ".join(name for name in schema["required"] if name not in value)
            return f"{missing} is missing {section}{description}"
        known = schema["properties"]
        unknown = next(name for name in value if name not in known)
        here = f"{unknown} (here {value[unknown]!r})"
        return f"{here} is not a key {section}; it must be one of {', '.join(known)}"
    allowed = f"must be {_allowed(schema)}{description}"
    if "propertyNames" in error.schema_path:
        return f"the name {value!r} in {key} {allowed}"
    return f"{key} is {value!r}; it {allowed}"


def _allowed(schema: Mapping) -> str:
    """Say what the schema allows."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    kinds = {"integer": "a whole number", "number": "a finite number", "string": "text"}
    kinds |= {"array": "a list", "object": "a section of keys", "null": "empty"}
    limits = {
        "minimum": "at least {}",
        "exclusiveMinimum": "above {}",
        "maximum": "at most {}",
        "minItems": "{} entries or more",
        "maxItems": "{} entries or fewer",
        "pattern": "matching {}",
    }
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    words = [" or ".join(kinds[name] for name in types)]
    words += [text.format(schema[limit]) for limit, text in limits.items() if limit in schema]
    if schema.get("uniqueItems"):
        words.append("none twice")
    return ", ".join(words)
