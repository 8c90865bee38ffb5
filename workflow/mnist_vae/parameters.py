"""A parameter is stated once: a dataclass's field gives its type and default, `Parameter` the rest.

The check of the configuration, the commands' options, the check of the dataclass itself and the table in
config/README.md follow from it.
"""

import argparse
import numbers
import re
import sys
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields
from functools import partial
from typing import Any, Literal, NamedTuple

from mnist_vae.errors import InputError

KINDS = {int: "a whole number", float: "a finite number", str: "text", str | int: "text or a whole number"}


@dataclass(frozen=True)
class Parameter:
    """What a field means and which values it may have, as the second part of its `Annotated` type.

    `minimum`, `above` and `maximum` bound a number, or each number of a list. `entries` is the smallest and
    the largest length of a list; its entries must differ if `unique`, and divide the largest if `divisors`.
    `pattern` is a regular expression that a text, or each text of a list, must match as a whole. `empty` is
    what null stands for, if not for the default. `values` and `shown` describe range and default in words.
    """

    help: str
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    entries: tuple[int, int | None] = (1, None)
    unique: bool = False
    divisors: bool = False
    pattern: str | None = None
    empty: Any = None
    values: str | None = None
    shown: str | None = None


class Field(NamedTuple):
    """A field of such a dataclass. `kind` is its type without None, `item` the type of a list's entries."""

    name: str
    kind: Any
    item: Any
    default: Any
    optional: bool
    parameter: Parameter

    @property
    def choices(self) -> tuple[str, ...]:
        """The names to choose from; empty if the field is not a choice."""
        return typing.get_args(self.kind) if typing.get_origin(self.kind) is Literal else ()

    def check(self, value: Any, name: str) -> None:
        """Raise InputError, one line that begins with the name, unless the field may have this value."""
        if value is None and self.optional:
            return
        if not self.item:
            if not self._takes(value):
                raise InputError(f"{name} is {value!r}; it must be {self._allowed()} ({self.parameter.help})")
            return
        entries = value if isinstance(value, list | tuple) else ()
        for index, entry in enumerate(entries):
            if not self._takes(entry):
                raise InputError(
                    f"{name}[{index}] is {entry!r}; it must be {self._allowed()} ({self.parameter.help})"
                )
        if entries is not value or not self._may_be_together(entries):
            raise InputError(
                f"{name} is {value!r}; it must be {self._allowed_list()} ({self.parameter.help})"
            )

    def _takes(self, value: Any) -> bool:
        """Whether this is a single value within the bounds. Unlike Python, True is not a number here."""
        if self.choices:
            return value in self.choices
        kind, bounds = self.item or self.kind, self.parameter
        if isinstance(value, str):
            is_text = kind in (str, str | int)
            return is_text and (bounds.pattern is None or bool(re.fullmatch(bounds.pattern, value)))
        number: Any = numbers.Real if kind is float else numbers.Integral  # NumPy's are, too
        if kind is str or isinstance(value, bool) or not isinstance(value, number):
            return False
        return (
            abs(value) <= sys.float_info.max  # nan is not, nor is an integer too large for a float
            and (bounds.minimum is None or value >= bounds.minimum)
            and (bounds.above is None or value > bounds.above)
            and (bounds.maximum is None or value <= bounds.maximum)
        )

    def _may_be_together(self, entries: Sequence[Any]) -> bool:
        fewest, most = self.parameter.entries
        return (
            len(entries) >= fewest
            and (most is None or len(entries) <= most)
            and not (self.parameter.unique and len(set(entries)) < len(entries))
            and not (self.parameter.divisors and any(max(entries) % entry for entry in entries))
        )

    def _allowed(self) -> str:
        """The allowed single values, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        bounds = self.parameter
        limits = {
            "at least": bounds.minimum,
            "above": bounds.above,
            "at most": bounds.maximum,
            "matching": bounds.pattern,
        }
        words = [f"{word} {limit}" for word, limit in limits.items() if limit is not None]
        return ", ".join([KINDS[self.item or self.kind], *words])

    def _allowed_list(self) -> str:
        fewest, most = self.parameter.entries
        words = [f"{fewest} entries or more", *([f"{most} entries or fewer"] if most is not None else [])]
        words += ["all different"] * self.parameter.unique
        words += ["each a divisor of the largest"] * self.parameter.divisors
        return ", ".join(["a list", *words])


class Settings:
    """The base of a dataclass of parameters, which raises InputError when it is made with a wrong value."""

    def __post_init__(self) -> None:
        """Check every parameter."""
        for field in parameters(type(self)):
            field.check(getattr(self, field.name), field.name)


def parameters(section: type) -> list[Field]:
    """The fields of a dataclass that have a `Parameter`."""
    hints = typing.get_type_hints(section, include_extras=True)
    return [
        make_field(
            field.name,
            hints[field.name],
            field.default if field.default_factory is MISSING else field.default_factory(),
        )
        for field in fields(section)
        if any(isinstance(note, Parameter) for note in typing.get_args(hints[field.name])[1:])
    ]


def make_field(name: str, annotated: Any, default: Any = MISSING) -> Field:
    """Make a field from its annotated type."""
    hint, *notes = typing.get_args(annotated)
    (parameter,) = (note for note in notes if isinstance(note, Parameter))
    optional = isinstance(hint, types.UnionType) and type(None) in typing.get_args(hint)
    if optional:
        (hint,) = (kind for kind in typing.get_args(hint) if kind is not type(None))
    is_list = typing.get_origin(hint) is tuple
    kind, item = (tuple, typing.get_args(hint)[0]) if is_list else (hint, None)
    return Field(name, kind, item, default, optional, parameter)


class Options(typing.Protocol):
    """A parser of a command line, or a group of its options."""

    def add_argument(self, *names: str, **how: Any) -> Any:
        """Add an option, as argparse does."""


def add_options(parser: Options, section: type, *only: str, required: bool = False) -> None:
    """Add an option for each parameter of a dataclass, or `only` for some.

    An option without a default is required; with `required`, all are.
    """
    for field in parameters(section):
        if not only or field.name in only:
            _add_option(parser, field._replace(default=MISSING) if required else field)


def add_option(parser: Options, name: str, annotated: Any, default: Any = MISSING) -> None:
    """Add one option, which is required if it has no default."""
    _add_option(parser, make_field(name, annotated, default))


def option_words(values: Mapping[str, Any]) -> list[str]:
    """The command-line words from which `read_options` restores these values; None is left out."""
    return [
        word for name, value in values.items() if value is not None for word in (_option(name), str(value))
    ]


def read_options(section: type, options: argparse.Namespace) -> Any:
    """Make the dataclass from the options that `add_options` added."""
    return section(**{field.name: getattr(options, field.name) for field in parameters(section)})


def names(section: type) -> Iterable[str]:
    """The names of a dataclass's parameters."""
    return [field.name for field in parameters(section)]


