"""The fast step compared with the plain one, and the comparison that every training run starts with."""

import pytest
import torch

from mnist_vae.errors import InputError
from mnist_vae.study import gradient
from mnist_vae.study.gradient import require_autograds_gradient
from mnist_vae.study.networks import VAE
from mnist_vae.study.objective import loss
from mnist_vae.study.recipe import Recipe
from mnist_vae.study.step import HandDerivedStep, PlainStep
from mnist_vae.study.training import train

REFERENCE = Recipe(epochs=2, batch_size=40, learning_rate=1e-3)
OTHER = Recipe(
    epochs=2, batch_size=40, learning_rate=3e-3, decay=0.8, latent_layer_rate=30, beta=2, hidden=33, latent=3
)


def model(recipe, dtype=torch.float64):
    vae = VAE(torch.Generator().manual_seed(0), hidden=recipe.hidden, latent=recipe.latent)
    return vae.to(dtype)


@pytest.mark.parametrize("recipe", [REFERENCE, OTHER])
def test_both_take_the_same_steps(images, recipe):
    generator = torch.Generator().manual_seed(1)
    plain, fast = model(recipe), model(recipe)
    plain_step, fast_step = PlainStep(plain, recipe), HandDerivedStep(fast, recipe)
    for batch, rate_factor in zip(images[:100].double().split(40), (1.0, 0.5, 0.25), strict=True):
        noise = torch.randn(len(batch), recipe.latent, generator=generator, dtype=torch.float64)
        expected, found = (step(batch, noise, rate_factor) for step in (plain_step, fast_step))
        torch.testing.assert_close(found, expected)
        fast_step.update_model()
        for name, parameter in plain.named_parameters():
            torch.testing.assert_close(fast.get_parameter(name), parameter, rtol=0, atol=1e-9, msg=name)


@pytest.mark.parametrize("recipe", [REFERENCE, OTHER])
def test_training_is_the_same_by_either(images, recipe):
    histories = []
    for step in (PlainStep, HandDerivedStep):
        vae = model(recipe, torch.float32)
        generator = torch.Generator().manual_seed(1)
        histories.append(list(train(vae, images[:100], recipe, generator, step=step(vae, recipe))))
    assert histories[0] == pytest.approx(histories[1], rel=1e-5)


# --- a loss whose gradient was not derived ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        (lambda terms, beta: loss(terms, beta) + 1e-3 * terms.log_q.square().mean(), "the loss differs"),
        (lambda terms, beta: loss(terms, beta) + terms.kl.mean() - terms.kl.mean().detach(), "weight"),
        (lambda terms, beta: loss(terms, 1.0), "the loss differs"),
        (lambda terms, beta: loss(terms, beta) + 1e-6, "the loss differs from autograd's by up to 1e-06"),
    ],
)
def test_a_loss_that_was_changed_alone_ends_training_before_its_first_step(
    images, monkeypatch, changed, where
):
    monkeypatch.setattr(gradient, "loss", changed)
    vae, untrained = model(OTHER, torch.float32), model(OTHER, torch.float32)
    with pytest.raises(InputError, match=rf"study/gradient\.py does not belong .*{where}"):
        list(train(vae, images[:100], OTHER, torch.Generator().manual_seed(1)))
    for name, parameter in untrained.named_parameters():
        assert torch.equal(vae.get_parameter(name), parameter)


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("pixel", [0.0, 1.0])
def test_no_batch_is_refused_for_rounding(count, pixel):
    for latent, beta in ((1, 1e-3), (2, 1.0), (50, 100.0)):
        noise = torch.randn(count, latent, generator=torch.Generator().manual_seed(0))
        require_autograds_gradient(torch.full((count, 784), pixel), noise, beta)


def test_a_first_step_takes_over_what_the_model_then_is(images):
    """Including weights that a checkpoint restores."""
    vae, restored = model(REFERENCE, torch.float32), VAE(torch.Generator().manual_seed(9))
    step = HandDerivedStep(vae, REFERENCE)
    vae.load_state_dict(restored.state_dict())
    noise = torch.zeros(100, 2)
    assert step(images[:100], noise) == HandDerivedStep(restored, REFERENCE)(images[:100], noise)
