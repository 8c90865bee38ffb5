"""Sums over the latent grid against quadrature, closed forms and sampling that know nothing of the grid."""

import math
from collections import OrderedDict

import numpy as np
import pytest
import torch
from scipy import integrate as quadrature
from scipy.stats import multivariate_normal
from torch import nn

from mnist_vae.errors import InputError
from mnist_vae.exact.marginal import (
    TILE,
    DecodedGrid,
    LowRankDecoder,
    decode_grid,
    integrate,
    latent_grid,
    log_likelihood_table,
    log_marginal,
    log_marginals,
    mass_level,
    modes,
    q_edge_mass,
    q_on_grid,
    require_inside,
    top_half_log_marginals,
)
from mnist_vae.study.densities import log_likelihood, log_prior, log_q, top_half
from mnist_vae.study.networks import Decoder


@pytest.fixture
def decoder() -> nn.Module:
    """A small decoder with posteriors a third as wide as the prior, in double precision."""
    generator = torch.Generator().manual_seed(0)
    layers = {"hidden": nn.Linear(2, 20), "tanh": nn.Tanh(), "output": nn.Linear(20, 784)}
    network = nn.Sequential(OrderedDict(layers))
    for parameter, scale in zip(network.parameters(), (1.0, 1.0, 0.1, 0.5), strict=True):
        nn.init.normal_(parameter, std=scale, generator=generator)
    return network.double().requires_grad_(False)


@pytest.fixture
def images(decoder: nn.Module) -> torch.Tensor:
    """Four images drawn from the decoder, so that their posteriors differ."""
    generator = torch.Generator().manual_seed(1)
    z = torch.tensor([[0.7, -0.4], [-1.5, 1.0], [2.0, 2.0], [0.0, -2.5]], dtype=torch.float64)
    return torch.bernoulli(torch.sigmoid(decoder(z)), generator=generator)


def log_joint(decoded: DecodedGrid, x: torch.Tensor, part=None) -> torch.Tensor:
    """The whole table whose parts are summed: images (images, 784), or a part, -> (images, size^2)."""
    logits = decoded.decoder.coordinates(decoded.grid.z) @ decoded.decoder.basis.T
    if part:
        x, logits = part(x), part(logits)
    return log_likelihood_table(x, logits) + decoded.grid.log_mass


@pytest.mark.parametrize("half", [False, True])
def test_marginal_is_scipys_integral(decoder, images, half) -> None:
    part = top_half if half else (lambda pixels: pixels)
    decoded = decode_grid(decoder, latent_grid(8, 161, torch.float64))
    ours = (top_half_log_marginals if half else log_marginals)(decoded, images[:2]).log_density
    for x, found in zip(images, ours, strict=False):

        def joint(z: np.ndarray, x=x, found=found) -> np.ndarray:
            """The joint density over what the grid found: to be integrated to one."""
            z = torch.from_numpy(z)
            return (log_prior(z) + log_likelihood(part(x), part(decoder(z))) - found).exp().numpy()

        total = quadrature.cubature(joint, [-8, -8], [8, 8], rtol=1e-7, atol=1e-7)
        assert total.status == "converged"
        assert total.estimate == pytest.approx(1, abs=1e-5)


def test_marginal_of_a_linear_gaussian_model_is_its_closed_form() -> None:
    rng = np.random.default_rng(0)
    weights, offset, std = rng.normal(size=(5, 2)), rng.normal(size=5), 0.6
    x = rng.normal(size=(7, 5)) * 2

    def likelihood(z: torch.Tensor) -> torch.Tensor:
        residual = torch.from_numpy(x)[:, None] - z @ torch.from_numpy(weights).T - torch.from_numpy(offset)
        return (-0.5 * (residual / std) ** 2 - math.log(std * math.sqrt(2 * math.pi))).sum(-1)

    exact = multivariate_normal(offset, weights @ weights.T + std**2 * np.eye(5)).logpdf(x)
    found = log_marginal(likelihood, latent_grid(8, 201, torch.float64))
    np.testing.assert_allclose(found, exact, atol=1e-9)


