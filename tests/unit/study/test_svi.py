"""Stochastic variational inference for the bottom half, given the top."""

from functools import partial

import pytest
import torch

from mnist_vae.errors import InputError
from mnist_vae.study import blocks, svi
from mnist_vae.study.densities import joint_log_density, log_q, top_half_joint
from mnist_vae.study.networks import VAE, Decoder
from mnist_vae.study.svi import fit_top_half, top_half_elbo

STEPS = 60


@pytest.fixture(scope="module")
def x(images):
    return images[1000:1003]


def fit(decoder, x, seed=0, draws=20, steps=STEPS, learning_rate=0.05, starts=1):
    generator = torch.Generator().manual_seed(seed)
    return fit_top_half(
        decoder, x, draws=draws, steps=steps, learning_rate=learning_rate, generator=generator, starts=starts
    )


def exact_top_half(decoder, image):
    """Log p(top half), and the grid of z and log-joints of which it is the sum."""
    axis = torch.linspace(-7, 7, 121)
    z = torch.cartesian_prod(axis, axis)
    log_joint = top_half_joint(decoder, image, z)
    return torch.logsumexp(log_joint, 0) + 2 * torch.log(axis[1] - axis[0]), z, log_joint


@pytest.fixture(scope="module")
def fitted(trained, x):
    return fit(trained.decoder, x, steps=300)


def test_shapes(trained, x):
    found = fit(trained.decoder, x, steps=3)
    assert found.mean.shape == found.log_std.shape == (3, 2)
    assert found.trace.shape == (3, 3)
    assert not any(tensor.requires_grad for tensor in found)


def test_objective_improves_for_every_image(fitted):
    assert (fitted.trace[-20:].mean(0) > fitted.trace[0] + 5).all()


@torch.inference_mode()
def test_objective_is_a_bound_and_comes_near(trained, x, fitted):
    noise = torch.randn(2000, 3, 2, generator=torch.Generator().manual_seed(1))
    found = top_half_elbo(trained.decoder, x, fitted.mean, fitted.log_std, noise)
    exact = torch.stack([exact_top_half(trained.decoder, image)[0] for image in x])
    assert (found < exact + 0.05).all()
    assert (found > exact - 2).all()


@torch.inference_mode()
def test_objective_by_hand(trained, x):
    mean, log_std = torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(2)).unbind(0)
    noise = torch.randn(5, 3, 2, generator=torch.Generator().manual_seed(3))
    found = top_half_elbo(trained.decoder, x, mean, log_std, noise)
    for i in range(3):
        values = []
        for draw in noise[:, i]:
            z = mean[i] + log_std[i].exp() * draw
            values.append(top_half_joint(trained.decoder, x[i], z) - log_q(mean[i], log_std[i], z))
        torch.testing.assert_close(found[i], sum(values) / 5)


def test_bottom_half_is_not_read(trained, x):
    other = x.clone()
    other[:, 392:] = 1 - other[:, 392:]
    for one, another in zip(fit(trained.decoder, x), fit(trained.decoder, other), strict=True):
        assert torch.equal(one, another)


def test_objective_has_no_gradient_in_the_bottom_half(trained, x):
    pixels = x.clone().requires_grad_()
    zero = torch.zeros(3, 2)
    top_half_elbo(trained.decoder, pixels, zero, zero, torch.randn(5, 3, 2)).sum().backward()
    assert pixels.grad[:, :392].abs().min(1).values.max() > 0
    assert not pixels.grad[:, 392:].any()


def test_top_half_matters(trained, x):
    other = x.clone()
    other[:, :392] = 1 - other[:, :392]
    assert not torch.allclose(fit(trained.decoder, x).mean, fit(trained.decoder, other).mean, atol=0.1)


