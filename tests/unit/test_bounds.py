"""Options, configuration keys and dataclasses accept what their `Parameter` states, and nothing else."""

import copy
import math
from importlib import import_module

import pytest

from mnist_vae.__main__ import COMMANDS, Parser
from mnist_vae.config import sections
from mnist_vae.config.check import check_config
from mnist_vae.config.layers import complete_config, read_config
from mnist_vae.config.table import config_fields
from mnist_vae.errors import InputError
from mnist_vae.parameters import Settings, parameters
from mnist_vae.study.recipe import Recipe
from support.command_line import listing, run_command
from support.project import ROOT

DEFAULT = complete_config(read_config(ROOT / "config/config.yaml"))
FIELDS = dict(config_fields())


def single_values(field):
    """Values at a field's bounds, and wrong ones: just beyond, not finite, of another type."""
    kind, bounds = field.item or field.kind, field.parameter
    if field.choices:
        return list(field.choices), ["", "x", 1]
    if kind not in (int, float):
        right = {None: "a", ".{0,24}": "x" * 24, "https?://.*": "https://a", r".*\.(py|jl)": "a.py"}[
            bounds.pattern
        ]
        return [right], [True, {}, 2.5, *({".": [], "h": [""]}[bounds.pattern[0]] if bounds.pattern else [])]
    right, wrong = [], [math.nan, math.inf, -math.inf, "", "x", "1x", True, {}]
    wrong.append(0.5 if kind is int else 10**400)

    def beyond(bound, up):
        if kind is int:
            return bound + 1 if up else bound - 1
        return math.nextafter(bound, math.inf if up else -math.inf)

    if bounds.minimum is not None:
        right, wrong = [*right, bounds.minimum], [*wrong, beyond(bounds.minimum, up=False)]
    if bounds.above is not None:
        right, wrong = [*right, beyond(bounds.above, up=True)], [*wrong, bounds.above]
    if bounds.maximum is not None:
        right, wrong = [*right, bounds.maximum], [*wrong, beyond(bounds.maximum, up=True)]
    return right, wrong


def values(field):
    """`single_values`, or for a list: lists of such values, too short and too long ones, repetitions."""
    right, wrong = single_values(field)
    wrong = wrong if field.optional else [*wrong, None]
    if not field.item:
        return right, [*wrong, []]
    fewest, most = field.parameter.entries
    refused = [[value, *right[:1] * (fewest - 1)] for value in wrong] + [right[0], {}]
    refused += [right[:1] * (fewest - 1)] * (fewest > 0)
    refused += [right[:1] * (most + 1)] if most else []
    refused += [right[:1] * 2] * field.parameter.unique + [[2, 3]] * field.parameter.divisors
    return [[value] * max(fewest, 1) for value in right] + [[]] * (fewest == 0), refused


def test_the_values_tried_are_those_at_and_beyond_the_bounds():
    right, wrong = values(FIELDS["marginal.window"])
    assert right == [5e-324, 40]
    assert {0, math.nextafter(40, 41)} <= {value for value in wrong if isinstance(value, int | float)}
    right, wrong = values(FIELDS["top_half.images"])
    assert right == [[0]]
    assert all(value in wrong for value in ([-1], [], [0] * 13, [0, 0]))


# --- options ----------------------------------------------------------------------------------------------


class Recorder(Parser):
    """A parser that keeps its arguments."""

    def __init__(self, command):
        self.actions = []
        super().__init__(prog=command)
        import_module(f"mnist_vae.commands.{command}").add_arguments(self)

    def add_argument(self, *names, **how):
        self.actions.append(super().add_argument(*names, **how))
        return self.actions[-1]

    def add_mutually_exclusive_group(self):
        return self

    def words(self, chosen, value):
        """A command line with everything the command requires, and this value for one option."""
        for action in self.actions:
            if action is chosen:
                continue
            if not action.option_strings:
                yield "completion" if action.dest == "figure" else f"no/{action.dest}"
            elif action.required:
                needed = values(action.field)[0][0] if hasattr(action, "field") else "{}"
                yield from option_words(action, needed)
        yield from option_words(chosen, value)


