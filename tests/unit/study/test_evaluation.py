"""Bounds over whole splits: means over images, their standard errors, the spread of one draw."""

import math

import pytest
import torch

from mnist_vae.errors import InputError
from mnist_vae.study import blocks
from mnist_vae.study.densities import log_likelihood
from mnist_vae.study.evaluation import active_units, evaluate, mean_over_images
from mnist_vae.study.networks import VAE


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def certain(trained):
    """A model whose q has no width, so that its reconstruction is not random."""
    vae = VAE()
    vae.load_state_dict(trained.state_dict())
    with torch.no_grad():
        vae.encoder.output.weight[2:] = 0
        vae.encoder.output.bias[2:] = -30
    return vae


def test_mean_and_standard_error_by_hand():
    found = mean_over_images(torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64))
    assert found.value == pytest.approx(3)
    assert found.standard_error == pytest.approx(math.sqrt((4 + 1 + 9) / 2) / math.sqrt(3))


@torch.inference_mode()
def test_reconstruction_is_the_mean_over_all_images(certain, images):
    x = images[:137]
    per_image = -log_likelihood(x, certain.decoder(certain.encoder(x)[0])).double()
    found = evaluate(certain, x, 3, seeded()).reconstruction
    assert found.value == pytest.approx(per_image.mean().item(), rel=1e-6)
    assert found.standard_error == pytest.approx(per_image.std().item() / math.sqrt(137), rel=1e-5)


def test_kl_is_the_analytic_one(trained, images):
    x, draws = images[:100], 100
    mean, log_std = trained.encoder(x)
    variance = torch.exp(2 * log_std)
    exact = 0.5 * (mean**2 + variance - 2 * log_std - 1).sum(-1).mean().item()
    # One draw is log q - log p = (z^2 - noise^2) / 2 - log_std a dimension, of this variance:
    of_one_draw = (0.5 * (variance - 1) ** 2 + mean**2 * variance).sum(-1).mean().item()
    error = math.sqrt(of_one_draw / (100 * draws))
    assert evaluate(trained, x, draws, seeded()).kl.value == pytest.approx(exact, abs=4 * error)


def test_bound_is_kl_and_reconstruction(trained, images):
    found = evaluate(trained, images[:50], 5, seeded())
    assert found.neg_elbo.value == pytest.approx(found.kl.value + found.reconstruction.value)


@pytest.mark.parametrize("points", [1, 3, 5, 7, 35, 250, 10_000])
@pytest.mark.parametrize("draws", [1, 5])
def test_blocks_do_not_change_the_answer(trained, images, monkeypatch, points, draws):
    whole = evaluate(trained, images[:50], draws, seeded())
    monkeypatch.setattr(blocks, "POINTS_A_BLOCK", points)
    for one, other in zip(evaluate(trained, images[:50], draws, seeded()), whole, strict=True):
        assert one == pytest.approx(other, rel=1e-5, nan_ok=True)


def test_seed_fixes_the_answer(trained, images):
    first, again, other = (evaluate(trained, images[:50], 2, seeded(seed)) for seed in (0, 0, 1))
    assert first == again
    assert first.neg_elbo != other.neg_elbo


def test_draw_spread_is_that_of_one_draw_figures(trained, images):
    x, repeats = images[:10], 400
    one_draw = torch.tensor([evaluate(trained, x, 1, seeded(seed)).neg_elbo.value for seed in range(repeats)])
    spread = evaluate(trained, x, 2000, seeded()).neg_elbo_draw_spread
    assert spread == pytest.approx(one_draw.std().item(), rel=4 / math.sqrt(2 * repeats))


def test_one_draw_has_no_spread(trained, images):
    assert math.isnan(evaluate(trained, images[:5], 1, seeded()).neg_elbo_draw_spread)


def test_standard_error_is_over_images_not_draws(trained, images):
    few, many = (evaluate(trained, images[:50], draws, seeded()).neg_elbo for draws in (10, 200))
    assert many.standard_error == pytest.approx(few.standard_error, rel=0.1)


@pytest.mark.parametrize(
    ("change", "draws", "reason"),
    [
        (lambda x: x / 2, 1, "a pixel of 0.5; every pixel must be 0 or 1"),
        (lambda x: x.to(torch.uint8), 1, "images are torch.uint8"),
        (lambda x: x[:0], 1, r"the shape \(0, 784\)"),
        (lambda x: x, 0, "draws is 0; it must be at least 1"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(trained, images, change, draws, reason):
    with pytest.raises(InputError, match=reason):
        evaluate(trained, change(images[:5]), draws, seeded())


def test_one_image_has_no_standard_error(trained, images):
    found = evaluate(trained, images[:1], 3, seeded()).neg_elbo
    assert math.isfinite(found.value)
    assert math.isnan(found.standard_error)


@pytest.mark.parametrize("latent", [1, 3])
def test_any_latent_dimension_is_evaluated(images, latent):
    vae = VAE(seeded(), hidden=20, latent=latent)
    found = evaluate(vae, images[:20], 400, seeded())
    mean, log_std = vae.encoder(images[:20])
    exact = 0.5 * (mean**2 + torch.exp(2 * log_std) - 2 * log_std - 1).sum(-1).mean().item()
    assert found.kl.value == pytest.approx(exact, rel=0.1)
    assert found.neg_elbo.value == pytest.approx(found.kl.value + found.reconstruction.value)


def test_active_units_are_those_whose_codes_vary(trained, images):
    assert active_units(trained, images[:200]) == 2
    one = VAE()
    one.load_state_dict(trained.state_dict())
    with torch.no_grad():
        one.encoder.output.weight[1] = 0
    assert active_units(one, images[:200]) == 1
