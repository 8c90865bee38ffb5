"""A live Julia, where there is one."""

import pytest
import torch

from mnist_vae.parity.bridge import Answer, ask_reference, find_executable
from support.project import REFERENCE

from . import small

torch.set_num_threads(1)  # the arrays are small, and pytest-xdist may fill the machine


@pytest.fixture(scope="session")
def julia() -> str:
    """The executable."""
    found = find_executable(REFERENCE)
    if found is None:
        pytest.skip("there is no julia on the PATH or in .julia/bin; `make julia` fetches one (Debian)")
    return found


@pytest.fixture(scope="session")
def inputs() -> dict:
    return small.inputs()


@pytest.fixture(scope="session")
def answer(julia, inputs) -> Answer:
    """What the reference as it stands computes."""
    return ask_reference(inputs, REFERENCE, "executable")
