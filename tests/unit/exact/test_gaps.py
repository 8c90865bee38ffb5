"""Gaps between bounds and log p(x): their identity, and the refined q compared with another optimizer's."""

import math
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

from mnist_vae.exact.gaps import _best, encoder_gap, gaps, independent_pixels
from mnist_vae.exact.integrator import Integrator
from mnist_vae.exact.quadrature import elbo_by_quadrature, gauss_hermite
from mnist_vae.exact.refine import FIT_NODES, laplace, log_joints, refine
from mnist_vae.exact.weighting import importance_weighted_shortfalls
from mnist_vae.study.densities import joint_log_density, log_q
from mnist_vae.study.networks import VAE
from mnist_vae.study.objective import bound, bound_of_q


@pytest.fixture
def vae() -> VAE:
    """A model in float64 whose posteriors are half as wide as the prior, and whose encoder is off by nats."""
    vae = VAE(torch.Generator().manual_seed(3)).double().requires_grad_(False)
    vae.decoder.hidden.weight *= 4
    vae.decoder.output.weight *= 0.7
    vae.encoder.output.weight *= 0.5
    vae.encoder.output.bias += torch.tensor([0.0, 0.0, -0.6, -0.3])
    return vae


@pytest.fixture
def images(vae: VAE) -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    z = 0.7 * torch.randn(6, 2, generator=generator, dtype=torch.float64)
    return torch.bernoulli(torch.sigmoid(vae.decoder(z)), generator=generator)


@pytest.fixture
def space(vae: VAE) -> Integrator:
    return Integrator(vae.decoder, 2, window=8.0, tolerance=1e-3, dtype=torch.float64)


def kl_to_posterior(decoder, x, log_px, mean, log_std) -> torch.Tensor:
    """KL(q || posterior) of one image, as a plain sum over a lattice."""
    axis = torch.arange(-8, 8, 0.1, dtype=torch.float64)  # q is up to 1.5 wide
    z = torch.cartesian_prod(axis, axis)
    log_ratio = log_q(mean, log_std, z) - (joint_log_density(decoder, x, z) - log_px)
    return (torch.exp(log_q(mean, log_std, z)) * log_ratio).sum() * 0.1**2


def gaussian(mean: list[float], covariance: list[list[float]]) -> torch.distributions.MultivariateNormal:
    parameters = (torch.tensor(part, dtype=torch.float64) for part in (mean, covariance))
    return torch.distributions.MultivariateNormal(*parameters)


def test_negative_elbo_is_negative_log_px_plus_kl(vae, images, space) -> None:
    noise, weights = gauss_hermite(24, 2, images)
    elbo = (weights[:, None] * bound(vae, images, noise[:, None]).elbo).sum(0)
    found = encoder_gap(vae, space, images)
    torch.testing.assert_close(-elbo, -found.log_px + found.kl, atol=1e-3, rtol=0)
    each = zip(images, found.log_px, *vae.encoder(images), strict=True)
    kl = torch.stack([kl_to_posterior(vae.decoder, *image) for image in each])
    torch.testing.assert_close(found.kl, kl, atol=2e-3, rtol=0)
    assert (kl > 0.1).all()
    assert (found.error < 2e-3).all()


def test_refined_q_is_as_good_as_gradient_descents(vae, images) -> None:
    noise, weights = gauss_hermite(16, 2, images)
    start = vae.encoder(images)
    mean, log_std = (part.clone().requires_grad_() for part in start)
    optimizer = torch.optim.LBFGS([mean, log_std], max_iter=300, line_search_fn="strong_wolfe")

    def elbos(mean, log_std) -> torch.Tensor:
        return (weights[:, None] * bound_of_q(vae.decoder, images, mean, log_std, noise[:, None]).elbo).sum(0)

    def negative_elbo() -> torch.Tensor:
        optimizer.zero_grad()
        loss = -elbos(mean, log_std).sum()
        loss.backward()
        return loss

    optimizer.step(negative_elbo)
    theirs = elbos(mean.detach(), log_std.detach())
    ours = elbos(*refine(log_joints(vae.decoder, images), *start))
    torch.testing.assert_close(ours, theirs, atol=3e-3, rtol=0)


def test_refining_image_by_image_is_refining_all(vae, images) -> None:
    start = vae.encoder(images)
    together = refine(log_joints(vae.decoder, images), *start)
    alone = [
        refine(log_joints(vae.decoder, images[[i]]), *(part[[i]] for part in start))
        for i in range(len(images))
    ]
    for part, parts in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(part, torch.cat(parts))


def test_refined_q_of_a_gaussian_posterior_is_the_closed_form() -> None:
    """The factorized q nearest to a Gaussian has its mean, and the diagonal of its precision as precision."""
    posterior = gaussian([1.0, -2.0], [[0.5, 0.3], [0.3, 0.4]])
    start = torch.tensor([[-3.0, 3.0]]).double(), torch.tensor([[-1.0, 0.5]]).double()
    mean, log_std = refine(lambda images, z: posterior.log_prob(z), *start)
    torch.testing.assert_close(mean[0], posterior.mean, atol=0.05, rtol=0)
    precision = torch.linalg.inv(posterior.covariance_matrix).diagonal()
    torch.testing.assert_close(torch.exp(-2 * log_std[0]), precision, rtol=0.05, atol=0)
    at_peak = laplace(lambda images, z: posterior.log_prob(z), posterior.mean[None])
    torch.testing.assert_close(at_peak.peak, posterior.mean[None], atol=1e-6, rtol=0)
    torch.testing.assert_close(torch.exp(-2 * at_peak.log_std[0]), precision, rtol=1e-3, atol=0)