def test_marginal_agrees_with_importance_sampling(decoder, images) -> None:
    decoded = decode_grid(decoder, latent_grid(8, 161, torch.float64))
    exact = log_marginals(decoded, images).log_density
    generator = torch.Generator().manual_seed(2)
    for x, found in zip(images, exact, strict=True):
        posterior = torch.softmax(log_joint(decoded, x[None])[0], dim=-1)
        mean = posterior @ decoded.grid.z
        log_std = 0.5 * torch.log(posterior @ (decoded.grid.z - mean) ** 2) + math.log(1.3)
        z = mean + log_std.exp() * torch.randn(20_000, 2, generator=generator, dtype=torch.float64)
        ratio = (
            log_prior(z) + log_likelihood_table(x[None], decoder(z))[0] - log_q(mean, log_std, z) - found
        ).exp()
        error = ratio.std().item() / len(z) ** 0.5
        assert error < 0.01
        assert ratio.mean().item() == pytest.approx(1, abs=4 * error)


def test_fast_float32_sum_is_the_plain_float64_one(decoder, images) -> None:
    plain = log_marginal(
        lambda z: log_likelihood_table(images, decoder(z)), latent_grid(7, 121, torch.float64)
    )
    plain_top = log_marginal(
        lambda z: log_likelihood_table(top_half(images), top_half(decoder(z))),
        latent_grid(7, 121, torch.float64),
    )
    decoded = decode_grid(decoder.float(), latent_grid(7, 121))
    assert decoded.decoder.basis.shape[1] < 100
    for marginals, expected in ((log_marginals, plain), (top_half_log_marginals, plain_top)):
        found = marginals(decoded, images.float()).log_density
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


@pytest.fixture(scope="module")
def sharp() -> Decoder:
    """A decoder as trainings leave it: full of ridges, its posteriors 0.03 wide."""
    generator = torch.Generator().manual_seed(5)
    decoder = Decoder(500, 2).double().requires_grad_(False)
    nn.init.normal_(decoder.hidden.weight, std=1.5, generator=generator)
    nn.init.normal_(decoder.hidden.bias, std=4.0, generator=generator)
    nn.init.normal_(decoder.output.weight, std=0.3, generator=generator)
    nn.init.constant_(decoder.output.bias, -2.0)
    return decoder


@pytest.fixture(scope="module")
def sharp_images(sharp) -> torch.Tensor:
    generator = torch.Generator().manual_seed(6)
    z = 0.8 * torch.randn(20, 2, generator=generator, dtype=torch.float64)
    return torch.bernoulli(torch.sigmoid(sharp(z)), generator=generator)


@pytest.fixture(scope="module")
def narrowest(sharp, sharp_images) -> float:
    """The least standard deviation of their posteriors."""
    decoded = decode_grid(sharp, latent_grid(4, 161, torch.float64))
    posterior = torch.softmax(log_joint(decoded, sharp_images), dim=-1)
    z = decoded.grid.z
    return (posterior @ z**2 - (posterior @ z) ** 2).sqrt().min().item()


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("size", "stds"), [(131, 1 / 2), (87, 1 / 3)])
def test_sum_where_mass_is_is_the_sum_of_the_whole_table(
    sharp, sharp_images, narrowest, half, size, stds
) -> None:
    """Down to a standard deviation of a third of the spacing, too narrow for any sum over the grid."""
    decoded = decode_grid(sharp, latent_grid(4, size, torch.float64))
    assert narrowest / (8 / (size - 1)) == pytest.approx(stds, rel=0.1)
    expected = integrate(log_joint(decoded, sharp_images, top_half if half else None), decoded.grid)
    found = (top_half_log_marginals if half else log_marginals)(decoded, sharp_images)
    assert len(decoded.tiles) < math.ceil(size / TILE) ** 2
    torch.testing.assert_close(found.log_density, expected.log_density, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.edge_mass, expected.edge_mass, atol=1e-9, rtol=0)
    assert torch.equal(found.mode, expected.mode)


