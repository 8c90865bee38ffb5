"""Deformed digits: binary, fresh, small deformations, and of their own image."""

import pytest
import torch

from mnist_vae.data import augmentation
from mnist_vae.data.augmentation import augment
from mnist_vae.data.binarization import binarize


@pytest.fixture(scope="module")
def grey(mnist5k):
    return torch.from_numpy(mnist5k["train_images"][:200]).float()


@pytest.fixture(scope="module")
def binary(mnist5k):
    return torch.from_numpy(binarize(mnist5k["train_images"][:200])).float()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_no_strength_no_change(grey, binary):
    assert torch.equal(augment(grey, 0.0, seeded()), binary)


def test_variants_are_binary_pictures(grey):
    found = augment(grey, 1.0, seeded())
    assert found.shape == grey.shape
    assert found.dtype == grey.dtype
    assert found.unique().tolist() == [0, 1]


def test_variants_are_fresh_and_seeded(grey):
    generator = seeded()
    first, second = augment(grey, 1.0, generator), augment(grey, 1.0, generator)
    assert not (first == second).all(1).any()
    assert torch.equal(first, augment(grey, 1.0, seeded()))


def test_each_picture_has_its_own_deformation(grey):
    same = augment(grey[:1].expand(50, 784), 1.0, seeded())
    assert len(same.unique(dim=0)) == 50


def nearest_is_own(variants, binary):
    """The share of variants whose nearest image is their own."""
    return (torch.cdist(variants, binary).argmin(1) == torch.arange(len(binary))).float().mean()


def test_variants_stay_near_their_own_image(grey, binary):
    found = augment(grey, 0.5, seeded())
    assert 0.01 < (found != binary).float().mean() < 0.1
    assert nearest_is_own(found, binary) > 0.95
    assert found.mean() == pytest.approx(binary.mean().item(), rel=0.1)


def test_strength_is_in_proportion(grey, binary):
    variants = [augment(grey, strength, seeded()) for strength in (0.25, 0.5, 1, 2)]
    changed = [(variant != binary).float().mean().item() for variant in variants]
    assert changed == sorted(changed)
    assert changed[3] > 3 * changed[0]


def test_pictures_move_both_ways(grey, binary):
    """The mean variant lies where the image lies, to a tenth of a pixel."""
    found = augment(grey, 1.0, seeded())
    places = torch.arange(28.0)

    def centre(pictures):
        pictures = pictures.reshape(-1, 28, 28)
        ink = pictures.sum((1, 2))
        return torch.stack([(pictures.sum(axis) * places).sum(1) / ink for axis in (1, 2)])

    moved = centre(found) - centre(binary)
    assert moved.std(1).min() > 0.1
    assert moved.mean(1).abs().max() < 0.1


def test_large_sets_are_deformed_in_chunks(grey, binary, monkeypatch):
    monkeypatch.setattr(augmentation, "CHUNK", 64)
    found = augment(grey, 0.5, seeded())
    assert found.shape == grey.shape
    assert nearest_is_own(found, binary) > 0.95


def test_variants_by_the_set_s_own_threshold(grey):
    assert torch.equal(augment(grey, 0.0, seeded(), threshold=90), (grey >= 90).float())
    assert torch.equal(augment(grey, 0.0, seeded(), threshold=255), (grey >= 255).float())


def test_variants_of_a_set_that_is_drawn_are_drawn(grey):
    """Undeformed, each pixel is 1 with the probability that its grey value states; deformed, still binary."""
    many = grey[:1].expand(2_000, 784)
    found = augment(many, 0.0, seeded(), threshold=None)
    p = grey[0] / 255
    error = (p * (1 - p) / 2_000).sqrt()
    assert ((found.mean(0) - p).abs() <= 5 * error + 1e-3).all()
    assert found[:, p == 0].sum() == 0
    assert augment(grey, 1.0, seeded(), threshold=None).unique().tolist() == [0, 1]
