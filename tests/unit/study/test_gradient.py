"""The gradient derived by hand, compared with autograd's."""

import pytest
import torch

from mnist_vae.study.gradient import _loss_with_gradient, loss_with_gradient
from mnist_vae.study.networks import VAE
from mnist_vae.study.objective import bound, loss

# Relative to a tensor's largest entry: others pass through zero by cancellation.
PRECISION = {torch.float64: 1e-13, torch.float32: 1e-5}


def noise_for(x, latent=2):
    return torch.randn(len(x), latent, generator=torch.Generator().manual_seed(5), dtype=x.dtype)


@pytest.fixture(params=["fresh", "trained"])
def vae(request, trained):
    """A new model, whose gradients are large, and a trained one, with saturated units."""
    vae = VAE(torch.Generator().manual_seed(2))
    if request.param == "trained":
        vae.load_state_dict(trained.state_dict())
    return vae


@pytest.mark.parametrize("batch", [1, 7, 100])
@pytest.mark.parametrize("dtype", PRECISION)
def test_loss_and_gradient_are_autograds(vae, images, dtype, batch):
    assert_autograds(vae.to(dtype), images[:batch].to(dtype), beta=1.0)


@pytest.mark.parametrize(
    ("hidden", "latent", "beta"), [(64, 1, 1.0), (33, 3, 4.0), (500, 2, 0.0), (1, 20, 0.3)]
)
@pytest.mark.parametrize("dtype", PRECISION)
def test_they_are_at_any_shape_and_weight_of_the_kl(images, dtype, hidden, latent, beta):
    vae = VAE(torch.Generator().manual_seed(2), hidden=hidden, latent=latent)
    assert_autograds(vae.to(dtype), images[:7].to(dtype), beta)


def assert_autograds(vae, x, beta):
    dtype, noise = x.dtype, noise_for(x, vae.latent)
    expected = loss(bound(vae, x, noise), beta)
    expected.backward()
    found, gradient = loss_with_gradient(dict(vae.named_parameters()), x, noise, beta)
    torch.testing.assert_close(found, expected.detach(), rtol=PRECISION[dtype], atol=0)
    assert gradient.keys() == dict(vae.named_parameters()).keys()
    for name, parameter in vae.named_parameters():
        tolerance = PRECISION[dtype] * parameter.grad.abs().max().item()
        torch.testing.assert_close(gradient[name], parameter.grad, rtol=0, atol=tolerance, msg=name)


def test_gradient_leaves_model_and_images_alone(vae, images):
    x, before = images[:20].clone(), {name: tensor.clone() for name, tensor in vae.state_dict().items()}
    loss_with_gradient(dict(vae.named_parameters()), x, noise_for(x))
    assert torch.equal(x, images[:20])
    for name, tensor in vae.state_dict().items():
        assert torch.equal(tensor, before[name])


@pytest.mark.parametrize("dtype", PRECISION)
def test_pytorch_computes_the_same_where_numpy_does_not(vae, images, dtype):
    """As on a GPU."""
    vae, x = vae.to(dtype).requires_grad_(False), images[:30].to(dtype)
    parameters, noise = dict(vae.named_parameters()), noise_for(x)
    expected, gradient = loss_with_gradient(parameters, x, noise, 2.0)
    found, other = _loss_with_gradient(torch, parameters, x, noise, 2.0)
    torch.testing.assert_close(found, expected, rtol=PRECISION[dtype], atol=0)
    for name, tensor in gradient.items():
        tolerance = PRECISION[dtype] * tensor.abs().max().item()
        torch.testing.assert_close(other[name], tensor, rtol=0, atol=tolerance, msg=name)


@pytest.mark.parametrize("logit", [0.0, 1.0, -30.0, 1e3, -1e5])
@pytest.mark.parametrize("pixel", [0.0, 1.0])
def test_the_loss_is_stable_at_any_logit(logit, pixel):
    vae, x = VAE(torch.Generator().manual_seed(2)).requires_grad_(False), torch.full((2, 784), pixel)
    vae.decoder.output.weight.zero_()
    vae.decoder.output.bias.fill_(logit)
    found, _ = loss_with_gradient(dict(vae.named_parameters()), x, noise_for(x))
    torch.testing.assert_close(found, loss(bound(vae, x, noise_for(x))), rtol=1e-5, atol=1e-4)


def test_never_lit_pixels_get_a_gradient_of_exactly_zero(vae, images):
    x = images[:50]
    dark = x.sum(0) == 0
    weight = loss_with_gradient(dict(vae.named_parameters()), x, noise_for(x))[1]["encoder.hidden.weight"]
    assert (weight[:, dark] == 0).all()
    assert (weight[:, ~dark] != 0).any(0).all()