class _Store(argparse.Action):
    """Check an option's value, and store it: a number as a number."""

    def __init__(self, field: Field, **more: Any) -> None:
        super().__init__(**more)
        self.field = field

    def __call__(
        self, parser: object, namespace: argparse.Namespace, words: Any, option: str | None = None
    ) -> None:
        if self.field.item:
            value: Any = [_number(word, self.field.item) for word in words]
        else:
            value = _number(words, self.field.kind)
        self.field.check(value, self.option_strings[0])
        setattr(namespace, self.dest, value)


def _add_option(parser: Options, field: Field) -> None:
    fewest, most = field.parameter.entries
    parser.add_argument(
        _option(field.name),
        action=partial(_Store, field),
        nargs=(fewest if fewest == most else "+" if fewest else "*") if field.item else None,
        choices=field.choices or None,
        required=field.default is MISSING,
        default=list(field.default) if isinstance(field.default, tuple) else field.default,
        help=_help(field).replace("%", "%%"),
    )


def _number(word: str, kind: Any) -> Any:
    """A command-line word as a number, or unchanged if it is not one."""
    with suppress(ValueError):
        return kind(word) if kind in (int, float) else word
    return word


def _help(field: Field) -> str:
    if field.default is MISSING:
        return field.parameter.help
    shown = field.parameter.shown or _words(field.default)
    return f"{field.parameter.help} (default: {shown.removeprefix('empty: ')})"


def _words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
