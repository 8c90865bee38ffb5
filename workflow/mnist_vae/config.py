"""The check of the configuration, before anything runs."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from mnist_vae.data import TEST_IMAGES
from mnist_vae.errors import InputError


def check_config(config: Mapping, schema_path: str | Path) -> None:
    """Raise InputError with the first wrong key, its value and what is allowed."""
    schema = yaml.safe_load(Path(schema_path).read_text(encoding="utf-8"))
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        raise InputError(f"config: {_explain(error)}")
    for dataset, sizes in config["train_sizes"].items():
        _check_indices("interpolation.images", config["interpolation"]["images"], max(sizes), dataset)
        _check_indices("top_half.images", config["top_half"]["images"], TEST_IMAGES[dataset], dataset)
    figures = config["figures"]
    for key, value, allowed in (
        ("figures.recipe", figures["recipe"], list(config["recipes"])),
        ("figures.seed", figures["seed"], config["seeds"]),
    ):
        if value not in allowed:
            raise InputError(f"config: {key} is {value!r}; it must be one of {', '.join(map(repr, allowed))}")


def with_numbers(value: Any) -> Any:
    """Read numbers that arrive as text: `--config seeds=[1,2]` does, and 1e-3 in YAML."""
    if isinstance(value, Mapping):
        return {key: with_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_numbers(item) for item in value]
    if isinstance(value, str):
        for number in (int, float):
            with suppress(ValueError):
                return number(value)
    return value


def _check_indices(key: str, indices: list[int], count: int, dataset: str) -> None:
    """Only indices that exist: `count` images of this data set are at hand."""
    for index in indices:
        if index >= count:
            raise InputError(
                f"config: {key} has {index}; with {count:,} images of {dataset} it must be 0 to {count - 1}"
            )


def _explain(error: ValidationError) -> str:
    """Name the key, the value and the allowed range in one line."""
    key = ".".join(map(str, error.absolute_path)) or "the top level"
    if error.validator == "additionalProperties":
        known = ", ".join(error.schema.get("properties", {}))
        return f"{key}: {error.message}. Known keys: {known}"
    description = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    return f"{key}: {error.message}" + (f" ({description})" if description else "")