def option_words(action, value):
    flag = action.option_strings[0]
    return [flag, *map(str, value)] if isinstance(value, list) else [f"{flag}={value}"]


def can_be_written(value):
    """Whether a configuration's value can be written on a command line."""
    return (
        all(isinstance(one, int | float | str) and one is not True for one in value)
        if isinstance(value, list)
        else isinstance(value, int | float | str) and value is not True
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_options(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    parser = Recorder(command)
    for action in (action for action in parser.actions if action.option_strings):
        assert action.type not in (int, float), f"{action.option_strings} has no bounds"
        if not hasattr(action, "field"):
            continue
        right, wrong = values(action.field)
        for value in right:
            options = parser.parse_args(list(parser.words(action, value)))
            assert getattr(options, action.dest) == value
        for value in filter(can_be_written, wrong):
            if isinstance(value, list) != bool(action.field.item):
                continue
            try:
                status = run_command([command, *parser.words(action, value)])
            except SystemExit as end:
                status = end.code
            said = capsys.readouterr().err
            assert status in (1, 2), (action.option_strings, value)
            assert said.startswith("error: ")
            assert action.option_strings[0] in said or "unrecognized arguments" in said
            assert said.count("\n") == 1
            assert listing(tmp_path) == []


def test_the_command_line_itself(capsys):
    with pytest.raises(SystemExit):
        run_command("train --help")
    assert "(default: 500)" in capsys.readouterr().out
    assert run_command("--threads 0 encode") == 1
    assert capsys.readouterr().err.startswith("error: --threads is 0; ")


# --- the library ------------------------------------------------------------------------------------------


def classes(base=Settings):
    for section in base.__subclasses__():
        yield section
        yield from classes(section)


@pytest.mark.parametrize("section", [found for found in classes() if found is not sections.ConfiguredRecipe])
def test_dataclasses(section):
    needed = {}
    if section is Recipe:
        needed = {"epochs": 1, "batch_size": 1, "learning_rate": 1.0}
    for field in parameters(section):
        right, wrong = values(field)
        for value in right:
            assert getattr(section(**needed | {field.name: value}), field.name) == value
        for value in wrong:
            with pytest.raises(InputError, match=rf"^{field.name}.* is "):
                section(**needed | {field.name: value})


# --- the configuration ------------------------------------------------------------------------------------

OF_OTHERS = {"dataset", "figures.recipe", "figures.seed"}  # what these may be, other keys say


def config_with(key, value, dataset_folder):
    config = copy.deepcopy(DEFAULT) | {"datasets": {"letters": {"folder": dataset_folder}}}
    *places, last = key.split(".")
    section = config
    for place in places:
        section = section[
            {"recipes": "reference", "datasets": "letters"}[places[0]] if place == "*" else place
        ]
    section[last] = value
    return config


def config_values(field):
    if field.kind == sections.Sizes:
        wrong = [[1], 1, None, {"mnist": 1}, {"cifar": [1]}, {"mnist": [0]}, {"mnist": [60_001]}]
        wrong += [{"mnist": values} for values in ([], [1, 1], [1.0], [math.nan], [math.inf], ["1"], [True])]
        return [{"mnist": [1]}, {"mnist": [60_000, 1]}], wrong
    if not field.item and field.kind not in (int, float, str) and not field.choices:
        return [], [1, "x", [], None]  # a section of keys
    return values(field)


@pytest.mark.parametrize("key", FIELDS)
def test_configuration(key):
    right, wrong = config_values(FIELDS[key])
    for value in right if key not in OF_OTHERS else ():
        check_config(config_with(key, value, "letters"))
    name = key.replace("recipes.*", "recipes.reference").replace("datasets.*", "datasets.letters")
    for value in wrong:
        with pytest.raises(InputError) as caught:
            check_config(config_with(key, value, "letters"))
        said = str(caught.value)
        assert said.startswith("config: ")
        assert name.split(".")[-1] in said
        assert "\n" not in said
