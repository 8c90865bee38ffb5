"""Sums over a latent space against closed forms, scipy's quadrature and sampling, all without cells."""

import math
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate as quadrature
from torch import Tensor, nn

from mnist_vae.exact import cells, integrator
from mnist_vae.exact.answers import Part
from mnist_vae.exact.cells import Grid, OutsideWindowError, UnsummableError
from mnist_vae.exact.integrator import AdaptiveIntegrator, Integrator
from mnist_vae.exact.low_rank import LowRankDecoder, Table, low_rank
from mnist_vae.exact.tuning import TUNING
from mnist_vae.study.densities import log_likelihood, log_prior
from mnist_vae.study.networks import Decoder
from support.plain_sums import Layers, plain_log_px

DOUBLE = torch.float64
TOLERANCE = 1e-3


class Functions:
    """Log-joints given as functions; an image is a row of the unit matrix, which selects one."""

    def __init__(self, functions) -> None:
        self.functions = functions

    def table(self, z: Tensor) -> Table:
        return Table(
            torch.stack([function(z) for function in self.functions], dim=-1), z.new_zeros(1, len(z))
        )

    def features(self, x: Tensor, part: Part = Part.WHOLE) -> Tensor:
        return x

    def error(self, x: Tensor, part: Part = Part.WHOLE) -> Tensor:
        return torch.zeros(len(x), dtype=DOUBLE)


class AnalyticSpace(AdaptiveIntegrator):
    def __init__(self, functions, dimension: int, window: float = 10.0) -> None:
        super().__init__(dimension, window, TOLERANCE, DOUBLE)
        self.functions = Functions(functions)

    def _make(self, window: float, dtype: torch.dtype) -> Grid:
        return Grid(
            self.functions,
            self.dimension,
            window=window,
            tolerance=TOLERANCE,
            spacing=TUNING.spacing[self.dimension - 1],
            dtype=dtype,
        )


def integrals(functions, dimension: int, window: float = 10.0):
    return AnalyticSpace(functions, dimension, window).log_marginals(torch.eye(len(functions), dtype=DOUBLE))


def gaussian(mean, covariance, log_weight: float = 0.0):
    mean, covariance = (torch.tensor(part, dtype=DOUBLE) for part in (mean, covariance))
    normal = torch.distributions.MultivariateNormal(mean, covariance)
    return lambda z: normal.log_prob(z) + log_weight


def ridge(mean, across: float, along: float, angle: float):
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return gaussian(mean, (turn @ np.diag([across**2, along**2]) @ turn.T).tolist())


@pytest.mark.parametrize("std", [0.002, 0.009, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("mean", [(0.0, 0.0), (0.3125, -0.625), (0.15625, 2.03), (-3.7, 5.1)])
def test_gaussians_of_any_width_wherever_they_lie(std, mean) -> None:
    """On corners of cells, in their middles, and between."""
    found = integrals([gaussian(mean, [[std**2, 0.0], [0.0, std**2]])], 2)
    assert found.log_density.item() == pytest.approx(0, abs=TOLERANCE)
    assert found.error.item() < TOLERANCE
    between_nodes = 0.02  # half of the widest way from one node of a cell to the next
    near = max(0.3 * std, between_nodes)
    torch.testing.assert_close(found.modes[0, 0], torch.tensor(mean, dtype=DOUBLE), atol=near, rtol=0)


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 4, 1.1])
@pytest.mark.parametrize("across", [0.002, 0.02])
def test_ridges_of_any_direction(angle, across) -> None:
    found = integrals([ridge([0.4, -1.3], across, 0.8, angle)], 2)
    assert found.log_density.item() == pytest.approx(0, abs=TOLERANCE)


@pytest.mark.parametrize("std", [0.002, 0.05, 1.0])
def test_one_dimension(std) -> None:
    found = integrals([gaussian([1.234], [[std**2]])], 1)
    assert found.log_density.item() == pytest.approx(0, abs=TOLERANCE)


