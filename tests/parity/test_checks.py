"""The comparison itself."""

import numpy as np
import pandas as pd
import pytest

from mnist_vae.commands import check_parity
from mnist_vae.errors import InputError
from mnist_vae.parity import tables
from mnist_vae.parity.bridge import Answer
from mnist_vae.parity.checks import CHECKS, climb, compute, deviations, make_inputs

from . import small


@pytest.fixture(scope="module")
def inputs():
    return small.inputs()


@pytest.fixture(scope="module")
def agreeing(inputs) -> Answer:
    """This package's own numbers in place of Julia's, so that they are compared with themselves."""
    outputs = {("core", dtype): compute(inputs, dtype) for dtype in ("float64", "float32")}
    return Answer("executable", "0.0", outputs)


def changed(answer: Answer, quantity: str, value) -> Answer:
    outputs = {key: dict(arrays) for key, arrays in answer.outputs.items()}
    outputs["core", "float64"][quantity] = value
    return answer._replace(outputs=outputs)


def test_deviations_are_relative_to_each_element_or_to_the_whole():
    ours, theirs = np.array([1.0, 100.0]), np.array([1.1, 100.0])
    assert deviations(ours, theirs, of_whole=False) == pytest.approx((0.1, 0.1 / 1.1))
    assert deviations(ours, theirs, of_whole=True) == pytest.approx((0.1, 0.001))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [([1.0, 2.0], [1.0, np.nan]), ([np.inf, 2.0], [np.inf, 2.0]), ([1.0, 2.0], [1.0]), ([1e-300], [0.0])],
)
def test_what_cannot_be_compared_deviates_without_bound(ours, theirs):
    assert deviations(np.array(ours), np.array(theirs), of_whole=False)[1] == np.inf


def test_zeros_agree():
    assert deviations(np.zeros(3), np.zeros(3), of_whole=True) == (0, 0)


def test_a_quantity_that_julia_left_out_fails(inputs, agreeing):
    assert climb(inputs, agreeing)["pass"].all()
    del (lacking := changed(agreeing, "elbo", 0)).outputs["core", "float64"]["elbo"]
    failed = climb(inputs, lacking).query("not `pass`")
    assert list(failed.quantity) == ["elbo"]
    nothing = climb(inputs, agreeing._replace(outputs={}))
    assert len(nothing) == sum(len(check.tolerance) for check in CHECKS)
    assert not nothing["pass"].any()


def test_flux_tier_is_compared_where_it_answered(inputs, agreeing):
    outputs = agreeing.outputs | {
        ("flux", dtype): agreeing.outputs["core", dtype] for dtype in ("float64", "float32")
    }
    ladder = climb(inputs, agreeing._replace(outputs=outputs))
    assert set(ladder[ladder.tier == "flux"].rung) == {3, 4, 5, 6}
    assert not ladder.query("tier == 'flux'").quantity.str.startswith("central_difference").any()


def test_verdict_names_the_first_rung_that_fails(inputs, agreeing, tmp_path):
    wrong = changed(agreeing, "log_q", agreeing.outputs["core", "float64"]["log_q"] * (1 + 1e-9))
    wrong = changed(wrong, "elbo", np.array(0.0))
    ladder = climb(inputs, wrong)
    verdict = tables.verdict(ladder)
    assert "first at rung 2" in verdict
    assert "log_q (core, float64)" in verdict
    assert verdict in tables.ladder_markdown(ladder, "a model")
    ladder.to_csv(tmp_path / "ladder.csv", index=False)
    with pytest.raises(InputError, match="first at rung 2"):
        check_parity.run(pd.Series({"ladder": tmp_path / "ladder.csv"}))


def test_hard_cases_are_among_the_inputs(inputs):
    assert {inputs["bernoulli_logits"].min(), inputs["bernoulli_logits"].max()} == {-500, 500}
    assert {inputs["gaussian_log_std"].min(), inputs["gaussian_log_std"].max()} == {-10, 10}
    assert {inputs["q_log_std"].min(), inputs["q_log_std"].max()} == {-10, 10}
    assert {inputs["logits"].min(), inputs["logits"].max()} == {-500, 500}
    assert (inputs["x"] == 0).all(axis=1).any()
    assert (inputs["x"] == 1).all(axis=1).any()


def test_images_must_make_whole_batches():
    with pytest.raises(InputError, match="20 images do not make whole batches of 7"):
        make_inputs(small.weights(), small.images(), 7, 1)