def test_a_batch_is_its_images_one_by_one(trained, x, monkeypatch):
    together = fit(trained.decoder, x)
    generator = torch.Generator().manual_seed(0)
    draw = torch.randn
    for i in range(3):
        generator.manual_seed(0)

        def same_noise(first, _, latent, generator, i=i):
            return draw(first, 3, latent, generator=generator)[:, i : i + 1]

        monkeypatch.setattr(torch, "randn", same_noise)
        alone = fit(trained.decoder, x[i : i + 1])
        torch.testing.assert_close(alone.mean[0], together.mean[i], rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(alone.log_std[0], together.log_std[i], rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(alone.trace[:, 0], together.trace[:, i], rtol=1e-4, atol=1e-3)


def test_every_step_decodes_all_its_draws(trained, x):
    decoded = []
    hook = trained.decoder.hidden.register_forward_pre_hook(
        lambda _, inputs: decoded.append(inputs[0].detach())
    )
    try:
        fit(trained.decoder, x, draws=7, steps=3)
    finally:
        hook.remove()
    assert [tuple(z.shape) for z in decoded] == [(7, 3, 2)] * 3
    assert len(torch.stack(decoded).reshape(-1, 2).unique(dim=0)) == 7 * 3 * 3


def test_more_draws_make_a_smoother_objective(trained, x):
    noise = torch.randn(80, 50, 3, 2, generator=torch.Generator().manual_seed(0))
    mean, log_std = torch.zeros(3, 2), torch.full((3, 2), -1.0)

    def spread(draws):
        values = [top_half_elbo(trained.decoder, x, mean, log_std, step[:draws]) for step in noise]
        return torch.stack(values).std(0)

    ratio = spread(1) / spread(50)
    assert (ratio > 3.5).all()  # sqrt(50) = 7.1, had from 80 values each
    assert (ratio < 14).all()


@pytest.mark.parametrize(("points", "count"), [(1, 9), (9, 1), (4, 5), (600, 3)])
@torch.inference_mode()
def test_blocks_are_the_whole(trained, images, monkeypatch, points, count):
    monkeypatch.setattr(blocks, "POINTS_A_BLOCK", 8)
    z = torch.randn(points, count, 2, generator=torch.Generator().manual_seed(0))
    joint = partial(joint_log_density, trained.decoder)
    found = blocks.in_blocks(joint, images[:count], z)
    assert found.shape == (points, count)
    torch.testing.assert_close(found, joint(images[:count], z))


def test_blocks_are_small(images):
    """For many images and for many points."""
    sizes = []

    def density(x, z):
        sizes.append(z.shape[:2].numel())
        return z.sum(-1)

    for points, count in ((36, 100), (1000, 3), (1, 1000)):
        blocks.in_blocks(density, images[:count], torch.zeros(points, count, 2))
    assert max(sizes) <= blocks.POINTS_A_BLOCK


def test_start_is_random_and_seeded(trained, x):
    first, again, other = (fit(trained.decoder, x, seed=s, steps=1, learning_rate=1e-30) for s in (0, 0, 1))
    assert torch.equal(first.mean, again.mean)
    assert not torch.equal(first.mean, other.mean)
    starts = fit(trained.decoder, x[:1].expand(300, 784), steps=1, draws=1, learning_rate=1e-30)
    for start in (starts.mean, starts.log_std):
        assert start.mean().abs() < 4 / 600**0.5
        assert (start.std() - 1).abs() < 4 / 1200**0.5


def two_modes():
    """A decoder under which an image of ones has two modes at |z| of about 2, the right one higher."""
    decoder = Decoder(2, 2)
    right, left = torch.tensor([[3.0, 0.0], [-3.0, 0.0]])
    with torch.no_grad():
        decoder.hidden.weight.copy_(torch.stack([right, left]))
        decoder.hidden.bias.fill_(-3.0)
        decoder.output.weight.copy_(torch.tensor([[0.15, 0.1]]).expand(784, 2))
        decoder.output.bias.zero_()
    return decoder


def test_several_starts_find_the_better_mode_where_one_does_not():
    x = torch.ones(4, 784)
    seeds = range(4)
    alone, several = (
        [fit(two_modes(), x, seed=seed, steps=90, draws=10, starts=n).mean for seed in seeds] for n in (1, 12)
    )
    missed = torch.stack(alone)[..., 0] < 0
    assert 0 < missed.sum() < missed.numel()
    assert (torch.stack(several)[..., 0] > 0.5).all()


def test_several_starts_are_no_worse_for_any_image(trained, x):
    noise = torch.randn(1000, 3, 2, generator=torch.Generator().manual_seed(1))
    one, best = (fit(trained.decoder, x, steps=300, starts=n) for n in (1, 8))
    with torch.inference_mode():
        one, best = (top_half_elbo(trained.decoder, x, q.mean, q.log_std, noise) for q in (one, best))
    assert (best > one - 0.1).all()


def test_the_best_start_of_each_image_is_chosen_with_its_trace(trained, x):
    """With negligible steps, q is the start with the highest ELBO, image by image."""
    generator = torch.Generator().manual_seed(0)
    starts = torch.stack([torch.randn(2, 3, 2, generator=generator) for _ in range(6)])
    noise = torch.randn(2000, 3, 2, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        elbo = torch.stack([top_half_elbo(trained.decoder, x, *start, noise) for start in starts])
    found = fit(trained.decoder, x, steps=9, learning_rate=1e-30, starts=6)
    for i, best in enumerate(elbo.argmax(0)):
        assert torch.equal(found.mean[i], starts[best, 0, i])
        assert torch.equal(found.log_std[i], starts[best, 1, i])
    spread = elbo.max(0).values - found.trace.mean(0)
    assert found.trace.shape == (9, 3)
    assert (spread.abs() < 0.1 * elbo.max(0).values.abs()).all()


def test_the_first_start_is_that_of_a_single_one(trained, x, monkeypatch):
    """If the first start is always chosen, the result is that of a single start, whatever the others are."""
    monkeypatch.setattr(svi, "_best", lambda _, x, mean, *rest: torch.arange(len(x)))
    one, first = (fit(trained.decoder, x, steps=3, learning_rate=1e-30, starts=n) for n in (1, 5))
    assert torch.equal(one.mean, first.mean)
    assert torch.equal(one.log_std, first.log_std)


def test_several_starts_are_seeded(trained, x):
    first, again, other = (fit(trained.decoder, x, seed=s, steps=12, starts=4) for s in (0, 0, 1))
    for one, another in zip(first, again, strict=True):
        assert torch.equal(one, another)
    assert not torch.equal(first.mean, other.mean)


@pytest.mark.parametrize("starts", [1, 2, 3, 12])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_no_path_is_longer_than_asked_for(trained, x, starts, steps):
    found = fit(trained.decoder, x, steps=steps, draws=2, starts=starts)
    assert found.trace.shape == (steps, 3)
    assert found.mean.shape == found.log_std.shape == (3, 2)


def test_converged_fits_stop_and_are_converged():
    decoder, x = two_modes(), torch.ones(2, 784)
    stopped = fit(decoder, x, steps=3000, draws=50)
    assert 2 * svi.GAIN_STEPS <= len(stopped.trace) < 1500
    noise = torch.randn(4000, 2, 2, generator=torch.Generator().manual_seed(1))
    on = fit(decoder, x, steps=len(stopped.trace) // 2, draws=50)
    with torch.inference_mode():
        early, late = (top_half_elbo(decoder, x, q.mean, q.log_std, noise) for q in (on, stopped))
    assert (late > early - 0.05).all()


def test_one_image_that_rises_keeps_all_going():
    steps = torch.arange(2.0 * svi.GAIN_STEPS)
    flat, rising = torch.zeros_like(steps), 1e-3 * steps
    assert svi._converged(list(torch.stack([flat, flat], dim=1)))
    assert not svi._converged(list(torch.stack([flat, rising], dim=1)))


def test_rising_fits_go_on(trained, x):
    slow = fit(trained.decoder, x, steps=250, draws=5, learning_rate=2e-3)
    assert len(slow.trace) == 250


def test_decoder_is_left_as_it_was(images, x):
    decoder = VAE(torch.Generator().manual_seed(0)).decoder
    before = {name: tensor.clone() for name, tensor in decoder.state_dict().items()}
    fit(decoder, x, steps=3)
    for name, parameter in decoder.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.grad is None


@pytest.mark.parametrize(
    ("change", "options", "reason"),
    [
        (lambda x: x / 2, {}, "a pixel of 0.5; every pixel must be 0 or 1"),
        (lambda x: x[:, :392], {}, r"the shape \(3, 392\)"),
        (lambda x: x, {"starts": 0}, "starts is 0; it must be at least 1"),
        (lambda x: x, {"draws": 0}, "draws is 0; it must be at least 1"),
        (lambda x: x, {"steps": -1}, "steps is -1"),
        (lambda x: x, {"learning_rate": 0.0}, "learning_rate is 0.0; it must be above 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused(trained, x, change, options, reason):
    with pytest.raises(InputError, match=reason):
        fit(trained.decoder, change(x), **options)


def test_any_latent_dimension_is_fitted(x):
    found = fit(VAE(torch.Generator().manual_seed(0), hidden=30, latent=5).decoder, x)
    assert found.mean.shape == found.log_std.shape == (3, 5)
    assert (found.trace[-10:].mean(0) > found.trace[:10].mean(0)).all()
