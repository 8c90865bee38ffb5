"""Importance sampling: compared with sums in two dimensions, and with itself beyond."""

import math
from dataclasses import replace

import pytest
import torch

from mnist_vae.exact import sampler
from mnist_vae.exact.answers import LogMarginals, Part
from mnist_vae.exact.gaps import encoder_gap, gaps
from mnist_vae.exact.integrator import Integrator
from mnist_vae.exact.sampler import TUNING, PartOfDecoder, Sampler, Tuning, balanced_design, compare
from mnist_vae.study.densities import joint_log_density, log_prior, top_half_joint
from mnist_vae.study.networks import VAE
from mnist_vae.study.recipe import Recipe
from mnist_vae.study.training import train

IMAGES = 24


def sampled(vae: VAE, draws: int = 1000, seed: int = 1, tuning: Tuning = TUNING) -> Sampler:
    generator = torch.Generator().manual_seed(seed)
    return Sampler(vae, generator=generator, tuning=replace(tuning, draws=draws))


@pytest.fixture(scope="module")
def sums(trained: VAE) -> Integrator:
    return Integrator(trained.decoder, 2, window=10.0, tolerance=1e-3)


@pytest.mark.parametrize("part", [Part.WHOLE, Part.TOP_HALF, Part.BOTTOM_HALF])
def test_estimate_agrees_with_the_sum_per_image_and_in_the_mean(trained, sums, images, part) -> None:
    x = images[1000 : 1000 + IMAGES]
    with torch.inference_mode():
        found = sampled(trained).log_marginals(x, part)
        difference = found.log_density - sums.log_marginals(x, part).log_density
    assert abs(difference.mean().item()) < 0.02
    assert (difference.abs() < 4 * found.error + sums.tolerance).all()
    assert (found.effective_sample_size > 50).all()


@pytest.fixture(scope="module")
def strong(images) -> VAE:
    """A model trained by the strong recipe on 1,000 images; its posteriors are narrow, and some are split."""
    generator = torch.Generator().manual_seed(1)
    vae = VAE(generator)
    recipe = Recipe(epochs=60, batch_size=100, learning_rate=4e-3, decay=0.8, latent_layer_rate=60)
    for _ in train(vae, images[:1000], recipe, generator):
        pass
    return vae.requires_grad_(False)


def test_estimate_agrees_with_the_sum_on_a_strong_model(strong, images) -> None:
    x = images[1000:1030]
    with torch.inference_mode():
        summed = Integrator(strong.decoder, 2, window=10.0, tolerance=1e-3).log_marginals(x)
        found = compare((estimated := sampled(strong, TUNING.draws).log_marginals(x)), summed)
        assert strong.encoder(x)[1].exp().median() < 0.1  # in a plane where the prior has 1
    assert abs(found.difference.mean().item()) < 0.02
    assert found.in_errors.abs().max() < 4
    assert found.effective_draws.min() > 50
    assert not estimated.flagged.any()


@pytest.fixture(scope="module")
def odd(images) -> torch.Tensor:
    """Noise and negatives of digits, whose posteriors can lie far from all codes."""
    generator = torch.Generator().manual_seed(5)
    noise = [torch.bernoulli(torch.full((4, 784), ink), generator=generator) for ink in (0.13, 0.5)]
    return torch.cat([*noise, 1 - images[1000:1004]])


def highest_on_a_lattice(vae: VAE, x: torch.Tensor) -> torch.Tensor:
    """Each image's highest log-joint on a lattice that reaches farther than its posterior."""
    axis = torch.arange(-20, 20, 0.2)
    best = torch.full((len(x),), -torch.inf)
    for z in torch.cartesian_prod(axis, axis).split(2000):
        logits = vae.decoder(z)
        values = x @ logits.T - torch.nn.functional.softplus(logits).sum(-1) + log_prior(z)
        best = torch.maximum(best, values.amax(-1))
    return best


# Every image is searched, whatever its best mode; ascents start from its code alone: a bank often suffices.
SEARCH = replace(TUNING, bank=1, least_fit=math.inf)


@pytest.fixture(scope="module")
def searched(strong, odd) -> LogMarginals:
    with torch.inference_mode():
        return sampled(strong, tuning=SEARCH).log_marginals(odd)


def test_modes_that_ascents_miss_are_found_by_a_search(strong, odd, searched) -> None:
    joint = PartOfDecoder(strong.decoder)
    with torch.inference_mode():
        unsearched = sampled(strong, 200, tuning=replace(SEARCH, least_fit=-math.inf)).log_marginals(odd)
        highest = highest_on_a_lattice(strong, odd)
        missed = [
            joint.log_joint(odd, found.modes.transpose(0, 1)).amax(0) < highest - 0.1
            for found in (unsearched, searched)
        ]
    assert missed[0].sum() > 2
    assert not missed[1].any()


def test_what_one_search_misses_is_in_the_error(strong, odd, searched) -> None:
    weak = replace(TUNING.tempering, particles=5, moves=0)
    with torch.inference_mode():
        found = sampled(strong, tuning=replace(SEARCH, tempering=weak)).log_marginals(odd)
    assert found.flagged.sum() > 2
    covered = (found.log_density - searched.log_density).abs() < 4 * (found.error + searched.error)
    assert (covered | found.flagged).all()
    assert (found.error[found.flagged] > TUNING.doubt).all()


