"""Combine the defaults and what the user set into a complete configuration."""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from mnist_vae.config.sections import Config
from mnist_vae.errors import InputError
from mnist_vae.parameters import parameters

NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
MISREAD = re.compile(r"[-+]?0[0-9_]+|.*:.*")  # YAML 1.1's octal and sexagesimal numbers


def read_config(path: str | Path) -> dict[str, Any]:
    """Read a configuration file, YAML or JSON.

    Raises InputError if it cannot be read or is not keys and values, and for what YAML would silently
    misread: a key that is given twice, 010 (8 in YAML), and 1:30 (90 in YAML).
    """
    content = b""
    try:
        content = Path(path).read_bytes()
        text = content.decode()
        _check_nodes(yaml.compose(text, yaml.SafeLoader), path)
        found = yaml.safe_load(text)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path} is not UTF-8 (line {line}); save it in that encoding") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict | None):
        raise InputError(f"{path} holds {type(found).__name__}; a configuration is keys and their values")
    return found or {}


def _check_nodes(root: yaml.Node | None, path: str | Path) -> None:
    """Raise InputError for a key given twice in a mapping, and a number that is not read as it is written."""
    waiting, seen = [root] if root else [], set[int]()  # an alias may refer to a node that contains it
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            _check_keys([key for key, _ in node.value], path)
            waiting += [item for pair in node.value for item in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif node.tag in NUMBERS and MISREAD.fullmatch(node.value):
            raise InputError(
                f"{path} has {node.value} in line {_line(node)}, which YAML reads as "
                f"{yaml.safe_load(node.value)}; write that number, or quote it"
            )


def _check_keys(keys: list[yaml.Node], path: str | Path) -> None:
    first: dict[str, yaml.Node] = {}
    for key in keys:
        if isinstance(key, yaml.ScalarNode) and (before := first.setdefault(key.value, key)) is not key:
            raise InputError(
                f"{path} has the key {key.value} twice, in line {_line(before)} and in line {_line(key)}; "
                "take one out"
            )


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def complete_config(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Lay configurations over the defaults, each over those before it.

    Sections are merged key by key, as by Snakemake; a setting by train size is a single value and replaces
    the one below as a whole. Null undoes what the layers below set (as in JSON Merge Patch, RFC 7396): it
    drops a recipe, and gives a key its default. Seeds that a later layer sets for all recipes replace those
    that the first layer, the project's own file, gives to single recipes.
    """
    first, *later = map(with_numbers, layers)
    if any(layer.get("seeds") is not None for layer in later):
        for recipe in (first.get("recipes") or {}).values():
            recipe.pop("seeds", None)
    config = defaults()
    for layer in (first, *later):
        config = _over(config, layer, ())
    for key, value in defaults().items():
        if config.get(key) is None:
            config[key] = value
        elif isinstance(value, dict) and isinstance(config[key], dict):
            config[key] = value | config[key]
    return config


def defaults() -> dict[str, Any]:
    """The default of every key. There are no default recipes."""
    found: dict[str, Any] = {}
    for field in fields(Config):
        if is_dataclass(field.default):
            found[field.name] = {
                below.name: _plain(below.default) for below in parameters(type(field.default))
            }
    for parameter in parameters(Config):
        found[parameter.name] = {} if parameter.default is MISSING else _plain(parameter.default)
    return {field.name: found[field.name] for field in fields(Config)}


EMPTY = {
    field.name: field.parameter.empty for field in parameters(Config) if field.parameter.empty is not None
}


def _over(below: Any, above: Any, path: tuple[str, ...]) -> Any:
    """Lay one value over another, at the place `path`."""
    if not isinstance(above, Mapping) or _is_one_value(path):
        return above
    merged = dict(below) if isinstance(below, Mapping) else {}
    for key, value in above.items():
        place = (*path, key)
        if value is not None:
            merged[key] = _over(merged.get(key), value, place)
        elif place[0] in EMPTY and len(place) == 1:
            merged[key] = _plain(EMPTY[key])
        else:
            merged.pop(key, None)
    return merged


def _is_one_value(path: tuple[str, ...]) -> bool:
    """Whether a mapping at this place is a value, a recipe's setting by train size, and not a section."""
    return len(path) == 3 and path[0] == "recipes" and path[2] != "train_sizes"


def _plain(value: Any) -> Any:
    """The value as YAML would give it, with lists for tuples."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


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
