"""The check of the configuration, before anything runs."""

import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend

from mnist_vae.data.datasets import DATASETS
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


def check_config(config: Mapping, schema_path: str | Path) -> None:
    """Raise InputError with the first wrong key, its value and what is allowed, in one line."""
    schema = yaml.safe_load(Path(schema_path).read_text(encoding="utf-8"))
    error = best_match(_Validator(schema).iter_errors(config))
    if error is not None:
        raise InputError(f"config: {_explain(error)}")
    datasets = config["train_sizes"] if config["dataset"] == "auto" else [config["dataset"]]
    figures, recipes = config["figures"], complete_recipes(config)
    _check_choice("figures.recipe", figures["recipe"], list(recipes))
    pictured = recipes[figures["recipe"]]
    _check_choice("figures.seed", figures["seed"], pictured["seeds"])
    for dataset in datasets:
        test_images = DATASETS[dataset].test_images
        largest = max(pictured["train_sizes"][dataset])
        _check_indices("interpolation.images", config["interpolation"]["images"], largest, dataset)
        _check_indices("top_half.images", config["top_half"]["images"], test_images, dataset)
        for section in ("gaps", "snapshots", "importance_weighting"):
            if (images := config[section]["images"]) > test_images:
                raise InputError(
                    f"config: {section}.images is {images}; it must be at most {test_images}, the "
                    f"test images of {dataset}"
                )
    _check_grids(config["marginal"])
    draws = config["importance_weighting"]["draws"]
    if wrong := [k for k in draws if max(draws) % k]:
        raise InputError(f"config: importance_weighting.draws has {wrong[0]}; it must divide {max(draws)}")


def complete_recipes(config: Mapping) -> dict[str, dict]:
    """Give each recipe the seeds and train sizes, and from the reference, what it leaves out."""
    shared = {"seeds": config["seeds"], "train_sizes": config["train_sizes"]}
    recipes = config["recipes"]
    return {name: recipes["reference"] | shared | recipe for name, recipe in recipes.items()}


def setting_at(setting: float | Mapping[str, float], n: int) -> float:
    """A recipe's setting at train size n: {"1": a, "4000": b} is a below 4,000 images and b from there on."""
    if not isinstance(setting, Mapping):
        return setting
    return setting[str(max(size for size in map(int, setting) if size <= n))]


def with_numbers(value: Any) -> Any:
    """Read numbers that arrive as text, as in `--config seeds=[1,2]` or YAML's 1e-3. Keys become text."""
    if isinstance(value, Mapping):
        # A numeric key may stand there twice: as such from a file, and as text from --config, which wins.
        return {
            str(key): with_numbers(value[key]) for key in sorted(value, key=lambda key: isinstance(key, str))
        }
    if isinstance(value, list):
        return [with_numbers(item) for item in value]
    if isinstance(value, str):
        for number in (int, float):
            with suppress(ValueError):
                return number(value) if math.isfinite(number(value)) else value
    return value


def _check_grids(marginal: Mapping[str, float]) -> None:
    """The second grid checks the first: it must reach farther, with its points closer together."""
    window, fine_window = marginal["window"], marginal["fine_window"]
    needed = math.floor(fine_window / window * (marginal["size"] - 1)) + 2
    if fine_window <= window:
        raise InputError(f"config: marginal.fine_window is {fine_window}; it must be above window, {window}")
    if marginal["fine_size"] < needed:
        raise InputError(
            f"config: marginal.fine_size is {marginal['fine_size']}; to be finer than the first grid it must "
            f"be at least {needed}"
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
        return (
            f"{unknown} (here {value[unknown]!r}) is no key {section}; it must be one of {', '.join(known)}"
        )
    allowed = f"must be {_allowed(schema)}{description}"
    if "propertyNames" in error.schema_path:
        return f"the name {value!r} in {key} {allowed}"
    return f"{key} is {value!r}; it {allowed}"


def _allowed(schema: Mapping) -> str:
    """Say what the schema allows."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    kinds = {"integer": "a whole number", "number": "a finite number", "string": "text"}
    kinds |= {"array": "a list", "object": "a section of keys"}
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
