"""Plain sums over a lattice, on posteriors whose integral is known."""

import math

import pytest
import torch
from torch import nn

from mnist_vae.exact.integrator import Integrator
from mnist_vae.exact.lattice import lattice, lattice_log_px


@pytest.mark.parametrize(("dimension", "points"), [(1, 32), (2, 1024)])
def test_a_lattice_fills_the_window(dimension, points):
    z = lattice(0.5, dimension)
    assert z.shape == (points, dimension)
    assert z.max().item() == 7.75
    assert torch.allclose(z.mean(0), torch.zeros(dimension), atol=1e-5)


@pytest.mark.parametrize("dimension", [1, 2])
def test_what_z_does_not_change_costs_its_pixels(dimension):
    def decoder(z):
        return torch.tensor([2.0, -1.0]).expand(*z.shape[:-1], 2)

    x = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    off = math.log1p(math.exp(-1.0))
    expected = [-math.log1p(math.exp(-2.0)) - off, -math.log1p(math.exp(2.0)) - off]
    assert lattice_log_px(decoder, x, dimension, 0.25).tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("steepness", [1.0, 30.0])
def test_the_adaptive_sum_is_right_where_a_coarse_lattice_is_not(steepness):
    """The steeper the decoder, the narrower the posteriors."""
    generator = torch.Generator().manual_seed(0)
    decoder = nn.Linear(2, 60).requires_grad_(False)
    decoder.weight.copy_(steepness * torch.randn(60, 2, generator=generator))
    decoder.bias.zero_()
    x = (torch.rand(8, 60, generator=generator) < 0.5).float()
    exact = Integrator(decoder, 2, window=10.0, tolerance=1e-3).log_marginals(x).log_density
    coarse, fine = (
        (lattice_log_px(decoder, x, 2, spacing) - exact).abs().max().item() for spacing in (0.5, 0.01)
    )
    assert fine < 2e-3
    assert (coarse > 0.1) == (steepness > 1)
