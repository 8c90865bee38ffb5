"""The table of mistakes: each one, put into a right solution in Python and Julia, is the only one named."""

import itertools

import numpy as np
import pytest

from mnist_vae.check.compare import agree
from mnist_vae.check.contract import BY_NAME, FUNCTIONS, used_by
from mnist_vae.check.inputs import make_inputs
from mnist_vae.check.judge import check
from mnist_vae.check.mistakes import MISTAKES
from mnist_vae.check.reference import Right, halves, perceptron
from mnist_vae.check.session import Options

from .conftest import OF_OWN_NOISE, RIGHT, SECONDS
from .variants import VARIANTS

ALWAYS = {"decoder", "encoder", "sample_diag_gaussian", "loss"}


def judged(host, name, suffix, function):
    """The report on the functions of a wrong solution that its mistake can affect."""
    reached = {function} | used_by(BY_NAME[function]) | {f.name for f in FUNCTIONS if function in used_by(f)}
    left_out = {f.name: "not_asked_for" for f in FUNCTIONS if f.name not in reached | ALWAYS}
    return check(host.source / f"{name}{suffix}", Options(seconds=SECONDS, names=left_out), host)


def assert_named_alone(report, name, function):
    assert report.trouble == ""
    assert {mistake for verdict in report.verdicts for mistake in verdict.mistakes} == {name}
    assert [verdict.function for verdict in report.verdicts if verdict.is_wrong] == [function]


def test_the_table_has_a_wrong_solution_for_each():
    assert VARIANTS.keys() == MISTAKES.keys()
    assert len(MISTAKES) >= 30
    for name, (function, _, _) in VARIANTS.items():
        assert function in MISTAKES[name].places


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.xdist_group("check python")
def test_named_alone_in_python(python_host, name):
    function = VARIANTS[name][0]
    assert_named_alone(judged(python_host, name, ".py", function), name, function)


@pytest.mark.parametrize("name", OF_OWN_NOISE)
@pytest.mark.xdist_group("check python")
def test_named_alone_where_the_solution_draws_its_own_noise(python_host, name):
    function = VARIANTS[name][0]
    assert_named_alone(judged(python_host, f"{name}_own_noise", ".py", function), name, function)


@pytest.mark.julia
@pytest.mark.parametrize("name", [name for name, (_, _, edit) in VARIANTS.items() if edit is not None])
@pytest.mark.xdist_group("check julia")
def test_named_alone_in_julia(julia_host, name):
    function = VARIANTS[name][0]
    assert_named_alone(judged(julia_host, name, ".jl", function), name, function)


def values(world: Right, function: str):
    """A function's values on the check's inputs and noise."""
    inputs = make_inputs()
    contract = BY_NAME[function]
    arguments = [inputs.arguments[name] for name in contract.arguments]
    if function in ("elbo", "loss", "test_loss", "top_half_elbo"):
        arguments.append(inputs.noises[len(arguments[0])])
    if function == "sample_diag_gaussian":
        arguments.append(np.random.default_rng(0).standard_normal(arguments[0].shape))
    if function == "prior_samples":
        arguments = [inputs.noises[5]]
    if function == "decoder":
        return world.decoder(inputs.arguments["z"]), None
    if function == "train_model_params":
        sizes = np.array([len(batch) for batch in world.epoch(inputs.arguments["images"])])
        return sizes, (world.training_direction, world.trained)
    if function == "batches":
        return np.array([len(batch) for batch in world.batches(*arguments)]), 0
    return getattr(world, function)(*arguments), (world.shared_noise, world.repeats_noise)


@pytest.mark.parametrize("function", [function.name for function in FUNCTIONS])
def test_no_two_mistakes_of_a_function_look_alike(function):
    """Nor does any look right, except for steep logits, where one of them shows."""
    inputs = make_inputs()
    right = Right(perceptron(inputs.decoder), lambda x: halves(perceptron(inputs.encoder)(x)))
    found = {"right": values(right, function)}
    with np.errstate(all="ignore"):
        for name, mistake in MISTAKES.items():
            if function in mistake.places and name not in ("unstable_sigmoid", "overflowing_exponential"):
                found[name] = values(right.but(mistake.change), function)
    for (one, (value, more)), (other, (value_too, more_too)) in itertools.combinations(found.items(), 2):
        assert not (agree(np.asarray(value), value_too) and more == more_too), f"{one} looks like {other}"


@pytest.mark.xdist_group("check python")
def test_two_mistakes_together_are_both_named(tmp_path):
    text = RIGHT[".py"].read_text()
    for name in ("elbo_sign", "sum_over_the_batch"):
        there, _ = VARIANTS[name][1]
        assert there in text
    text = text.replace(
        "return (joint_log_density(x, z) - log_q(q_mean, q_log_std, z)).mean()",
        "return -(joint_log_density(x, z) - log_q(q_mean, q_log_std, z)).sum()",
    )
    (tmp_path / "two.py").write_text(text)
    report = check(tmp_path / "two.py", Options(names={"train_model_params": "not_asked_for"}))
    (elbo,) = (verdict for verdict in report.verdicts if verdict.function == "elbo")
    assert set(elbo.mistakes) == {"elbo_sign", "sum_over_the_batch"}
    assert "-5.00 times" in elbo.sentence


def test_what_no_mistake_explains_says_where_it_differs(tmp_path):
    (tmp_path / "odd.py").write_text(
        "import numpy as np\n"
        "def log_prior(z):\n"
        "    return np.where(z[:, 0] > 0.5, 3.0, -0.5 * (z**2).sum(1) - np.log(2 * np.pi))\n"
        "def elbo(x):\n    raise RuntimeError('to do')\n"
    )
    report = check(tmp_path / "odd.py", Options(layout="batch-first"))
    verdicts = {verdict.function: verdict for verdict in report.verdicts}
    assert verdicts["log_prior"].status == "wrong"
    assert not verdicts["log_prior"].mistakes
    assert "of 5 inputs; at z = (" in verdicts["log_prior"].sentence
    shown = verdicts["log_prior"].sentence.split("; at ")[1:]
    sizes = [
        sum(abs(float(n)) for n in each[each.index("(") + 1 : each.index(")")].split(",")) for each in shown
    ]
    assert sizes == sorted(sizes)
    assert verdicts["loss"].status == "absent"
