"""The gaps between bounds and log p(x): their identity, and the refined q against another optimizer."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from mnist_vae.errors import InputError
from mnist_vae.exact import gaps as gaps_module
from mnist_vae.exact import refine as refinement
from mnist_vae.exact.gaps import encoder_gap, gaps, independent_pixels
from mnist_vae.exact.marginal import decode_grid, integrate, latent_grid, q_on_grid
from mnist_vae.exact.refine import elbo_by_quadrature, refine
from mnist_vae.study.densities import TOP_HALF
from mnist_vae.study.networks import VAE
from mnist_vae.study.objective import bound, bound_of_q, importance_weighted_bound

from .test_marginal import log_joint


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
def decoded(vae: VAE):
    return decode_grid(vae.decoder, latent_grid(8, 121, torch.float64))


def gauss_hermite(nodes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Standard normal noise (nodes^2, 1, 2) and its weights (nodes^2, 1): expectations without the grid."""
    points, weights = map(torch.from_numpy, np.polynomial.hermite_e.hermegauss(nodes))
    weights = weights / weights.sum()
    return torch.cartesian_prod(points, points)[:, None], torch.outer(weights, weights).reshape(-1, 1)


def grid_kl(table: torch.Tensor, axis: torch.Tensor, mean: torch.Tensor, log_std: torch.Tensor):
    """KL(q || posterior) as a sum over the grid's points: (images, points) -> (images,)."""
    log_q = q_on_grid(axis, mean, log_std)
    return (log_q.exp() * (log_q - torch.log_softmax(table, dim=-1))).sum(-1)


def gaussian(mean: list[float], covariance: list[list[float]]) -> torch.distributions.MultivariateNormal:
    parameters = (torch.tensor(part, dtype=torch.float64) for part in (mean, covariance))
    return torch.distributions.MultivariateNormal(*parameters)


def instead_of_the_joint(monkeypatch, log_density) -> None:
    """Let `refine` climb another log-density of z than a model's."""
    monkeypatch.setattr(refinement, "joint_log_density", lambda decoder, x, z: log_density(z))


def test_negative_elbo_is_negative_log_px_plus_kl(vae, images, decoded) -> None:
    noise, weights = gauss_hermite(24)
    elbo = (weights * bound(vae, images, noise).elbo).sum(0)
    table = log_joint(decoded, images)
    kl = grid_kl(table, decoded.grid.axis, *vae.encoder(images))
    log_px = integrate(table, decoded.grid).log_density
    torch.testing.assert_close(-elbo, -log_px + kl, atol=1e-3, rtol=0)
    assert (kl > 0.1).all()
    found = encoder_gap(vae, decoded, images, "a model", "a way out")
    torch.testing.assert_close(found.kl, kl, atol=1e-3, rtol=0)
    torch.testing.assert_close(found.log_px, log_px)


def test_few_nodes_serve_narrow_q_and_more_the_wide_ones(monkeypatch, vae, images, decoded) -> None:
    sizes, right = [], gaps_module.elbo_by_quadrature

    def counted(log_joint, mean, *arguments) -> torch.Tensor:
        sizes.append(len(mean))
        return right(log_joint, mean, *arguments)

    monkeypatch.setattr(gaps_module, "elbo_by_quadrature", counted)
    log_std = torch.tensor([-4.0, -2.5, -1.5, -1.0, -0.5, 0.2]).double()[:, None].expand(6, 2)
    monkeypatch.setattr(vae.encoder, "forward", lambda x: (torch.zeros_like(log_std), log_std))
    found = encoder_gap(vae, decoded, images, "a model", "a way out")
    assert sizes[:2] == [6, 6]
    assert 0 < sum(sizes[2:]) < 6
    noise, weights = gauss_hermite(24)
    expected = (weights * bound(vae, images, noise).elbo).sum(0)
    torch.testing.assert_close(found.log_px - found.kl, expected, atol=1e-3, rtol=0)