def test_two_peaks_of_different_weight_and_width() -> None:
    """The lesser one is a tenth as wide and a hundredth as likely."""
    wide = gaussian([1.0, 1.0], [[0.09, 0.02], [0.02, 0.04]])
    narrow = gaussian([-2.0, 0.5], [[9e-4, 0.0], [0.0, 9e-4]], math.log(1e-2))
    found = integrals([lambda z: torch.logaddexp(wide(z), narrow(z))], 2)
    assert found.log_density.item() == pytest.approx(math.log(1.01), abs=TOLERANCE)


def test_a_peak_of_a_thousandth_counts() -> None:
    main, lesser = (
        gaussian([at, at], [[0.04, 0.0], [0.0, 0.04]], w) for at, w in ((1.0, 0.0), (-3.0, math.log(1e-3)))
    )
    found = integrals([lambda z: torch.logaddexp(main(z), lesser(z))], 2)
    assert found.log_density.item() == pytest.approx(math.log(1.001), abs=2e-4)


@pytest.mark.parametrize("window", [1.0, 3.0, 10.0, 40.0])
@pytest.mark.parametrize("mean", [(9.9, 0.0), (0.3, -14.0)])
def test_window_grows_until_no_mass_is_at_its_edge(mean, window) -> None:
    found = integrals([gaussian(mean, [[0.04, 0.0], [0.0, 0.04]])], 2, window)
    assert found.log_density.item() == pytest.approx(0, abs=TOLERANCE)


def test_window_grows_where_there_could_be_mass_beyond_its_edge() -> None:
    """The mass inside is far from the edge, but so unlikely a priori that more may lie farther out."""
    near, far = (gaussian([at, 0.0], [[0.01, 0.0], [0.0, 0.01]]) for at in (5.5, 9.0))
    found = integrals([lambda z: torch.logaddexp(near(z), far(z))], 2, 1.0)
    assert found.log_density.item() == pytest.approx(math.log(2), abs=TOLERANCE)


def test_window_grows_to_a_limit() -> None:
    with pytest.raises(OutsideWindowError) as caught:
        integrals([gaussian([60.0, 0.0], [[4.0, 0.0], [0.0, 4.0]])], 2)
    assert caught.value.window >= TUNING.largest_window
    assert caught.value.share > 1e-4


def test_more_than_two_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match="3 dimensions: only over 1 or 2"):
        Integrator(Decoder(4, 3), 3, window=10, tolerance=1e-3)


# --- decoders ---------------------------------------------------------------------------------------------


def network(seed: int, first: float, second: float, pixels: int = 60, dimension: int = 2) -> nn.Module:
    """A decoder in float64. The larger its weights, the narrower and more curved its posteriors."""
    generator = torch.Generator().manual_seed(seed)
    layers = {"hidden": nn.Linear(dimension, 20), "tanh": nn.Tanh(), "output": nn.Linear(20, pixels)}
    decoder = nn.Sequential(OrderedDict(layers)).double().requires_grad_(False)
    for parameter, scale in zip(decoder.parameters(), (first, 2.0, second, 0.5), strict=True):
        nn.init.normal_(parameter, std=scale, generator=generator)
    return decoder