def test_refinement_looks_no_further_where_its_slopes_promise_nothing() -> None:
    """At the optimum, one evaluation shows that there is nothing to gain."""
    posterior = gaussian([1.0, -2.0], [[0.5, 0.3], [0.3, 0.4]])
    evaluations = []

    def log_density(images: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        evaluations.append(len(z))
        return posterior.log_prob(z)

    precision = torch.linalg.inv(posterior.covariance_matrix).diagonal()
    best = posterior.mean[None], -0.5 * torch.log(precision)[None]
    found = refine(log_density, *best)
    for part, expected in zip(found, best, strict=True):
        assert torch.equal(part, expected)
    assert evaluations == [FIT_NODES**2]


@pytest.mark.parametrize("std", [0.01, 0.3, 2.0])
def test_elbo_by_quadrature_is_minus_the_kl_to_a_gaussian(std) -> None:
    """For any width of q: the log-density is normalized, so log p(x) is 0."""
    posterior = gaussian([0.5, -1.0], [[0.5, 0.2], [0.2, 0.3]])
    mean, log_std = torch.tensor([[0.0, -0.8]]).double(), torch.log(torch.tensor([[std, 2 * std]])).double()
    q = torch.distributions.MultivariateNormal(mean[0], torch.diag(torch.exp(2 * log_std[0])))
    expected = -torch.distributions.kl_divergence(q, posterior)
    found = elbo_by_quadrature(lambda images, z: posterior.log_prob(z), mean, log_std)
    assert found.value.item() == pytest.approx(expected.item(), rel=1e-9)
    assert found.error.item() < 1e-9


def test_quadrature_of_q_adapts_and_says_its_error() -> None:
    """Few nodes for a smooth log-joint, more for a wavy one, and an error if even the most do not suffice."""
    mean, log_std = torch.zeros(3, 1).double(), torch.zeros(3, 1).double()
    frequency = torch.tensor([0.3, 4.0, 400.0]).double()
    sizes = []

    def log_joint(images: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        sizes.append(len(images))
        return torch.cos(frequency[images] * z[..., 0])

    found = elbo_by_quadrature(log_joint, mean, log_std, tolerance=1e-4)
    expected = torch.exp(-(frequency**2) / 2) + 0.5 * (1 + math.log(2 * math.pi))
    assert sizes[0] == 3
    assert sizes[-1] == 1
    torch.testing.assert_close(found.value[:2], expected[:2], atol=1e-4, rtol=0)
    assert found.error[1] <= 1e-4 < found.error[2]


def test_gaps_are_ordered(vae, images, space) -> None:
    found = gaps(vae, space, images)
    assert (found.kl >= found.kl_refined).all()
    assert (found.kl_refined >= found.kl_best).all()
    assert (found.kl_best > 0).all()
    assert (found.kl > found.kl_refined + 0.01).any()


def test_best_q_is_found_where_the_encoder_points_to_a_lesser_mode() -> None:
    """Refinement climbs the mode it starts in; the posterior's modes lead to the better one."""

    def two_bumps(images: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        lesser, main = (-((z - at) ** 2).sum(-1) / 0.5 - math.log(0.5 * math.pi) for at in (-3.0, 3.0))
        return torch.logaddexp(lesser - 4, main)

    start = torch.tensor([[-2.5, -3.5]]).double(), torch.tensor([[-1.0, -1.0]]).double()
    q = refine(two_bumps, *start)
    elbo = elbo_by_quadrature(two_bumps, *q).value
    assert elbo.item() == pytest.approx(-4, abs=3e-3)
    modes = torch.tensor([[[3.1, 2.9], [-3.0, -3.0], [3.1, 2.9]]]).double()
    space = SimpleNamespace(
        log_joints=lambda x: two_bumps,
        refine=lambda x, mean, log_std: refine(two_bumps, mean, log_std),
        elbo=lambda x, mean, log_std: elbo_by_quadrature(two_bumps, mean, log_std),
    )
    best, error = _best(space, torch.zeros(1, 1), modes, q, elbo)
    assert best.item() == pytest.approx(0, abs=3e-3)
    assert error.item() < 1e-3


def test_independent_pixels_are_frequencies_of_the_bottom_half() -> None:
    train, x = torch.zeros(8, 784), torch.zeros(1, 784)
    bottom = 392  # the first pixel
    train[:3, bottom] = 1  # on in 3 of 8: (3 + 1) / (8 + 2)
    train[:, :bottom] = 1  # not read
    x[0, bottom] = 1
    expected = math.log(0.4) + 391 * math.log(0.9)
    assert independent_pixels(train, x).item() == pytest.approx(expected, abs=1e-3)


def test_importance_weighted_bound_rises_with_k_to_exact_log_px(vae, images, space) -> None:
    generator = torch.Generator().manual_seed(5)
    found = list(importance_weighted_shortfalls(vae, space, images, [1, 10, 100, 4000], generator))
    assert [(each.proposal, each.k) for each in found[:4]] == [("encoder", k) for k in (1, 10, 100, 4000)]
    for proposal in (found[:4], found[4:]):
        for fewer, more in pairwise(proposal):
            assert (fewer.below_log_px > more.below_log_px - 0.05).all()
    assert found[-1].below_log_px.abs().max() < 0.1
    assert found[0].below_log_px.mean() > found[4].below_log_px.mean() > 0
