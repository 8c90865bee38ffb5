"""This package compared with stored answers of a real Julia, for machines without Julia."""

from pathlib import Path

import numpy as np
import pytest

from mnist_vae.parity.checks import CHECKS, PARAMETERS, compute, deviations, draws_of_training

from . import small


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).with_name("golden.npz")) as file:
        return dict(file)


@pytest.fixture(scope="module")
def inputs(golden) -> dict[str, np.ndarray]:
    stored = {
        name.removeprefix("inputs/"): array for name, array in golden.items() if name.startswith("inputs/")
    }
    return stored | {f"weights.{name}": array for name, array in small.weights().items()}


@pytest.fixture(scope="module")
def ours(inputs) -> dict[str, np.ndarray]:
    return compute(inputs, "float64")


def test_file_says_where_it_comes_from(golden):
    assert golden["julia_version"].item().startswith("1.")
    assert "parity.jl" in golden["command"].item()


@pytest.mark.parametrize("run", ["adam_step", "adam_trajectory"])
def test_training_still_draws_as_it_did_for_julia(inputs, run):
    """If this fails, torch or training draws other numbers: run `make golden` again."""
    epochs, batches, batch_size = inputs[f"{run}.order"].shape
    order, noise = draws_of_training(run, batches * batch_size, batch_size, epochs)
    assert np.array_equal(order, inputs[f"{run}.order"])
    assert np.array_equal(noise, inputs[f"{run}.noise"])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.quantity)
def test_agrees_with_julia(golden, inputs, ours, check):
    theirs, found = golden[f"outputs/{check.quantity}"], ours[check.quantity]
    if found.shape != theirs.shape:  # of whole tensors, the file holds some entries
        found = found.flatten()[inputs[f"entries.{check.quantity.partition('.')[2]}"]]
    assert deviations(found, theirs, check.of_whole)[1] <= check.tolerance["float64"]


def test_every_parameter_is_covered(golden):
    for prefix in ("gradient", "central_difference", "adam_step", "adam_trajectory"):
        assert {f"outputs/{prefix}.{name}" for name in PARAMETERS} <= golden.keys()