def drawn(decoder: nn.Module, count: int, seed: int, dimension: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(count, dimension, generator=generator, dtype=DOUBLE)
    return torch.bernoulli(torch.sigmoid(decoder(z)), generator=generator)


def double_space(decoder, dimension: int = 2) -> Integrator:
    return Integrator(decoder, dimension, window=10.0, tolerance=TOLERANCE, dtype=DOUBLE)


def plain_sum(
    decoder, x: Tensor, pixels: slice = slice(None), spacing: float = 0.02, reach: float = 6.0
) -> Tensor:
    """The plain sum over a lattice, one image after another."""
    axis = torch.arange(-reach, reach, spacing, dtype=DOUBLE)
    total = torch.full((len(x),), -torch.inf, dtype=DOUBLE)
    for row in axis:
        z = torch.stack([row.expand(len(axis)), axis], dim=-1)
        logits = decoder(z)[:, pixels]
        each = log_prior(z) + log_likelihood(x[:, None, pixels], logits)
        total = torch.logaddexp(total, torch.logsumexp(each, dim=-1))
    return total + 2 * math.log(spacing)


@pytest.mark.parametrize("width", [1.0, 0.1, 0.003])
def test_basis_of_the_logits_serves_where_it_was_not_found(width) -> None:
    """Of a decoder with narrow ridges, too, the differences of two hidden units, between lattice points."""
    generator = torch.Generator().manual_seed(0)
    hidden, output = nn.Linear(2, 80).double(), nn.Linear(80, 100).double()
    direction = torch.nn.functional.normalize(torch.randn(40, 2, generator=generator, dtype=DOUBLE), dim=1)
    place = torch.rand(40, generator=generator, dtype=DOUBLE) * 4 - 2
    weight = torch.randn(100, 40, generator=generator, dtype=DOUBLE)
    hidden.weight.data = torch.cat([direction, direction]) / width
    hidden.bias.data = torch.cat([place, place + width]) / width
    output.weight.data = torch.cat([weight, -weight], dim=1)
    decoder = nn.Sequential(hidden, nn.Tanh(), output).requires_grad_(False)
    z = 1.5 * torch.randn(2000, 2, generator=generator, dtype=DOUBLE)
    basis = low_rank(decoder, 2, 10.0, DOUBLE).basis
    logits = decoder(z)
    outside = logits - logits @ basis @ basis.T
    assert outside.square().sum(-1).mean().sqrt() < 5 * TUNING.precise_basis_error


def test_marginal_is_scipys_integral() -> None:
    decoder = network(0, 1.0, 1.0)
    x = drawn(decoder, 2, 1)
    found = double_space(decoder).log_marginals(x).log_density
    for image, log_px in zip(x, found, strict=True):

        def joint(z: np.ndarray, image=image, log_px=log_px) -> np.ndarray:
            """The joint density over what was found: to be integrated to one."""
            z = torch.from_numpy(z)
            return (log_prior(z) + log_likelihood(image, decoder(z)) - log_px).exp().numpy()

        total = quadrature.cubature(joint, [-8, -8], [8, 8], rtol=1e-5, atol=1e-5)
        assert total.status == "converged"
        assert total.estimate == pytest.approx(1, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("part", "pixels"),
    [(Part.WHOLE, slice(None)), (Part.TOP_HALF, slice(30)), (Part.BOTTOM_HALF, slice(30, None))],
)
def test_parts_of_images_are_plain_sums(part, pixels) -> None:
    decoder = network(3, 2.0, 1.5)
    x = drawn(decoder, 6, 4)
    found = double_space(decoder).log_marginals(x, part)
    torch.testing.assert_close(found.log_density, plain_sum(decoder, x, pixels), atol=TOLERANCE, rtol=0)
    assert (found.error < TOLERANCE).all()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), first=st.floats(0.3, 4.0), second=st.floats(0.2, 2.0))
def test_decoders_of_any_kind_are_plain_sums(seed, first, second) -> None:
    decoder = network(seed, first, second, pixels=40)
    x = drawn(decoder, 4, seed)
    found = double_space(decoder).log_marginals(x)
    torch.testing.assert_close(found.log_density, plain_sum(decoder, x, spacing=0.03), atol=2e-3, rtol=0)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), first=st.floats(0.3, 30.0), second=st.floats(0.2, 4.0))
