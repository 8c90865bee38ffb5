"""The exact posterior of one image: moments, modes and draws, against plain sums over a lattice."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from scipy.stats import chisquare, kstest

from mnist_vae.exact.integrator import Integrator
from mnist_vae.study.densities import joint_log_density
from mnist_vae.study.networks import VAE
from support.command_line import run_command

DRAWS = 100_000
SPACING, REACH = 0.03, 6.0
TOLERANCE = 1e-3  # of the sum, relative to the mass; by so much moments may be off, in units of the prior


@pytest.fixture(scope="module", params=[0, 1])
def case(request):
    """An image's posterior, and the plain sum over a lattice: z (points, 2) and its shares (points,)."""
    vae = VAE(torch.Generator().manual_seed(3), hidden=40).requires_grad_(False)
    vae.decoder.hidden.weight *= 4
    z = torch.randn(2, 2, generator=torch.Generator().manual_seed(4))
    x = torch.bernoulli(torch.sigmoid(vae.decoder(z)), generator=torch.Generator().manual_seed(5))[
        request.param
    ]
    posterior = Integrator(vae.decoder, 2, window=10.0, tolerance=TOLERANCE).exact_posterior(x)
    axis = torch.arange(-REACH, REACH, SPACING) + SPACING / 2
    z = torch.cartesian_prod(axis, axis)
    log_joint = torch.cat([joint_log_density(vae.decoder, x, some) for some in z.split(8192)]).double()
    return SimpleNamespace(
        posterior=posterior, z=z.double(), log_joint=log_joint, p=torch.softmax(log_joint, 0)
    )


def test_moments_are_those_of_a_plain_sum(case):
    mean = case.p @ case.z
    covariance = (case.p[:, None] * (case.z - mean)).T @ (case.z - mean)
    torch.testing.assert_close(case.posterior.mean, mean, atol=2 * TOLERANCE, rtol=0)
    torch.testing.assert_close(case.posterior.covariance, covariance, atol=2 * TOLERANCE, rtol=0)
    log_px = torch.logsumexp(case.log_joint, 0) + 2 * np.log(SPACING)
    assert case.posterior.log_px == pytest.approx(log_px.item(), abs=2 * TOLERANCE)
    entropy = -(case.p @ (case.log_joint - log_px)).item()
    assert case.posterior.entropy == pytest.approx(entropy, abs=2 * TOLERANCE)


def test_draws_fall_where_the_posterior_has_its_mass_and_are_independent(case):
    """Pearson's test on squares of the plane; of successive draws, in which a dependence would show."""
    draws = case.posterior.draws(DRAWS, torch.Generator().manual_seed(1)).numpy()
    edges = np.linspace(-REACH, REACH, 81)
    expected, found = (
        np.histogram2d(*z.T, bins=(edges, edges), weights=weights)[0]
        for z, weights in ((case.z.numpy(), DRAWS * case.p.numpy()), (draws, None))
    )
    counts = expected > 10
    expected, found = ([*each[counts], each[~counts].sum()] for each in (expected, found))
    assert chisquare(found, np.array(expected) * sum(found) / sum(expected)).pvalue > 1e-3
    rank = np.argsort(np.argsort(draws[:, 0])) / DRAWS
    assert abs(np.corrcoef(rank[:-1], rank[1:])[0, 1]) < 4 / DRAWS**0.5
    assert kstest(np.abs(rank[1:] - rank[:-1]), lambda d: 2 * d - d**2).pvalue > 1e-4


def test_modes_hold_all_of_the_mass(case):
    masses = case.posterior.mode_masses
    assert masses.sum().item() == pytest.approx(1)
    assert (masses.diff() <= 0).all()
    highest = case.z[case.log_joint.argmax()]
    assert (case.posterior.modes - highest).norm(dim=1).min() < 0.2
    of_modes = case.posterior.mode_of(case.posterior.modes)
    assert torch.equal(masses[of_modes], masses)


def test_two_peaks_are_two_modes():
    """A decoder that cannot tell z from -z."""

    def decoder(z):
        return 6 * (z[..., :1].abs() - 1) * torch.ones(2)

    x = torch.tensor([1.0, 1.0])
    posterior = Integrator(decoder, 2, window=10.0, tolerance=TOLERANCE).exact_posterior(x)
    assert posterior.mode_masses[:2].tolist() == pytest.approx([0.5, 0.5], abs=0.01)
    assert posterior.modes[:2, 0].sign().sum() == 0


@pytest.mark.parametrize("library", ["numpy", "torch", "jax.numpy"])
def test_the_exported_page_is_right_in_each_library(study, tmp_path, monkeypatch, library):
    """Its code alone gives p(x, z): weighted by a density of z, 1 / p(x, z) averages to 1 / p(x)."""
    pytest.importorskip(
        library, reason="the page's code in JAX needs `pip install --editable '.[inference]'`"
    )
    command = f"posteriors {study.weights} {tmp_path} --digits {study.digits} --images 4 --window 20"
    assert run_command(command) == 0
    code = re.search(r"```python\n(.*?)```", (tmp_path / "README.md").read_text(), re.S)[1]
    loader = {"numpy": "numpy", "torch": "torch", "jax.numpy": "flax"}[library]
    code = code.replace("import numpy as np", f"import {library} as np")
    code = code.replace("safetensors.numpy", f"safetensors.{loader}")
    monkeypatch.chdir(tmp_path)
    page: dict = {}
    exec(code, page)
    a = load_file("posteriors.safetensors")
    for image in range(4):
        mean, covariance = a["mean"][image], a["covariance"][image]
        inverse, constant = np.linalg.inv(covariance), np.linalg.slogdet(2 * np.pi * covariance)[1] / 2
        ratios = [
            -(z - mean) @ inverse @ (z - mean) / 2
            - constant
            - float(page["log_joint"](page["a"]["x"][image], page["a"]["draws"][image][draw]))
            for draw, z in enumerate(a["draws"][image])
        ]
        assert -np.log(np.mean(np.exp(ratios + a["log_px"][image]))) == pytest.approx(0, abs=0.2)
