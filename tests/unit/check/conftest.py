"""Solutions, and one process that holds many of them."""

import shutil
from pathlib import Path

import pytest

from mnist_vae.check.julia import require_julia
from mnist_vae.check.process import Host
from mnist_vae.errors import InputError
from support.many_checks import with_own_noise
from support.project import REFERENCE

from .variants import VARIANTS

SECONDS = 120.0  # of a call: machines are busy
# Looked for as well where a solution draws its own noise: some of these means lie close to other mistakes'.
OF_OWN_NOISE = (
    "batches_summed",
    "first_test_batch",
    "likelihood_alone",
    "shared_noise",
    "mean_for_a_draw",
    "sum_over_the_draws",
)
EDITS = {".py": 1, ".jl": 2}
RIGHT = {".py": REFERENCE / "solution.py", ".jl": REFERENCE / "solution_without_flux.jl"}


def with_mistake(name: str, suffix: str) -> str:
    """The text of the right solution with a mistake in it."""
    text = RIGHT[suffix].read_text(encoding="utf-8")
    there, instead = VARIANTS[name][EDITS[suffix]]
    assert text.count(there) == 1, f"{RIGHT[suffix].name} has {text.count(there)} times {there!r}"
    return text.replace(there, instead)


def make_host(folder: Path, suffix: str):
    """A process for the right solution and every wrong one of a language."""
    shutil.copy(RIGHT[suffix], folder / f"right{suffix}")
    for name, edits in VARIANTS.items():
        if edits[EDITS[suffix]] is not None:
            text = with_mistake(name, suffix)
            (folder / f"{name}{suffix}").write_text(text, encoding="utf-8")
            if name in OF_OWN_NOISE and suffix == ".py":
                (folder / f"{name}_own_noise.py").write_text(with_own_noise(text), encoding="utf-8")
    julia = require_julia() if suffix == ".jl" else None
    return Host(folder / f"right{suffix}", julia, SECONDS)


@pytest.fixture(scope="session")
def python_host(tmp_path_factory):
    """Python, with every wrong solution in its folder."""
    folder = tmp_path_factory.mktemp("python")
    with make_host(folder, ".py") as host:
        host.source = folder
        yield host


@pytest.fixture(scope="session")
def julia_host(tmp_path_factory):
    """Julia, with every wrong solution in its folder."""
    try:
        require_julia()
    except InputError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("julia")
    with make_host(folder, ".jl") as host:
        host.source = folder
        yield host