def test_refined_q_is_as_good_as_gradient_descents(vae, images, decoded) -> None:
    noise, weights = gauss_hermite(16)
    start = vae.encoder(images)
    mean, log_std = (part.clone().requires_grad_() for part in start)
    optimizer = torch.optim.LBFGS([mean, log_std], max_iter=300, line_search_fn="strong_wolfe")

    def negative_elbo() -> torch.Tensor:
        optimizer.zero_grad()
        loss = -(weights * bound_of_q(vae.decoder, images, mean, log_std, noise).elbo).sum()
        loss.backward()
        return loss

    optimizer.step(negative_elbo)
    table, axis = log_joint(decoded, images), decoded.grid.axis
    theirs = grid_kl(table, axis, mean.detach(), log_std.detach())
    ours = grid_kl(table, axis, *refine(vae.decoder, images, *start))
    torch.testing.assert_close(ours, theirs, atol=3e-3, rtol=0)


def test_refining_image_by_image_is_refining_all(vae, images) -> None:
    start = vae.encoder(images)
    together = refine(vae.decoder, images, *start)
    alone = [refine(vae.decoder, images[[i]], *(part[[i]] for part in start)) for i in range(len(images))]
    for part, parts in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(part, torch.cat(parts))


def test_refined_q_of_a_gaussian_posterior_is_the_closed_form(monkeypatch) -> None:
    """The factorized q nearest a Gaussian has its mean, and as precision the diagonal of its precision."""
    posterior = gaussian([1.0, -2.0], [[0.5, 0.3], [0.3, 0.4]])
    instead_of_the_joint(monkeypatch, posterior.log_prob)
    start = torch.tensor([[-3.0, 3.0]]).double(), torch.tensor([[-1.0, 0.5]]).double()
    mean, log_std = refine(None, torch.zeros(1, 784), *start)
    torch.testing.assert_close(mean[0], posterior.mean, atol=0.05, rtol=0)
    precision = torch.linalg.inv(posterior.covariance_matrix).diagonal()
    torch.testing.assert_close(torch.exp(-2 * log_std[0]), precision, rtol=0.05, atol=0)


def test_refinement_looks_no_further_where_its_slopes_promise_nothing(monkeypatch) -> None:
    """At the closed form's q one evaluation tells that there is nothing to gain."""
    posterior = gaussian([1.0, -2.0], [[0.5, 0.3], [0.3, 0.4]])
    evaluations = []

    def log_density(z: torch.Tensor) -> torch.Tensor:
        evaluations.append(len(z))
        return posterior.log_prob(z)

    instead_of_the_joint(monkeypatch, log_density)
    precision = torch.linalg.inv(posterior.covariance_matrix).diagonal()
    best = posterior.mean[None], -0.5 * torch.log(precision)[None]
    found = refine(None, torch.zeros(1, 784), *best)
    for part, expected in zip(found, best, strict=True):
        assert torch.equal(part, expected)
    assert evaluations == [refinement.FITTING_NODES**2]


@pytest.mark.parametrize("std", [0.01, 0.3, 2.0])
def test_elbo_by_quadrature_is_minus_the_kl_to_a_gaussian(std) -> None:
    """Whatever the width of q: the log-density is normalized, so log p(x) is 0."""
    posterior = gaussian([0.5, -1.0], [[0.5, 0.2], [0.2, 0.3]])
    mean, log_std = torch.tensor([[0.0, -0.8]]).double(), torch.log(torch.tensor([[std, 2 * std]])).double()
    q = torch.distributions.MultivariateNormal(mean[0], torch.diag(torch.exp(2 * log_std[0])))
    expected = -torch.distributions.kl_divergence(q, posterior)
    found = elbo_by_quadrature(posterior.log_prob, mean, log_std)
    assert found.item() == pytest.approx(expected.item(), rel=1e-9)


def test_gaps_are_ordered(vae, images, decoded) -> None:
    found = gaps(vae, decoded, images, "a model", "a way out")
    assert (found.kl >= found.kl_refined).all()
    assert (found.kl_refined >= found.kl_best).all()
    assert (found.kl_best > 0).all()
    assert (found.kl > found.kl_refined + 0.01).any()


