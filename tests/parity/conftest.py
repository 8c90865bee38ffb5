"""A live Julia, if there is one."""

import pytest
import torch

from mnist_vae.check.julia import find_julia
from mnist_vae.parity.bridge import Answer, NoJuliaError, ask_reference
from support.project import REFERENCE

from . import small

torch.set_num_threads(1)  # the arrays are small, and pytest-xdist may fill the machine


@pytest.fixture(scope="session")
def julia() -> str:
    """The executable."""
    found = find_julia([REFERENCE.parent])
    if found is None:
        pytest.skip("there is no julia on the PATH or in .julia/bin; `make julia` fetches one (Debian)")
    return found


@pytest.fixture(scope="session")
def inputs() -> dict:
    return small.inputs()


@pytest.fixture(scope="session")
def answer(julia, inputs) -> Answer:
    """Answers of the unchanged reference, by the executable."""
    return ask_reference(inputs, REFERENCE, "executable")


@pytest.fixture(scope="session")
def juliacall_answer(inputs) -> Answer:
    """Answers of the unchanged reference with the Flux tier, by juliacall, if that needs no download."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_JULIAPKG_OFFLINE", "yes")
        try:
            return ask_reference(inputs, REFERENCE, "juliacall")
        except NoJuliaError as error:
            reason = str(error).splitlines()[1]
            pytest.skip(f"{reason}; `pip install juliacall`, then once `parity: backend: juliacall`")