def test_images_unlike_digits_are_searched_and_most_digits_are_not(monkeypatch, strong, odd, images) -> None:
    counts = []
    search = Sampler._search
    monkeypatch.setattr(
        Sampler, "_search", lambda self, joint, x: counts.append(len(x)) or search(self, joint, x)
    )
    weak = replace(TUNING, tempering=replace(TUNING.tempering, particles=5, moves=0))
    with torch.inference_mode():
        sampled(strong, 10, tuning=weak).log_marginals(images[:20])
        assert sum(counts) < 10 * TUNING.populations
        counts.clear()
        sampled(strong, 10, tuning=weak).log_marginals(odd)
    assert counts == [len(odd)] * TUNING.populations


def test_images_that_the_decoder_makes_fit_it() -> None:
    vae = VAE(torch.Generator().manual_seed(3)).requires_grad_(False)
    z = torch.randn(1, 2, generator=torch.Generator().manual_seed(1)).expand(500, -1)
    x = torch.bernoulli(torch.sigmoid(vae.decoder(z)), generator=torch.Generator().manual_seed(2))
    fit = PartOfDecoder(vae.decoder).fit(x, z)
    assert abs(fit.mean()) < 0.2
    assert 0.9 < fit.std() < 1.1


def test_standard_errors_are_what_estimates_spread_by(trained, images) -> None:
    x = images[1000:1004]
    with torch.inference_mode():
        found = [sampled(trained, 200, seed).log_marginals(x) for seed in range(12)]
    spread = torch.stack([each.log_density for each in found]).std(0)
    stated = torch.stack([each.error for each in found]).mean(0)
    # Of 12 estimates and 4 images; draws are stratified over modes, so the spread may be less than stated.
    assert 0.4 < (spread / stated).square().mean().sqrt().item() < 1.6


def test_gaps_agree_with_the_sums(trained, sums, images) -> None:
    x = images[1000 : 1000 + IMAGES]
    exact, found = gaps(trained, sums, x), gaps(trained, sampled(trained), x)
    for name in ("log_px", "kl", "kl_refined", "kl_best"):
        assert abs((getattr(found, name) - getattr(exact, name)).mean().item()) < 0.1, name
    assert (found.kl_refined <= found.kl).all()
    assert exact.effective_sample_size.isinf().all()
    assert found.effective_sample_size.isfinite().all()


def test_linear_gaussian_evidence_in_five_dimensions() -> None:
    """Logits do not depend on z, so the posterior is the prior and log p(x) is the likelihood."""
    vae = VAE(torch.Generator().manual_seed(1), latent=5).requires_grad_(False)
    vae.decoder.output.weight.zero_()
    x = torch.bernoulli(torch.full((6, 784), 0.3), generator=torch.Generator().manual_seed(2))
    vae.decoder.output.bias.fill_(math.log(0.3 / 0.7))
    expected = x.sum(-1) * math.log(0.3) + (784 - x.sum(-1)) * math.log(0.7)
    with torch.inference_mode():
        found = sampled(vae, 4000).log_marginals(x)
    assert ((found.log_density - expected).abs() < 5 * found.error + 1e-3).all()
    assert (found.error < 0.1).all()


def test_estimates_of_two_kinds_of_draws_agree_beyond_two_dimensions(images) -> None:
    """In three dimensions: the proposal's draws against draws of the prior, which need no mode."""
    vae = VAE(torch.Generator().manual_seed(3), latent=3).requires_grad_(False)
    x = images[:3]
    generator = torch.Generator().manual_seed(4)
    with torch.inference_mode():
        found = sampled(vae, 2000).log_marginals(x)
        z = torch.randn(50_000, 1, 3, generator=generator)
        log_weights = PartOfDecoder(vae.decoder).log_joint(x, z).double() - log_prior(z)
    plain = torch.logsumexp(log_weights, 0) - math.log(len(z))
    share = torch.softmax(log_weights, 0)
    error = torch.hypot(found.error, share.square().sum(0).sqrt())
    assert (error < 0.3).all()
    assert ((found.log_density - plain).abs() < 4 * error).all()


@pytest.mark.parametrize("part", [Part.WHOLE, Part.TOP_HALF])
def test_closed_forms_are_those_of_the_study(images, part) -> None:
    vae = VAE(torch.Generator().manual_seed(3), latent=4).double().requires_grad_(False)
    x = images[:2].double()
    z = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    z.requires_grad_()
    density = joint_log_density if part == Part.WHOLE else top_half_joint
    expected = density(vae.decoder, x, z)
    gradient = torch.autograd.grad(expected.sum(), z)[0]
    value, slope = PartOfDecoder(vae.decoder, part).slopes(x, z.detach())
    torch.testing.assert_close(value, expected.detach())
    torch.testing.assert_close(slope, gradient)
    torch.testing.assert_close(PartOfDecoder(vae.decoder, part).log_joint(x, z.detach()), expected.detach())


