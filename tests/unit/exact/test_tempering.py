"""Populations against known distributions."""

import pytest
import torch

from mnist_vae.exact.tempering import TEMPERING, tempered


def test_a_population_is_spread_as_its_distribution() -> None:
    """Two distant normals, one of them twice as heavy."""
    dimension = 2
    where = torch.stack([torch.full((dimension,), 4.0), torch.full((dimension,), -4.0)])
    spread, share = 0.2, torch.tensor([1 / 3, 2 / 3])

    def log_joint(images: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        size = ((z[..., None, :] - where) ** 2).sum(-1)
        return torch.logsumexp(-size / (2 * spread**2) + share.log(), -1)

    images = 20
    z, values = tempered(log_joint, images, dimension, torch.Generator().manual_seed(1), TEMPERING)
    torch.testing.assert_close(values, log_joint(torch.arange(images), z))
    first = (z - where[0]).norm(dim=-1) < (z - where[1]).norm(dim=-1)
    both = first.any(0) & ~first.all(0)
    assert both.double().mean() > 0.8
    assert first.double().mean().item() == pytest.approx(1 / 3, abs=0.12)
    for chosen, middle in zip((first, ~first), where, strict=True):
        found = (z[chosen] - middle) / spread
        assert found.mean().abs() < 0.2
        assert found.std().item() == pytest.approx(1, abs=0.25)
