"""A parameter is stated once: a dataclass's field gives its type and default, `Parameter` the rest.

The check of the configuration, the commands' options and the table in config/README.md follow from it.
"""

import types
import typing
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal, NamedTuple


@dataclass(frozen=True)
class Parameter:
    """What a field means and which values it may have, as the second part of its `Annotated` type.

    `minimum`, `above` and `maximum` bound a number, or each number of a list; `entries` is the fewest and the
    most entries of a list; `pattern` is the regular expression of a text, or of each text of a list; `empty`
    is what null stands for, where that is not the default. `values` and `shown` are for people, where the
    range or the default needs words.
    """

    help: str
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    entries: tuple[int, int | None] = (1, None)
    unique: bool = False
    pattern: str | None = None
    empty: Any = None
    values: str | None = None
    shown: str | None = None


class Field(NamedTuple):
    """A field of such a dataclass. `kind` is its type without None and without what a list is made of."""

    name: str
    kind: Any
    item: Any
    default: Any
    optional: bool
    parameter: Parameter

    @property
    def choices(self) -> tuple[str, ...]:
        """The names that it may have, none where it is no choice."""
        return typing.get_args(self.kind) if typing.get_origin(self.kind) is Literal else ()


def parameters(section: type) -> list[Field]:
    """The fields of a dataclass that have a `Parameter`."""
    hints = typing.get_type_hints(section, include_extras=True)
    found = []
    for field in fields(section):
        hint, *notes = typing.get_args(hints[field.name]) or (hints[field.name],)
        notes = [note for note in notes if isinstance(note, Parameter)]
        if not notes:
            continue
        default = field.default if field.default_factory is MISSING else field.default_factory()
        optional = isinstance(hint, types.UnionType) and type(None) in typing.get_args(hint)
        if optional:
            (hint,) = (kind for kind in typing.get_args(hint) if kind is not type(None))
        is_list = typing.get_origin(hint) is tuple
        kind, item = (tuple, typing.get_args(hint)[0]) if is_list else (hint, None)
        found.append(Field(field.name, kind, item, default, optional, notes[0]))
    return found


def add_options(parser: ArgumentParser, section: type) -> None:
    """Give a command an option for each parameter of a dataclass; one without a default is required."""
    for field in parameters(section):
        required = field.default is MISSING
        parser.add_argument(
            _option(field.name),
            type=str if field.choices else field.kind,
            choices=field.choices or None,
            required=required,
            default=None if required else field.default,
            help=field.parameter.help.replace("%", "%%"),
        )


def option_words(values: Mapping[str, Any]) -> list[str]:
    """The words of a command line from which `read_options` gets these values back; None is not mentioned."""
    return [
        word for name, value in values.items() if value is not None for word in (_option(name), str(value))
    ]


def read_options(section: type, options: Namespace) -> Any:
    """The dataclass, with the values that `add_options` read."""
    return section(**{field.name: getattr(options, field.name) for field in parameters(section)})


def names(section: type) -> Iterable[str]:
    """The names of a dataclass's parameters."""
    return [field.name for field in parameters(section)]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