def test_best_q_is_found_where_the_encoder_points_to_a_lesser_mode(monkeypatch, vae, images, decoded) -> None:
    """Refining climbs the mode it starts in; the posterior's peak tells where the better one is."""

    def two_bumps(z: torch.Tensor) -> torch.Tensor:
        lesser, main = (-((z - at) ** 2).sum(-1) / 0.5 - math.log(0.5 * math.pi) for at in (-3.0, 3.0))
        return torch.logaddexp(lesser - 4, main)

    log_area = 2 * torch.log(decoded.grid.axis[1] - decoded.grid.axis[0])
    instead_of_the_joint(monkeypatch, two_bumps)
    monkeypatch.setattr(gaps_module, "joint_log_density", lambda decoder, x, z: two_bumps(z))
    table = two_bumps(decoded.grid.z)[None] + log_area
    monkeypatch.setattr(gaps_module, "log_marginals", lambda decoded, x: integrate(table, decoded.grid))
    monkeypatch.setattr(
        vae.encoder, "forward", lambda x: torch.tensor([[[-2.5, -3.5]], [[-1.0, -1.0]]]).double()
    )
    found = gaps(vae, decoded, images[:1], "a model", "a way out")
    assert found.kl_best.item() == pytest.approx(math.log(1 + math.exp(-4)), abs=3e-3)
    assert found.kl_refined.item() == pytest.approx(math.log(1 + math.exp(4)), abs=3e-3)


def test_posterior_on_the_edge_is_an_error(vae, images) -> None:
    decoded = decode_grid(vae.decoder, latent_grid(0.5, 41, torch.float64))
    with pytest.raises(InputError, match=r"a model: .*a way out"):
        encoder_gap(vae, decoded, images, "a model", "a way out")


def test_independent_pixels_are_frequencies_of_the_bottom_half() -> None:
    train, x = torch.zeros(8, 784), torch.zeros(1, 784)
    train[:3, TOP_HALF] = 1  # on in 3 of 8: (3 + 1) / (8 + 2)
    train[:, :TOP_HALF] = 1  # not read
    x[0, TOP_HALF] = 1
    expected = math.log(0.4) + 391 * math.log(0.9)
    assert independent_pixels(train, x).item() == pytest.approx(expected, abs=1e-3)


def test_importance_weighted_bound_by_hand() -> None:
    log_weights = torch.log(torch.tensor([[1.0], [3.0], [2.0], [8.0]]))
    expected = {1: math.log(48) / 4, 2: (math.log(2) + math.log(5)) / 2, 4: math.log(3.5)}
    for k, value in expected.items():
        assert importance_weighted_bound(log_weights, k).item() == pytest.approx(value, abs=1e-6)


def test_importance_weighted_bound_rises_with_k_to_exact_log_px(vae, images, decoded) -> None:
    exact = integrate(log_joint(decoded, images), decoded.grid).log_density
    mean, log_std = refine(vae.decoder, images, *vae.encoder(images))
    q = mean + 0.8 * torch.exp(log_std), log_std + 0.3  # off, and wider than the posterior
    generator = torch.Generator().manual_seed(5)
    noise = torch.randn(4_000, len(images), 2, generator=generator, dtype=torch.float64)
    log_weights = bound_of_q(vae.decoder, images, *q, noise).elbo

    bounds = [importance_weighted_bound(log_weights, k) for k in (1, 10, 100, 1000)]
    for lower, higher in pairwise(bounds):
        assert (lower < higher).all()
    ratio = torch.exp(log_weights - exact)
    error = ratio.std(0) / len(ratio) ** 0.5
    assert (bounds[-1] < exact + 4 * error).all()
    below = [(exact - each).mean().item() for each in bounds]
    assert below[0] > 0.3
    assert below[-1] == pytest.approx(0, abs=0.02)