def test_one_dimensional_decoders_are_scipys_integrals(seed, first, second) -> None:
    decoder = network(seed, first, second, pixels=40, dimension=1)
    x = drawn(decoder, 3, seed, dimension=1)
    found = double_space(decoder, 1).log_marginals(x)
    axis = torch.linspace(-9, 9, 40_001, dtype=DOUBLE)
    logits = decoder(axis[:, None])
    for image, log_px in zip(x, found.log_density, strict=True):
        values = log_prior(axis[:, None]) + log_likelihood(image, logits)
        expected = quadrature.simpson(torch.exp(values - log_px).numpy(), x=axis.numpy())
        assert expected == pytest.approx(1, abs=TOLERANCE)


def test_float32_sums_are_those_of_float64() -> None:
    generator = torch.Generator().manual_seed(5)
    decoder = Decoder(80, 2).double().requires_grad_(False)
    nn.init.normal_(decoder.hidden.weight, std=2.0, generator=generator)
    nn.init.normal_(decoder.hidden.bias, std=3.0, generator=generator)
    nn.init.normal_(decoder.output.weight, std=0.5, generator=generator)
    x = drawn(decoder, 8, 6)
    expected = double_space(decoder).log_marginals(x).log_density
    space = Integrator(decoder.float(), 2, window=10.0, tolerance=TOLERANCE)
    found = space.log_marginals(x.float()).log_density
    torch.testing.assert_close(found, expected, atol=5e-4, rtol=0)


def test_any_window_and_any_image_has_its_plain_sum_within_the_reported_error() -> None:
    """In float32, of images that the decoder makes, noise, and all pixels on."""
    decoder = network(7, 3.0, 2.0)
    noise = torch.bernoulli(torch.full((4, 60), 0.3), generator=torch.Generator().manual_seed(7))
    x = torch.cat([drawn(decoder, 6, 7), noise.double(), torch.ones(1, 60)]).float()
    layers = Layers(*(parameter.numpy() for parameter in decoder.parameters()))
    expected = torch.from_numpy(plain_log_px(layers, x.numpy(), reach=10.0, spacing=0.2, farthest=20.0))
    for window in (1.0, 20.0):
        space = Integrator(network(7, 3.0, 2.0).float(), 2, window=window, tolerance=TOLERANCE)
        found = space.log_marginals(x)
        difference = (found.log_density - expected).abs()
        assert difference.max() < TOLERANCE
        assert (difference <= found.error).all()


def test_basis_follows_the_window() -> None:
    """One hidden unit moves the posterior to 12 from zero; the other is constant where the sum starts."""
    direction = torch.randn(60, generator=torch.Generator().manual_seed(1), dtype=DOUBLE)
    decoder = network(7, 1.0, 1.0)
    decoder.hidden = nn.Linear(2, 2).double()
    decoder.output = nn.Linear(2, 60).double()
    decoder.requires_grad_(False)
    decoder.hidden.weight[:] = torch.tensor([[0.1, 0.0], [3.0, 0.0]])
    decoder.hidden.bias[:] = torch.tensor([0.0, -36.0])
    decoder.output.weight[:] = torch.stack([torch.full((60,), 8.0, dtype=DOUBLE), direction], dim=1)
    decoder.output.bias[:] = direction - 8
    x = (direction > -1)[None].float()
    layers = Layers(*(parameter.numpy() for parameter in decoder.parameters()))
    expected = torch.from_numpy(plain_log_px(layers, x.numpy(), reach=18.0, spacing=0.2, farthest=20.0))
    found = Integrator(decoder.float(), 2, window=1.0, tolerance=TOLERANCE).log_marginals(x)
    torch.testing.assert_close(found.log_density, expected, atol=TOLERANCE, rtol=0)