@pytest.mark.parametrize("dimension", [1, 3, 5, 20, 50])
def test_design_has_the_normals_moments(dimension: int) -> None:
    design = balanced_design(dimension)
    assert len(design) <= 4 * max(dimension, 1) + 4
    torch.testing.assert_close(design.mean(0), torch.zeros(dimension))
    torch.testing.assert_close(design.T @ design / len(design), torch.eye(dimension))


def test_fitted_gaussian_is_where_the_elbo_is_stationary(images) -> None:
    """There the expected slope is zero, and the expected curvature is minus the precision."""
    vae = VAE(torch.Generator().manual_seed(3), latent=6).requires_grad_(False)
    vae.decoder.hidden.weight *= 0.7
    joint, x = PartOfDecoder(vae.decoder), images[:2]
    start = torch.zeros(2, 6), torch.eye(6).expand(2, 6, 6)
    mean, factor = sampler._fit(joint, x, *start, TUNING)
    half = torch.randn(5_000, 2, 6, generator=torch.Generator().manual_seed(1))
    u = torch.cat([half, -half])
    off = torch.linalg.solve_triangular(factor.mT, u.permute(1, 2, 0), upper=True).permute(2, 0, 1)
    slopes = joint.slopes(x, mean + off)[1]
    whitened = torch.linalg.solve_triangular(factor, slopes.mean(0)[..., None], upper=False)
    against = torch.linalg.solve_triangular(factor, torch.einsum("nid,nie->ide", slopes, u), upper=False)
    assert whitened.abs().max() < 0.1
    assert (against / len(u) + torch.eye(6)).abs().max() < 0.1


def test_no_mode_counts_twice() -> None:
    mode = torch.tensor([[[0.0, 0.0], [0.01, 0.0], [1.0, 0.0], [1.0, 0.01]]])
    factor = torch.eye(2).expand(1, 4, 2, 2)
    assert sampler._first_of_each(mode, factor, TUNING.same).tolist() == [[True, False, True, False]]


def test_of_ascents_that_meet_one_goes_on(strong, images) -> None:
    space, x = sampled(strong), images[1000:1010]
    joint = PartOfDecoder(strong.decoder)
    with torch.inference_mode():
        starts = space._starts(joint, x, space._bank(x))
        mode, height = sampler._ascend_to_modes(joint, x, starts, TUNING)
        one_by_one = [
            sampler._ascend_to_modes(joint, x, start[:, None], TUNING) for start in starts.unbind(1)
        ]
        alone = torch.cat([height for _, height in one_by_one], 1)
        going = height.isfinite()
        assert going[:, 0].all()
        assert 1 <= going.sum(1).float().mean() < starts.shape[1] / 2  # of which most end in the same modes
        torch.testing.assert_close(height.amax(1), alone.amax(1), atol=0.01, rtol=0)
        where = mode[torch.arange(len(x)), height.argmax(1)][None]
        torch.testing.assert_close(joint.log_joint(x, where)[0], height.amax(1), atol=1e-3, rtol=0)


def test_pilot_draws_find_where_the_proposal_is_thin(strong, images) -> None:
    """Where the encoder's answer stands in for the modes, parts added by pilots cover what it misses."""
    blind = replace(TUNING, starts=0, steps=0, fit_steps=0, least_fit=-math.inf)
    fewest = []
    for added in (0, TUNING.added):
        with torch.inference_mode():
            found = sampled(strong, tuning=replace(blind, added=added)).log_marginals(images[1000:1030])
        fewest.append(found.effective_sample_size.quantile(0.05))
    assert fewest[1] > 2 * fewest[0]


def test_encoder_gap_at_ten_dimensions_is_a_gap(images) -> None:
    vae = VAE(torch.Generator().manual_seed(3), latent=10).requires_grad_(False)
    found = encoder_gap(vae, sampled(vae), images[:10])
    assert (found.kl > -4 * found.error).all()
    assert found.kl.mean() > 0.1


def test_posterior_draws_have_the_sums_mean(trained, sums, images) -> None:
    x = images[1000]
    with torch.inference_mode():
        space = sampled(trained, 4000)
        means = [each.posterior(x, Part.TOP_HALF).mean_of(lambda z: z) for each in (space, sums)]
        spread = sums.posterior(x, Part.TOP_HALF).mean_of(lambda z: (z - means[1].float()) ** 2).sqrt()
    assert ((means[0] - means[1]).abs() < 0.2 * spread).all()


def test_memory_does_not_grow_with_the_number_of_images(monkeypatch, trained, images) -> None:
    """Draws are held for a block of images at a time."""
    sizes = []
    drawn = sampler._Mixture.draw
    monkeypatch.setattr(
        sampler._Mixture, "draw", lambda self, *rest: sizes.append(len(self.mode)) or drawn(self, *rest)
    )
    with torch.inference_mode():
        sampled(trained, 10, tuning=replace(TUNING, images_a_block=3)).log_marginals(images[:8])
    assert max(sizes) == 3
    assert sum(sizes) == 8 * (1 + TUNING.added)
