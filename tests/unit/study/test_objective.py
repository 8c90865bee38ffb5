"""The ELBO: unbiased, a mean and not a sum, one z per image, differentiable through its draws."""

import math

import numpy as np
import pytest
import torch

from mnist_vae.errors import InputError
from mnist_vae.study.densities import log_likelihood, log_prior, log_q
from mnist_vae.study.networks import VAE
from mnist_vae.study.objective import bound, importance_weighted_bound, loss, reparameterize

DRAWS = 2_000
SIGMAS = 4  # standard errors by which a mean may be off


@pytest.fixture(scope="module")
def vae(trained):
    double = VAE()
    double.load_state_dict(trained.state_dict())
    return double.double()


@pytest.fixture(scope="module")
def x(images):
    return images[:4].double()


def draw(*shape, seed=0):
    return torch.randn(*shape, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def quadrature(order=40):
    """Noise (order^2, 1, 2) and weights (order^2, 1) for expectations over N(0, I)."""
    nodes, weights = (torch.from_numpy(a) for a in np.polynomial.hermite_e.hermegauss(order))
    weights = weights / math.sqrt(2 * math.pi)
    return torch.cartesian_prod(nodes, nodes)[:, None], torch.outer(weights, weights).reshape(-1, 1)


def expected(per_draw, weights):
    return (weights * per_draw).sum(0)


def analytic_kl(mean, log_std):
    return 0.5 * (mean**2 + torch.exp(2 * log_std) - 2 * log_std - 1).sum(-1)


def assert_mean_is(per_draw, value):
    """Assert that the mean over draws (draws, images) is right within its standard error."""
    error = per_draw.std(0) / len(per_draw) ** 0.5
    assert ((per_draw.mean(0) - value).abs() < SIGMAS * error).all()


def test_terms_by_hand(vae, x):
    noise = draw(4)
    terms = bound(vae, x, noise)
    mean, log_std = vae.encoder(x)
    z = mean + log_std.exp() * noise
    torch.testing.assert_close(terms.log_likelihood, log_likelihood(x, vae.decoder(z)), rtol=1e-12, atol=0)
    torch.testing.assert_close(terms.log_prior, log_prior(z), rtol=1e-12, atol=0)
    torch.testing.assert_close(terms.log_q, log_q(mean, log_std, z), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(terms.kl, terms.log_q - terms.log_prior)
    torch.testing.assert_close(terms.elbo, terms.log_likelihood + terms.log_prior - terms.log_q)


@torch.inference_mode()
def test_kl_term_is_unbiased(vae, x):
    exact = analytic_kl(*vae.encoder(x))
    assert exact.min() > 0.5  # not the trivial case
    noise, weights = quadrature()
    torch.testing.assert_close(expected(bound(vae, x, noise).kl, weights), exact, rtol=1e-10, atol=0)
    assert_mean_is(bound(vae, x, draw(DRAWS, 4)).kl, exact)


@torch.inference_mode()
def test_elbo_is_unbiased(vae, x):
    """The mean of many draws is the expected reconstruction, by quadrature, minus the analytic KL."""
    noise, weights = quadrature()
    mean, log_std = vae.encoder(x)
    reconstruction = expected(log_likelihood(x, vae.decoder(mean + log_std.exp() * noise)), weights)
    assert_mean_is(bound(vae, x, draw(DRAWS, 4, seed=1)).elbo, reconstruction - analytic_kl(mean, log_std))


@torch.inference_mode()
def test_quadrature_has_converged(vae, x):
    results = []
    for order in (30, 40):
        noise, weights = quadrature(order)
        results.append(expected(bound(vae, x, noise).elbo, weights))
    torch.testing.assert_close(*results, rtol=1e-5, atol=0)


def test_loss_is_a_mean_over_images_and_draws(vae, x):
    noise = draw(3, 4)
    once = loss(bound(vae, x, noise))
    torch.testing.assert_close(once, -bound(vae, x, noise).elbo.sum() / 12)
    torch.testing.assert_close(loss(bound(vae, torch.cat([x, x]), torch.cat([noise, noise], dim=1))), once)


def test_loss_is_the_negative_elbo_and_beta_the_weight_of_its_kl(vae, x):
    terms = bound(vae, x, draw(4))
    assert torch.equal(loss(terms), -terms.elbo.mean())
    for beta in (0.0, 0.5, 4.0):
        expected = -terms.log_likelihood.mean() + beta * terms.kl.mean()
        torch.testing.assert_close(loss(terms, beta), expected)


@pytest.mark.parametrize("k", [0, -1, 4, 7])
def test_a_number_of_draws_that_does_not_divide_them_is_refused(k):
    with pytest.raises(InputError, match=f"k is {k}; it must divide the 6 draws"):
        importance_weighted_bound(torch.zeros(6, 3), k)


def test_each_image_has_its_own_draw(vae, x):
    noise = draw(4)
    changed = noise.clone()
    changed[2] += 1
    before, after = bound(vae, x, noise).elbo, bound(vae, x, changed).elbo
    assert before.shape == (4,)
    assert (before != after).tolist() == [False, False, True, False]


def test_draws_broadcast(vae, x):
    noise = draw(3, 4)
    together = bound(vae, x, noise)
    for i in range(3):
        for one, all_ in zip(bound(vae, x, noise[i]), together, strict=True):
            torch.testing.assert_close(one, all_[i])


def test_gradients_pass_through_the_draw():
    mean, log_std = torch.tensor([0.3, -2.0]), torch.tensor([0.5, -1.0])
    mean.requires_grad_(), log_std.requires_grad_()
    noise = torch.tensor([1.5, -0.2])
    z = reparameterize(mean, log_std, noise)
    torch.testing.assert_close(z, mean + log_std.exp() * noise)
    z.sum().backward()
    torch.testing.assert_close(mean.grad, torch.ones(2))
    torch.testing.assert_close(log_std.grad, log_std.detach().exp() * noise)


def gradient(vae, x, noise, weights):
    """Gradient of the weighted bound of one image in mean and log_std, to which the last bias adds."""
    value = (weights * bound(vae, x[:1], noise).elbo).sum()
    return torch.autograd.grad(value, vae.encoder.output.bias)[0]


def test_gradient_of_one_draw_is_unbiased(vae, x):
    """The mean of the estimator's gradients is the gradient of the exact bound, by quadrature."""
    exact = gradient(vae, x, *quadrature())
    groups = torch.stack([gradient(vae, x, draw(50, 1, seed=seed), 1 / 50) for seed in range(100)])
    assert_mean_is(groups, exact)


def test_gradient_at_given_noise_is_the_derivative(vae, x):
    """Including both paths: through the draw, and through q's density at it."""
    noise, step, bias = draw(1), 1e-5, vae.encoder.output.bias
    found = gradient(vae, x, noise, 1)
    with torch.no_grad():
        for i in range(4):
            values = []
            for offset in (step, -step):
                bias[i] += offset
                values.append(-loss(bound(vae, x[:1], noise)))
                bias[i] -= offset
            assert found[i].item() == pytest.approx(((values[0] - values[1]) / (2 * step)).item(), rel=1e-6)


def test_gradients_reach_every_tensor(images):
    vae = VAE(torch.Generator().manual_seed(0))
    loss(bound(vae, images[:5], torch.randn(5, 2))).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in vae.parameters())
