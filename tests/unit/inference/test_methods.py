"""Methods of inference where the answer is known in closed form: each agrees, or fails as theory says."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

jax = pytest.importorskip("jax", reason="the methods need `pip install --editable '.[inference]'`")
pytest.importorskip("blackjax", reason="the methods need `pip install --editable '.[inference]'`")
pytest.importorskip("zuko", reason="the methods need `pip install --editable '.[inference]'`")

from mnist_vae.inference.methods import METHODS  # noqa: E402
from mnist_vae.inference.problem import Problem  # noqa: E402
from mnist_vae.study.densities import log_prior  # noqa: E402

IMAGES = 32
DECODER = torch.tensor([[2.0, 1.0], [0.0, 1.5], [1.0, 1.0]])
NOISE = 0.5  # standard deviation of an observation of the linear model
APART, WIDTH = 2.0, 0.3  # of the two modes


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def answers(name, problem):
    """What a method's last setting answers, in order."""
    return list(METHODS[name][-1](problem, seeded()))


class Linear:
    """x = DECODER z + noise: p(z | x) is Gaussian, and correlated."""

    def __init__(self) -> None:
        z = torch.randn(IMAGES, 2, generator=seeded())
        x = z @ DECODER.T + NOISE * torch.randn(IMAGES, 3, generator=seeded(2))
        self.precision = torch.eye(2) + DECODER.T @ DECODER / NOISE**2
        self.covariance = torch.linalg.inv(self.precision)
        self.mean = x @ DECODER @ self.covariance / NOISE**2
        self.log_px = MultivariateNormal(
            torch.zeros(3), DECODER @ DECODER.T + NOISE**2 * torch.eye(3)
        ).log_prob(x)
        exact = MultivariateNormal(self.mean, self.covariance)
        torch.manual_seed(1)
        encoded = self.mean + 0.1, torch.full((IMAGES, 2), math.log(0.3))
        constant = 1.5 * math.log(2 * math.pi * NOISE**2)

        def log_joint(x, z):
            return log_prior(z) - ((x - z @ DECODER.T) ** 2).sum(-1) / (2 * NOISE**2) - constant

        def in_jax(x):
            w = jax.numpy.asarray(DECODER.numpy())
            return lambda z: -jax.numpy.sum((x - w @ z) ** 2) / (2 * NOISE**2) - constant

        self.problem = Problem(x, encoded, log_joint, in_jax, exact.sample((4,)))


class TwoModes:
    """A likelihood of z itself with two equal peaks, at ±APART on the first axis; the encoder sees one."""

    def __init__(self) -> None:
        peak = torch.tensor([APART, 0.0])
        variance = 1 + WIDTH**2
        constant = math.log(2 * math.pi * WIDTH**2)
        self.log_px = -(APART**2) / (2 * variance) - math.log(2 * math.pi * variance)
        spread = WIDTH / math.sqrt(variance)

        def log_joint(x, z):
            near = torch.stack([((z - sign * peak) ** 2).sum(-1) for sign in (1, -1)])
            both = torch.logsumexp(-near / (2 * WIDTH**2), 0) - math.log(2) - constant
            return log_prior(z) + both + 0 * x.sum(-1)

        def in_jax(x):
            at = jax.numpy.asarray(peak.numpy())
            return lambda z: (
                jax.numpy.logaddexp(
                    *(-jax.numpy.sum((z - sign * at) ** 2) / (2 * WIDTH**2) for sign in (1, -1))
                )
                - math.log(2)
                - constant
            )

        mean = (peak / variance).expand(IMAGES, 2).clone()
        sign = 2.0 * torch.randint(2, (4, IMAGES, 1), generator=seeded()) - 1
        exact = sign * mean + spread * torch.randn(4, IMAGES, 2, generator=seeded())
        encoded = mean, torch.full((IMAGES, 2), math.log(spread))
        self.problem = Problem(torch.zeros(IMAGES, 1), encoded, log_joint, in_jax, exact)


@pytest.fixture(scope="module")
def linear():
    return Linear()


@pytest.fixture(scope="module")
def two_modes():
    return TwoModes()


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("encoder's q", 0.05),
        ("factorized Gaussian", 0.1),
        ("Gaussian", 0.02),
        ("mixture of 2 Gaussians", 0.05),
        ("spline flow", 0.05),
        ("Laplace", 1e-3),
        ("tempered SMC", 0.5),
    ],
)
def test_log_px_of_a_linear_model(linear, name, tolerance):
    answer = answers(name, linear.problem)[-1]
    assert torch.allclose(answer.log_px.float(), linear.log_px, atol=tolerance)


def test_a_factorized_gaussian_misses_the_correlation(linear):
    """The KL of the best one is half of log(product of the precisions / determinant of the precision)."""
    elbo = answers("factorized Gaussian", linear.problem)[0].elbo
    kl = (linear.precision.diagonal().log().sum() - torch.logdet(linear.precision)) / 2
    assert torch.allclose(linear.log_px - elbo.float(), kl.expand(IMAGES), atol=0.06)


def test_a_gaussian_finds_the_posterior(linear):
    answer = answers("Gaussian", linear.problem)[0]
    assert torch.allclose(linear.log_px, answer.elbo.float(), atol=0.02)
    std = linear.covariance.diagonal().sqrt()
    assert torch.allclose(answer.draws.mean(0), linear.mean, atol=0.15 * std.max())


@pytest.mark.parametrize("name", ["linear", "two_modes"])
def test_annealed_bounds_enclose_log_px(request, name):
    model = request.getfixturevalue(name)
    below, above = (
        model.log_px - each.log_px for each in answers("annealed importance sampling", model.problem)
    )
    assert (below - above).mean() < 0.3
    for difference, sign in ((below, 1), (above, -1)):
        assert sign * difference.mean() > -3 * difference.std() / IMAGES**0.5


def test_nuts_samples_the_posterior(linear):
    draws = answers("NUTS", linear.problem)[0].draws
    std = linear.covariance.diagonal().sqrt()
    assert torch.allclose(draws.mean(0), linear.mean, atol=0.4 * std.max())
    assert torch.allclose(draws.std(0), std.expand(IMAGES, 2), rtol=0.3)


@pytest.mark.parametrize("name", ["encoder's q", "factorized Gaussian", "Gaussian"])
def test_one_mode_of_two_is_half_of_the_evidence(two_modes, name):
    answer = answers(name, two_modes.problem)[-1]
    assert torch.allclose(answer.log_px.float(), torch.tensor(two_modes.log_px - math.log(2)), atol=0.05)


@pytest.mark.parametrize(
    ("name", "tolerance"), [("Laplace", 0.05), ("mixture of 4 Gaussians", 0.1), ("tempered SMC", 0.5)]
)
def test_both_modes_are_found(two_modes, name, tolerance):
    """Of most images: the mixture's parts may all start on one side."""
    answer = answers(name, two_modes.problem)[-1]
    assert (answer.log_px - two_modes.log_px).abs().median() < tolerance
