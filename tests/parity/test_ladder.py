"""The ladder against a live Julia: it passes as is, and fails with a fault on either side."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mnist_vae.parity import tables
from mnist_vae.parity.bridge import Answer, ask_reference
from mnist_vae.parity.checks import CHECKS, climb
from mnist_vae.study import adam, densities, gradient, objective, svi
from mnist_vae.study import networks as model
from support.project import REFERENCE

from . import small

# One process for all: they share the answers of one Julia, which takes seconds to compile.
pytestmark = [pytest.mark.julia, pytest.mark.xdist_group("julia")]

# A fault: the rung it must be found at, the file it is put into, what stands there, and what is put instead.
JULIA_FAULTS = {
    "wrong constant": (1, "src/densities.jl", "log(2 * oftype(x, π)) / 2", "log(oftype(x, π)) / 2"),
    "dropped pixel": (2, "src/densities.jl", "density.(x, logits))", "density.(x, logits)[2:end, :])"),
    "transposed weights": (3, "parity.jl", "permutedims(array)", "reshape(array, reverse(size(array)))"),
    "std for log_std": (4, "src/objective.jl", "exp.(log_std) .* noise", "log_std .* noise"),
    "cut gradient": (5, "src/gradient.jl", "d_z += share .* z", "d_z += 0 .* z"),
    "wrong epsilon": (6, "src/training.jl", "1e-8)", "1e-7)"),
}


@pytest.fixture(scope="session")
def faulty_answers(julia, inputs, tmp_path_factory) -> dict[str, Answer]:
    """Answers of a copy of the reference for each fault, all by one Julia process to save compilation."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "inputs").mkdir()
    for name, array in inputs.items():
        np.save(folder / "inputs" / f"{name}.npy", array)
    script = []
    for number, (_, file, right, wrong) in enumerate(JULIA_FAULTS.values()):
        copy = folder / f"reference{number}"
        shutil.copytree(REFERENCE, copy)
        code = (copy / file).read_text(encoding="utf-8")
        assert code.count(right) == 1, f"{file} no longer has {right!r} once"
        (copy / file).write_text(code.replace(right, wrong), encoding="utf-8")
        answers = folder / f"answers{number}"
        answers.mkdir()
        (answers / "inputs").symlink_to(folder / "inputs")
        script += [
            f"module Fault{number}",
            f'include("{copy / "parity.jl"}")',
            "end",
            f'tiers = ["core" => Fault{number}.ReferenceVAE]',
            f'Fault{number}.Parity.answer("{answers}", tiers, precisions=(Float64,))',
        ]
    (folder / "faults.jl").write_text("\n".join(script), encoding="utf-8")
    subprocess.run([julia, "--startup-file=no", "-O0", folder / "faults.jl"], check=True)
    return {
        name: Answer("executable", "", {("core", "float64"): _load(folder / f"answers{number}/core/float64")})
        for number, name in enumerate(JULIA_FAULTS)
    }


def _load(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: np.load(path) for path in folder.glob("*.npy")}


def first_failing_rung(ladder) -> int:
    """The first failing rung in float64, whose tolerances are the tightest."""
    return ladder[(ladder.dtype == "float64") & ~ladder["pass"]].rung.min()


@pytest.mark.parametrize(
    ("given", "tiers"),
    [("answer", {"core"}), ("juliacall_answer", {"core", "flux"})],
    ids=["executable", "juliacall"],
)
def test_every_check_passes(request, inputs, given, tiers):
    ladder = climb(inputs, request.getfixturevalue(given))
    failed = ladder[~ladder["pass"]]
    assert failed.empty, failed.to_string()
    assert set(ladder.tier) == tiers
    assert ladder.julia_version.str.fullmatch(r"1\.\d+\.\d+.*").all()
    assert len(ladder) == sum(len(check.tolerance) * len(tiers & set(check.tiers)) for check in CHECKS)
    assert tables.verdict(ladder).startswith(f"All {len(ladder)} checks")
    # Identical on both sides everywhere would mean that something was compared with itself.
    assert (ladder.max_abs > 0).sum() > len(ladder) / 2