def test_error_covers_what_cells_that_are_not_decoded_hold() -> None:
    """In double precision, where nothing else is wrong: a linear decoder, integrated in one dimension."""
    slope, peak = 90 / 784, 45.0
    decoder = lambda z: (slope * (z[..., :1] - peak)).expand(*z.shape[:-1], 784)  # noqa: E731
    found = Integrator(decoder, 2, window=10.0, tolerance=TOLERANCE).log_marginals(torch.ones(1, 784))
    axis = torch.linspace(0, 90, 40_001, dtype=DOUBLE)
    joint = log_prior(axis[:, None]) + 784 * nn.functional.logsigmoid(slope * (axis - peak))
    expected = torch.logsumexp(joint, 0) + torch.log(axis[1] - axis[0])
    assert (found.log_density - expected).abs() < found.error < TOLERANCE


def test_work_without_end_is_one_error(monkeypatch) -> None:
    monkeypatch.setattr(integrator, "TUNING", replace(TUNING, most_cells=8))
    decoder = network(3, 4.0, 2.0)
    with pytest.raises(UnsummableError, match="more than 8 cells"):
        double_space(decoder).log_marginals(drawn(decoder, 3, 1))


def test_images_and_blocks_do_not_touch_each_other(monkeypatch) -> None:
    decoder = network(3, 2.0, 1.5)
    x = drawn(decoder, 6, 4)
    together = double_space(decoder).log_marginals(x)
    alone = [double_space(decoder).log_marginals(image[None]) for image in x]
    for module in (cells, integrator):
        monkeypatch.setattr(module, "TUNING", replace(TUNING, images_a_block=4, points_a_batch=300))
    in_blocks = double_space(decoder).log_marginals(x)
    for other in (torch.cat([each.log_density for each in alone]), in_blocks.log_density):
        torch.testing.assert_close(together.log_density, other, atol=1e-9, rtol=0)


def test_logits_of_low_rank_are_the_decoders() -> None:
    decoder = Decoder(40, 2).double().requires_grad_(False)
    z = torch.randn(300, 2, dtype=DOUBLE, generator=torch.Generator().manual_seed(1))
    found = LowRankDecoder(decoder, z, z)
    assert found.basis.shape[1] < 60
    table = found.table(z)
    torch.testing.assert_close(table.coordinates @ found.basis.T, decoder(z), atol=1e-2, rtol=0)
    generic = LowRankDecoder(lambda z: decoder(z), z, z).table(z)
    for one, other in zip(table, generic, strict=True):
        assert one.shape == other.shape
    torch.testing.assert_close(table.offsets, generic.offsets, atol=1e-3, rtol=0)


def test_posterior_is_the_gaussian_that_it_is() -> None:
    mean, covariance = [0.7, -1.1], [[0.02, 0.01], [0.01, 0.03]]
    found = AnalyticSpace([gaussian(mean, covariance)], 2).posterior(torch.ones(1, dtype=DOUBLE))
    assert found.log_weights.exp().sum().item() == pytest.approx(1, abs=1e-9)
    found_mean = found.log_weights.exp() @ found.z
    around = found.z - found_mean
    found_covariance = (found.log_weights.exp()[:, None] * around).T @ around
    torch.testing.assert_close(found_mean, torch.tensor(mean, dtype=DOUBLE), atol=1e-3, rtol=0)
    torch.testing.assert_close(found_covariance, torch.tensor(covariance, dtype=DOUBLE), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.log_density, gaussian(mean, covariance)(found.z), atol=1e-3, rtol=0)
    torch.testing.assert_close(found.mean_of(lambda z: z), found_mean.to(DOUBLE), atol=1e-6, rtol=0)


def test_posterior_that_needs_double_precision_still_takes_the_decoder_in_its_own() -> None:
    decoder = network(7, 1.0, 1.0)
    x = drawn(decoder, 1, 7)[0].float()
    space = Integrator(decoder.float(), 2, window=10.0, tolerance=5e-5)
    assert space.log_marginals(x[None]).error < 5e-5  # out of reach in single precision
    assert space.posterior(x).mean_of(lambda z: torch.sigmoid(decoder(z))).shape == x.shape