def test_logits_of_low_rank_are_the_decoders(sharp, sharp_images) -> None:
    low_rank = LowRankDecoder(sharp, latent_grid(4, 41, torch.float64).z)
    assert low_rank.basis.shape[1] < 500
    z = 8 * torch.rand(500, 2, generator=torch.Generator().manual_seed(7), dtype=torch.float64) - 4
    for logits in (low_rank.coordinates(z) @ low_rank.basis.T, low_rank(z)):
        for x in sharp_images[:3]:
            found, expected = log_likelihood(x, logits), log_likelihood(x, sharp(z))
            torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


def test_images_do_not_touch_each_other_across_blocks(decoder, images) -> None:
    decoded = decode_grid(decoder, latent_grid(6, 61, torch.float64))
    many = images.repeat(140, 1)
    together = log_marginals(decoded, many).log_density
    alone = log_marginals(decoded, images).log_density
    torch.testing.assert_close(together, alone.repeat(140), atol=1e-9, rtol=0)


def test_sum_in_blocks_is_the_sum_of_the_whole_table(decoder, images) -> None:
    decoded = decode_grid(decoder, latent_grid(2, 61, torch.float64))
    table = log_joint(decoded, images)
    on_edge = decoded.grid.z.abs().amax(-1) == 2
    share = torch.softmax(table, dim=-1)[:, on_edge].sum(-1)
    for found in (log_marginals(decoded, images), integrate(table, decoded.grid)):
        torch.testing.assert_close(found.log_density, torch.logsumexp(table, dim=-1))
        torch.testing.assert_close(found.edge_mass, share)


def test_narrow_grid_is_an_error_that_names_model_and_way_out(decoder, images) -> None:
    decoded = decode_grid(decoder, latent_grid(1, 41, torch.float64))
    marginal = log_marginals(decoded, images)
    with pytest.raises(InputError, match=r"seed3/weights.*\[-1, 1\]\^2\. Do this"):
        require_inside(marginal.edge_mass, decoded.grid, "seed3/weights", "Do this")
    wide = decode_grid(decoder, latent_grid(8, 161, torch.float64))
    require_inside(log_marginals(wide, images).edge_mass, wide.grid, "seed3/weights", "Do this")


@pytest.mark.parametrize(("mean", "share"), [(0.0, 0.0), (8.0, 0.5), (-8.0, 0.5), (20.0, 1.0)])
def test_q_beyond_the_edge_is_noticed(mean, share) -> None:
    q = torch.tensor([[0.0, mean]]), torch.tensor([[-1.0, -1.0]])
    assert q_edge_mass(latent_grid(8, 21).axis, *q).item() == pytest.approx(share, abs=1e-6)


def test_level_of_a_mass_is_a_gaussians() -> None:
    """Of a Gaussian in the plane, what lies above a share s of its peak holds 1 - s of it."""
    axis = latent_grid(6, 301, torch.float64).axis
    log_q = q_on_grid(axis, torch.zeros(1, 2).double(), torch.tensor([[0.0, -0.5]]).double())
    for share in (0.5, 0.9):
        level = mass_level(log_q, share) - log_q.max()
        assert level.item() == pytest.approx(math.log(1 - share), abs=0.01)


def test_modes_are_counted_down_to_the_level() -> None:
    axis = torch.linspace(-4, 4, 101, dtype=torch.float64)
    first, second = torch.meshgrid(axis, axis, indexing="ij")
    bump = [-((first - at) ** 2 + (second + at) ** 2) / 0.5 for at in (-2.0, 2.0)]
    two = torch.logaddexp(bump[0], bump[1] - 1.0)
    tables = torch.stack([bump[0], two, two])
    assert modes(tables, torch.tensor([-3.0, -3.0, -0.5])).tolist() == [1, 2, 1]
