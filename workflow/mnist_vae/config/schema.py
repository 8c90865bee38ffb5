"""The JSON Schema of the configuration, made of the sections' dataclasses."""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from mnist_vae.config.sections import Config, ConfiguredDataset, ConfiguredRecipe, Recipe, Sizes
from mnist_vae.data.datasets import DATASETS
from mnist_vae.parameters import Field, parameters

Schema = dict[str, Any]

TYPES: dict[Any, Any] = {int: "integer", float: "number", str: "string", str | int: ["string", "integer"]}

FOLDER_NAME = "it names a folder: a lower-case letter, then up to 39 of these, digits and _"


def schema_of_config(own: Iterable[str] = ()) -> Schema:
    """What a complete configuration must look like; `description` says what a value means.

    `own` are the names of the configuration's own data sets.
    """
    sizes: dict[str, int | None] = {name: dataset.train_images for name, dataset in DATASETS.items()}
    sizes |= dict.fromkeys(set(own) - sizes.keys())
    properties = {field.name: _schema(field, sizes) for field in parameters(Config)}
    properties["recipes"] = _schema_of_recipes(properties["recipes"], sizes)
    properties["datasets"] = _schema_of_datasets(properties["datasets"])
    for field in fields(Config):
        if is_dataclass(field.default):
            section = {below.name: _schema(below, sizes) for below in parameters(type(field.default))}
            properties[field.name] = _object(section, required=True)
    return _object({field.name: properties[field.name] for field in fields(Config)}, required=True)


def _schema_of_datasets(names: Schema) -> Schema:
    settings = {field.name: _schema(field, {}) for field in parameters(ConfiguredDataset)}
    return {
        "description": names["description"],
        "type": "object",
        "propertyNames": {"description": FOLDER_NAME, "type": "string", "pattern": names["pattern"]},
        "additionalProperties": _object(settings) | {"required": ["folder"]},
    }


def _schema_of_recipes(names: Schema, sizes: Mapping[str, int | None]) -> Schema:
    settings = {}
    for field in parameters(ConfiguredRecipe):
        settings[field.name] = _schema(field, sizes)
        if field.kind in (int, float):
            settings[field.name] = _by_train_size(settings[field.name])
    needed = [field.name for field in parameters(Recipe) if field.default is MISSING]
    return {
        "description": names["description"],
        "type": "object",
        "required": ["reference"],
        "propertyNames": {"description": FOLDER_NAME, "type": "string", "pattern": names["pattern"]},
        "additionalProperties": _object(settings),
        "properties": {"reference": _object(settings) | {"required": needed}},
    }


def _by_train_size(number: Schema) -> Schema:
    """A number, or one from each of several train sizes on: {"1": 400, "4000": 75}."""
    return number | {
        "type": [number["type"], "object"],
        "required": ["1"],
        "propertyNames": {
            "description": "from this train size on",
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
        },
        "additionalProperties": {name: value for name, value in number.items() if name != "description"},
        "description": f"{number['description']}; it may be given by train size, the first being 1",
    }


def _schema(field: Field, sizes: Mapping[str, int | None]) -> Schema:
    parameter = field.parameter
    description = {"description": parameter.help}
    if field.kind == Sizes:
        return description | _object(
            {
                dataset: _list(
                    {"type": "integer", "minimum": 1} | ({"maximum": count} if count else {}), field
                )
                for dataset, count in sizes.items()
            }
        )
    if field.choices:
        return description | {"enum": list(field.choices)}
    bounds = {
        "minimum": parameter.minimum,
        "exclusiveMinimum": parameter.above,
        "maximum": parameter.maximum,
        "pattern": parameter.pattern or None,
    }
    kind = TYPES.get(field.item or field.kind, "object")
    value: Schema = {"type": kind} | {name: bound for name, bound in bounds.items() if bound is not None}
    if field.item:
        value = _list(value, field)
    if field.optional:
        value["type"] = [value["type"], "null"]
    return description | value


def _list(item: Schema, field: Field) -> Schema:
    fewest, most = field.parameter.entries
    limits = {"minItems": fewest, "maxItems": most, "uniqueItems": field.parameter.unique or None}
    return {"type": "array", "items": item} | {
        name: limit for name, limit in limits.items() if limit is not None
    }


def _object(properties: Mapping[str, Schema], required: bool = False) -> Schema:
    needed = {"required": list(properties)} if required else {}
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)} | needed
