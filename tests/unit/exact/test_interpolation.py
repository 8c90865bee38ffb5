"""Log-joints by cells against the decoder's own."""

import pytest
import torch
from torch import Tensor, nn

from mnist_vae.exact.answers import Part
from mnist_vae.exact.integrator import Integrator
from mnist_vae.study.densities import log_likelihood, log_prior

DOUBLE = torch.float64
TOLERANCE = 1e-3
PIXELS = {Part.WHOLE: slice(None), Part.TOP_HALF: slice(30), Part.BOTTOM_HALF: slice(30, None)}


def network(scale: float, dimension: int) -> nn.Module:
    """A decoder in float64. The larger its first weights, the worse a polynomial fits it."""
    generator = torch.Generator().manual_seed(0)
    decoder = nn.Sequential(nn.Linear(dimension, 20), nn.Tanh(), nn.Linear(20, 60)).double()
    for parameter, std in zip(decoder.parameters(), (scale, 2.0, 1.0, 0.5), strict=True):
        nn.init.normal_(parameter.requires_grad_(False), std=std, generator=generator)
    return decoder


def joint(decoder: nn.Module, x: Tensor, z: Tensor, part: Part) -> Tensor:
    return log_prior(z) + log_likelihood(x[:, PIXELS[part]], decoder(z)[..., PIXELS[part]])


@pytest.mark.parametrize("dimension", [1, 2])
@pytest.mark.parametrize("part", PIXELS)
@pytest.mark.parametrize("scale", [0.5, 3.0, 12.0])
def test_it_is_the_decoders_log_joint(scale, part, dimension) -> None:
    """Near the codes of images, and far from all of them."""
    decoder = network(scale, dimension)
    generator = torch.Generator().manual_seed(1)
    code = torch.randn(30, dimension, generator=generator, dtype=DOUBLE)
    x = torch.bernoulli(torch.sigmoid(decoder(code)), generator=generator)
    spread = torch.tensor([0.02, 0.3, 3.0], dtype=DOUBLE).repeat(40)[:, None, None]
    z = code + spread * torch.randn(120, 30, dimension, generator=generator, dtype=DOUBLE)
    space = Integrator(decoder, dimension, window=10.0, tolerance=TOLERANCE, dtype=DOUBLE)
    log_joints = space.log_joints(x, part)
    some = torch.tensor([3, 0, 17])
    found = log_joints(some, z[:, some])
    assert (found - joint(decoder, x[some], z[:, some], part)).abs().mean(0).max() < TOLERANCE
    assert (log_joints.error[some] > 0).all()
    assert log_joints.error.max() <= TOLERANCE / 2
    untouched = torch.ones(30, dtype=torch.bool).index_fill(0, some, False)
    assert (log_joints.error[untouched] == 0).all()
    everything = log_joints(torch.arange(30), z)
    torch.testing.assert_close(everything[:, some], found, atol=1e-9, rtol=0)


def test_a_cell_is_decoded_once_for_all_images() -> None:
    decoder = network(3.0, 2)
    asked = []

    def counting(z: Tensor) -> Tensor:
        asked.append(len(z))
        return decoder(z)

    space = Integrator(counting, 2, window=10.0, tolerance=TOLERANCE, dtype=DOUBLE)
    z = torch.rand(50, 8, 2, generator=torch.Generator().manual_seed(0), dtype=DOUBLE) * 0.1
    x = torch.zeros(8, 60, dtype=DOUBLE)
    space.log_joints(x)(torch.arange(8), z)
    asked.clear()
    space.log_joints(1 - x)(torch.arange(8), z)
    assert asked == []
