"""Completing the bottom half given the top: regions, windows, and means under q and the posterior."""

import math

import pytest
import torch

from mnist_vae.exact.answers import Part
from mnist_vae.exact.completion import (
    complete,
    completed,
    densities_around,
    highest_density_level,
    modes,
    posterior_window,
)
from mnist_vae.exact.integrator import Integrator
from mnist_vae.study.densities import log_q, top_half_joint
from mnist_vae.study.networks import VAE
from mnist_vae.study.svi import top_half_elbo


@pytest.fixture(scope="module")
def vae() -> VAE:
    vae = VAE(torch.Generator().manual_seed(3)).double().requires_grad_(False)
    vae.decoder.hidden.weight *= 4
    return vae


@pytest.fixture(scope="module")
def images(vae: VAE) -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    z = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    return torch.bernoulli(torch.sigmoid(vae.decoder(z)), generator=generator)


@pytest.fixture(scope="module")
def space(vae: VAE) -> Integrator:
    return Integrator(vae.decoder, 2, window=8.0, tolerance=1e-3, dtype=torch.float64)


def lattice(reach: float, points: int) -> torch.Tensor:
    axis = torch.linspace(-reach, reach, points, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis)


def test_level_of_a_mass_is_a_gaussians() -> None:
    """The region of the plane where a Gaussian is above a share s of its peak has mass 1 - s."""
    z = lattice(6, 301)
    density = log_q(torch.zeros(2).double(), torch.tensor([0.0, -0.5]).double(), z)
    for share in (0.5, 0.9):
        level = highest_density_level(density, density, share) - density.max()
        assert level.item() == pytest.approx(math.log(1 - share), abs=0.01)


def test_level_of_all_mass_is_the_lowest() -> None:
    density = torch.tensor([0.0, -1.0, -2.0]).double()
    assert highest_density_level(density, density, 1.0) == -2.0


def test_modes_are_counted_down_to_the_level() -> None:
    axis = torch.linspace(-4, 4, 101, dtype=torch.float64)
    first, second = torch.meshgrid(axis, axis, indexing="ij")
    bump = [-((first - at) ** 2 + (second + at) ** 2) / 0.5 for at in (-2.0, 2.0)]
    two = torch.logaddexp(bump[0], bump[1] - 1.0)
    tables = torch.stack([bump[0], two, two])
    assert modes(tables, torch.tensor([-3.0, -3.0, -0.5])).tolist() == [1, 2, 1]


def test_completed_is_the_true_top_above_the_decoded_bottom(images) -> None:
    means = torch.rand(5, *images.shape, dtype=torch.float64)
    found = completed(images, means)
    assert torch.equal(found[3, 1, :392], images[1, :392])
    assert torch.equal(found[3, 1, 392:], means[3, 1, 392:])


def test_window_holds_posterior_and_q(vae, images, space) -> None:
    posterior = space.posterior(images[0], Part.TOP_HALF)
    far, one = torch.full((2,), 6.0).double(), torch.zeros(2).double()
    window = posterior_window(posterior, far, one)
    assert (window[:, 1] >= 9.0).all()
    outside = ((posterior.z < window[:, 0]) | (posterior.z > window[:, 1])).any(-1)
    assert posterior.log_weights[outside].exp().sum() < 0.01
    assert (window[:, 0] < 4.0).all()


@torch.inference_mode()
def test_completion_is_what_sampling_finds(vae, images, space) -> None:
    """Means under q and under the posterior, KL and log-densities, each computed another way."""
    mean, log_std = (
        torch.tensor([[0.5, -0.2], [0.1, 0.3]]).double(),
        torch.tensor([[-0.5, -1.0]] * 2).double(),
    )
    noise = torch.randn(40_000, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = complete(space, vae.decoder, images, mean, log_std, noise[:3])
    assert found["completions"].shape == (2, 3, 784)
    drawn = torch.stack(
        [torch.sigmoid(vae.decoder(mean + log_std.exp() * some)).mean(0) for some in noise.split(500)]
    )
    torch.testing.assert_close(found["q_completion"][:, 392:], drawn.mean(0)[:, 392:], atol=0.01, rtol=0)

    z = lattice(7, 141)
    logits = vae.decoder(z)
    for i, x in enumerate(images):
        joint = torch.stack([top_half_joint(vae.decoder, x, part) for part in z.split(141)]).flatten()
        weights = torch.softmax(joint, 0)
        expected = (weights @ torch.sigmoid(logits))[392:]
        torch.testing.assert_close(found["exact_completion"][i, 392:], expected, atol=2e-3, rtol=0)
        log_p_top = torch.logsumexp(joint, 0) + 2 * math.log(14 / 140)
        elbo = top_half_elbo(
            vae.decoder, x[None], mean[i : i + 1], log_std[i : i + 1], noise[:4000, i : i + 1]
        )
        assert found["kl"][i].item() == pytest.approx((log_p_top - elbo).item(), abs=0.3)
    assert (found["kl"] > 0).all()
    assert (found["error"] < 5e-3).all()
    around = densities_around(vae.decoder, images, mean, log_std, found["window"])
    assert around["log_joint"].shape == around["log_q"].shape == (2, 161, 161)
    assert (around["modes"] >= 1).all()