@pytest.mark.usefixtures("julia")
def test_networks_of_other_sizes_agree_as_well():
    inputs = small.inputs(hidden=30, latent=3)
    ladder = climb(inputs, ask_reference(inputs, REFERENCE, "executable"))
    failed = ladder[~ladder["pass"]]
    assert failed.empty, failed.to_string()
    assert set(ladder.query("quantity == 'encoder_mean'").shapes) == {"10x3"}
    assert set(ladder.query("quantity == 'gradient.decoder.hidden.weight'").shapes) == {"30x3"}


@pytest.mark.parametrize("fault", JULIA_FAULTS)
def test_fault_in_the_reference_is_found_at_its_rung(inputs, faulty_answers, fault):
    assert first_failing_rung(climb(inputs, faulty_answers[fault])) == JULIA_FAULTS[fault][0]


# --- faults on this side ----------------------------------------------------------------------------------


def wrong_gaussian_constant(monkeypatch):
    right = densities.normal_log_density
    monkeypatch.setattr(densities, "normal_log_density", lambda *terms: right(*terms) + 1e-9)


def wrong_bernoulli_constant(monkeypatch):
    right = densities.bernoulli_log_density
    monkeypatch.setattr(densities, "bernoulli_log_density", lambda *terms: right(*terms) * (1 + 1e-11))


def dropped_pixel(monkeypatch):
    def log_likelihood(x, logits):
        return densities.bernoulli_log_density(x, logits)[..., 1:].sum(-1)

    monkeypatch.setattr(densities, "log_likelihood", log_likelihood)
    monkeypatch.setattr(objective, "log_likelihood", log_likelihood)


def left_half_for_top_half(monkeypatch):
    def left_half(x):
        return x.reshape(*x.shape[:-1], 28, 28)[..., :14].flatten(start_dim=-2)

    for module in (densities, svi):
        monkeypatch.setattr(module, "top_half", left_half)


def transposed_weight(monkeypatch):
    def forward(decoder, z):
        weight = decoder.hidden.weight
        hidden = F.linear(z, weight.T.reshape(weight.shape), decoder.hidden.bias)
        return decoder.output(torch.tanh(hidden))

    monkeypatch.setattr(model.Decoder, "forward", forward)


def variance_for_standard_deviation(monkeypatch):
    def reparameterize(mean, log_std, noise):
        return mean + torch.exp(2 * log_std) * noise

    monkeypatch.setattr(objective, "reparameterize", reparameterize)


def cut_gradient(monkeypatch):
    monkeypatch.setattr(gradient, "_through_tanh", lambda d_output, output: d_output)


def wrong_adam_epsilon(monkeypatch):
    monkeypatch.setattr(adam, "EPSILON", 1e-7)


@pytest.mark.parametrize(
    ("rung", "fault"),
    [
        (1, wrong_gaussian_constant),
        (1, wrong_bernoulli_constant),
        (2, dropped_pixel),
        (2, left_half_for_top_half),
        (3, transposed_weight),
        (4, variance_for_standard_deviation),
        (5, cut_gradient),
        (6, wrong_adam_epsilon),
    ],
)
def test_fault_in_this_package_is_found_at_its_rung(inputs, answer, monkeypatch, rung, fault):
    fault(monkeypatch)
    # A training run would refuse such a gradient before its first step.
    monkeypatch.setattr("mnist_vae.study.step.require_autograds_gradient", lambda *words: None)
    assert first_failing_rung(climb(inputs, answer)) == rung


def test_reference_passes_its_own_tests(julia):
    result = subprocess.run(
        [julia, "--startup-file=no", "-O0", REFERENCE / "test/runtests.jl"],
        env=os.environ | {"JULIA_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
