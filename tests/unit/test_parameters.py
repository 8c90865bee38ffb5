"""Options derived from a dataclass."""

from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Annotated, Literal

from mnist_vae.parameters import Parameter, add_options, option_words, parameters, read_options


@dataclass(frozen=True)
class Walk:
    """One field of each kind."""

    steps: Annotated[int, Parameter("how many", minimum=1)]
    step_size: Annotated[float, Parameter("100 % of it", above=0)] = 0.5
    gait: Annotated[Literal["slow", "fast"], Parameter("how")] = "slow"
    note: str = "no parameter"


def parser():
    made = ArgumentParser(exit_on_error=False)
    add_options(made, Walk)
    return made


def test_values_come_back_as_they_were():
    words = option_words({"steps": 3, "step_size": 1e-7, "gait": "fast"})
    assert read_options(Walk, parser().parse_args(words)) == Walk(3, 1e-7, "fast")


def test_what_is_left_out_has_its_default():
    assert read_options(Walk, parser().parse_args(["--steps", "2"])) == Walk(2)


def test_only_parameters_are_options():
    assert [field.name for field in parameters(Walk)] == ["steps", "step_size", "gait"]
