"""The two networks, and the joint densities of their decoder."""

import numpy as np
import pytest
import safetensors.torch
import scipy.special
import scipy.stats
import torch

from mnist_vae.errors import InputError
from mnist_vae.study.densities import joint_log_density, top_half_joint, top_half_log_likelihood
from mnist_vae.study.networks import VAE, TopHalfDecoder

SHAPES = {
    "encoder.hidden.weight": (500, 784),
    "encoder.hidden.bias": (500,),
    "encoder.output.weight": (4, 500),
    "encoder.output.bias": (4,),
    "decoder.hidden.weight": (500, 2),
    "decoder.hidden.bias": (500,),
    "decoder.output.weight": (784, 500),
    "decoder.output.bias": (784,),
}


def seeded(seed=0):
    return VAE(torch.Generator().manual_seed(seed))


def random_images(*shape, seed=0):
    return torch.bernoulli(torch.full((*shape, 784), 0.3), generator=torch.Generator().manual_seed(seed))


def test_tensors_have_the_names_and_shapes_of_the_weight_files():
    assert {name: tuple(tensor.shape) for name, tensor in seeded().state_dict().items()} == SHAPES


@pytest.mark.parametrize(("hidden", "latent"), [(64, 3), (500, 1), (7, 50)])
def test_tensors_follow_the_sizes_asked_for(hidden, latent):
    vae = VAE(hidden=hidden, latent=latent)
    sizes = {500: hidden, 4: 2 * latent, 2: latent, 784: 784}
    expected = {name: tuple(sizes[size] for size in shape) for name, shape in SHAPES.items()}
    assert {name: tuple(tensor.shape) for name, tensor in vae.state_dict().items()} == expected
    assert (vae.hidden, vae.latent) == (hidden, latent)


def test_safetensors_own_function_saves_a_model_and_pytorch_loads_it(tmp_path):
    vae = seeded()
    safetensors.torch.save_file(vae.state_dict(), tmp_path / "weights")
    other = seeded(1)
    other.load_state_dict(safetensors.torch.load_file(tmp_path / "weights"))
    for name, tensor in other.state_dict().items():
        assert torch.equal(tensor, vae.state_dict()[name])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"initialization": "glorrot"}, "initialization is 'glorrot'.*glorot, pytorch"),
        ({"latent": 0}, "latent 0.*at least 1"),
        ({"hidden": -5}, "hidden is -5.*at least 1"),
    ],
)
def test_what_is_no_model_is_refused(options, reason):
    with pytest.raises(InputError, match=reason):
        VAE(**options)


@pytest.mark.parametrize("leading", [(), (1,), (7,), (3, 7), (2, 3, 7)])
def test_shapes(leading):
    vae = seeded()
    mean, log_std = vae.encoder(random_images(*leading))
    assert mean.shape == log_std.shape == (*leading, 2)
    assert vae.decoder(mean).shape == (*leading, 784)
    assert joint_log_density(vae.decoder, random_images(*leading), mean).shape == leading
    assert top_half_joint(vae.decoder, random_images(*leading), mean).shape == leading


def test_draws_broadcast_against_images():
    vae, x, z = seeded(), random_images(7), torch.randn(3, 7, 2)
    found = joint_log_density(vae.decoder, x, z)
    assert found.shape == (3, 7)
    torch.testing.assert_close(found[1, 4], joint_log_density(vae.decoder, x[4], z[1, 4]))


@pytest.mark.parametrize("name", [name for name in SHAPES if name.endswith("weight")])
def test_weights_are_glorot_uniform(name):
    weight = seeded().state_dict()[name]
    limit = (6 / sum(weight.shape)) ** 0.5
    assert weight.abs().max() <= limit
    uniform = scipy.stats.uniform(-limit, 2 * limit)
    assert scipy.stats.kstest(weight.flatten().numpy(), uniform.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", [name for name in SHAPES if name.endswith("bias")])
def test_biases_are_zero(name):
    assert not seeded().state_dict()[name].any()


def test_pytorchs_initialization_is_that_of_its_own_layers():
    torch.manual_seed(0)
    ours, theirs = (
        VAE(torch.Generator().manual_seed(0), "pytorch").state_dict(),
        torch.nn.Linear(784, 500).state_dict(),
    )
    for name in ("weight", "bias"):
        found, expected = ours[f"encoder.hidden.{name}"], theirs[name]
        assert found.abs().max() <= 784**-0.5
        assert found.std().item() == pytest.approx(expected.std().item(), rel=0.1)
    assert ours["decoder.hidden.bias"].abs().max() > 0.9 * 2**-0.5


def test_initialization_is_the_generators_alone():
    torch.manual_seed(1)
    first = seeded(3).state_dict()
    torch.manual_seed(2)
    again, other = seeded(3).state_dict(), seeded(4).state_dict()
    for name in SHAPES:
        assert torch.equal(first[name], again[name])
        if name.endswith("weight"):
            assert not torch.equal(first[name], other[name])


def test_encoder_by_hand():
    vae, x = seeded(), random_images(5)
    torch.nn.init.normal_(vae.encoder.hidden.bias), torch.nn.init.normal_(vae.encoder.output.bias)
    t = {name: tensor.double().numpy() for name, tensor in vae.state_dict().items()}
    hidden = np.tanh(x.double().numpy() @ t["encoder.hidden.weight"].T + t["encoder.hidden.bias"])
    output = hidden @ t["encoder.output.weight"].T + t["encoder.output.bias"]
    mean, log_std = (part.detach().numpy() for part in vae.double().encoder(x.double()))
    np.testing.assert_allclose(mean, output[:, :2], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(log_std, output[:, 2:], rtol=1e-10, atol=1e-12)


def decode_by_hand(vae, z):
    t = {name: tensor.double().numpy() for name, tensor in vae.state_dict().items()}
    hidden = np.tanh(z @ t["decoder.hidden.weight"].T + t["decoder.hidden.bias"])
    return hidden @ t["decoder.output.weight"].T + t["decoder.output.bias"]


def test_joint_densities_by_hand():
    vae, x = seeded(), random_images(5).double()
    torch.nn.init.normal_(vae.decoder.hidden.bias), torch.nn.init.normal_(vae.decoder.output.bias)
    z = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    log_pixels = scipy.special.log_expit((2 * x.numpy() - 1) * decode_by_hand(vae, z.numpy()))
    log_prior = scipy.stats.norm.logpdf(z.numpy()).sum(-1)
    decoder = vae.double().decoder.requires_grad_(False)
    top = log_pixels.reshape(5, 28, 28)[:, :14].sum((1, 2))
    for found, expected in (
        (joint_log_density(decoder, x, z), log_prior + log_pixels.sum(-1)),
        (top_half_log_likelihood(decoder, x, z), top),
        (top_half_joint(decoder, x, z), log_prior + top),
    ):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_top_half_decoder_is_the_decoders_top_half():
    decoder, z = seeded().decoder, torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(TopHalfDecoder(decoder)(z), decoder(z)[..., :392])
