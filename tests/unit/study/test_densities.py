"""Log-densities against scipy and torch.distributions, in float64, where rounding bites."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from mnist_vae.study import densities

EXTREME_LOGITS = [
    -500.0,
    -100.0,
    -40.0,
    -36.8,
    -30.0,
    -20.0,
    -1.0,
    0.0,
    0.5,
    20.0,
    30.0,
    36.8,
    40.0,
    100.0,
    500.0,
]
values = st.floats(-20, 20)
log_stds = st.floats(-10, 10)
logits = st.floats(-500, 500) | st.floats(20, 40) | st.floats(-40, -20) | st.sampled_from(EXTREME_LOGITS)


def tensor(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


@given(values, values, log_stds)
def test_normal_log_density(x, mean, log_std):
    found = densities.normal_log_density(tensor(x), tensor(mean), tensor(log_std)).item()
    std = math.exp(log_std)
    # Where the terms cancel, a sum can be no better than its largest term's rounding.
    scale = 0.5 * ((x - mean) / std) ** 2 + abs(log_std) + 1
    assert found == pytest.approx(scipy.stats.norm.logpdf(x, mean, std), rel=1e-12, abs=1e-12 * scale)
    torchs = torch.distributions.Normal(tensor(mean), tensor(std)).log_prob(tensor(x)).item()
    assert found == pytest.approx(torchs, rel=1e-12, abs=1e-12 * scale)


@given(logits, st.sampled_from([0.0, 1.0]))
def test_bernoulli_log_density(logit, x):
    found = densities.bernoulli_log_density(tensor(x), tensor(logit)).item()
    assert found == pytest.approx(scipy.special.log_expit(logit if x else -logit), rel=1e-12, abs=0)
    torchs = torch.distributions.Bernoulli(logits=tensor(logit)).log_prob(tensor(x)).item()
    assert found == pytest.approx(torchs, abs=1e-12 * max(1, abs(logit)))  # torch's own subtraction cancels


@given(st.floats(-3, 3), st.sampled_from([0, 1]))
def test_bernoulli_log_density_of_moderate_logits_is_scipys(logit, x):
    found = densities.bernoulli_log_density(tensor(x), tensor(logit)).item()
    assert found == pytest.approx(scipy.stats.bernoulli.logpmf(x, scipy.special.expit(logit)), rel=1e-12)


@pytest.mark.parametrize("logit", EXTREME_LOGITS)
def test_bernoulli_probabilities_sum_to_one(logit):
    both = densities.bernoulli_log_density(tensor(0, 1), tensor(logit, logit))
    assert torch.logsumexp(both, 0).item() == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("logit", EXTREME_LOGITS)
@pytest.mark.parametrize("x", [0.0, 1.0])
def test_bernoulli_in_single_precision_keeps_its_relative_precision(x, logit):
    found = densities.bernoulli_log_density(torch.tensor(x), torch.tensor(logit)).item()
    exact = scipy.special.log_expit(np.float64(np.float32(logit if x else -logit)))
    assert found == pytest.approx(exact, rel=1e-6, abs=float(np.finfo(np.float32).tiny))


@given(st.lists(values, min_size=2, max_size=2))
def test_log_prior_is_the_standard_normal(z):
    found = densities.log_prior(tensor(*z)).item()
    assert found == pytest.approx(scipy.stats.multivariate_normal(np.zeros(2)).logpdf(z), rel=1e-12)


@given(*[st.lists(strategy, min_size=2, max_size=2) for strategy in (values, log_stds, values)])
def test_log_q_is_a_factorized_gaussian(mean, log_std, z):
    found = densities.log_q(tensor(*mean), tensor(*log_std), tensor(*z)).item()
    terms = scipy.stats.norm.logpdf(z, mean, np.exp(log_std))
    scale = np.sum(0.5 * ((np.subtract(z, mean)) / np.exp(log_std)) ** 2 + np.abs(log_std) + 1)
    assert found == pytest.approx(terms.sum(), rel=1e-12, abs=1e-12 * scale)


def test_log_q_of_the_prior_is_log_prior():
    z = torch.randn(5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    zero = torch.zeros_like(z)
    assert torch.equal(densities.log_q(zero, zero, z), densities.log_prior(z))


def test_log_likelihood_sums_over_pixels_only():
    generator = torch.Generator().manual_seed(0)
    x = torch.bernoulli(torch.full((3, 784), 0.3, dtype=torch.float64), generator=generator)
    logit = 5 * torch.randn(7, 3, 784, generator=generator, dtype=torch.float64)
    found = densities.log_likelihood(x, logit)
    assert found.shape == (7, 3)
    expected = scipy.special.log_expit((2 * x.numpy() - 1) * logit.numpy()).sum(-1)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_is_kept(dtype):
    one = torch.ones(2, dtype=dtype)
    for density in (
        densities.log_prior(one),
        densities.log_q(one, one, one),
        densities.log_likelihood(one, one),
    ):
        assert density.dtype == dtype


@pytest.mark.parametrize("x", [0.0, 1.0])
@pytest.mark.parametrize("logit", [*EXTREME_LOGITS, -1e4, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_bernoulli_gradient(x, logit, dtype):
    logit = torch.tensor(logit, dtype=dtype, requires_grad=True)
    densities.bernoulli_log_density(torch.tensor(x, dtype=dtype), logit).backward()
    exact = x - scipy.special.expit(logit.item())
    assert logit.grad.item() == pytest.approx(exact, abs=1e-6 if dtype == torch.float32 else 1e-15)


@pytest.mark.parametrize("log_std", [-10.0, -3.0, 0.0, 3.0, 10.0])
@pytest.mark.parametrize("x", [-20.0, 0.3, 20.0])
def test_normal_gradient(x, log_std):
    x, mean, log_std = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, 0.2, log_std))
    densities.normal_log_density(x, mean, log_std).backward()
    u = (x.item() - mean.item()) / math.exp(log_std.item())
    assert mean.grad.item() == pytest.approx(u / math.exp(log_std.item()), rel=1e-12)
    assert x.grad.item() == -mean.grad.item()
    assert log_std.grad.item() == pytest.approx(u * u - 1, rel=1e-12)


def test_top_half_is_rows_0_to_13():
    picture = torch.arange(784).reshape(28, 28)
    assert torch.equal(densities.top_half(picture.reshape(784)), picture[:14].reshape(392))


def test_top_half_keeps_leading_dimensions():
    pictures = torch.arange(2 * 3 * 784).reshape(2, 3, 28, 28)
    assert torch.equal(
        densities.top_half(pictures.reshape(2, 3, 784)), pictures[:, :, :14].reshape(2, 3, 392)
    )
