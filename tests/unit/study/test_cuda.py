"""Training on a GPU: the choice of the device, and the same results as on a CPU."""

import pytest
import torch

from mnist_vae.errors import InputError
from mnist_vae.study.cuda import find_device
from mnist_vae.study.networks import VAE
from mnist_vae.study.recipe import Recipe
from mnist_vae.study.training import train

needs_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="PyTorch finds no GPU: run `make test` where nvidia-smi shows one"
)


@pytest.fixture(autouse=True)
def _algorithms_as_before():
    yield
    torch.use_deterministic_algorithms(False)


def run(images, device, epochs=4, **more):
    generator = torch.Generator().manual_seed(0)
    recipe = Recipe(epochs=epochs, batch_size=100, learning_rate=1e-3, **more)
    vae = VAE(generator, hidden=recipe.hidden, latent=recipe.latent).to(device)
    losses = list(train(vae, images.to(device), recipe, generator))
    return losses, {name: tensor.cpu() for name, tensor in vae.state_dict().items()}


def test_cpu_is_taken_when_asked_for():
    assert find_device("cpu").type == "cpu"


def test_a_gpu_is_taken_if_there_is_one(monkeypatch):
    for there, device in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert find_device("auto").type == device


def test_a_gpu_asked_for_and_missing_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"device: cuda.*no GPU.*device: auto"):
        find_device("cuda")


@pytest.mark.parametrize("there", [True, False])
def test_an_unknown_device_is_an_error(monkeypatch, there):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    with pytest.raises(InputError, match="device is 'gpu'; it must be one of cpu, auto, cuda"):
        find_device("gpu")


@needs_gpu
@pytest.mark.parametrize(
    "more", [{}, {"decay": 0.5, "latent_layer_rate": 3.0}, {"hidden": 64, "latent": 3, "beta": 4.0}]
)
def test_a_gpu_trains_as_a_cpu_does(images, more):
    """With a partial last batch, over few enough epochs that rounding errors stay small."""
    ours, weights = run(images[:250], find_device("cuda"), **more)
    theirs, expected = run(images[:250], "cpu", **more)
    assert ours == pytest.approx(theirs, rel=1e-3)
    for name, tensor in weights.items():
        assert (tensor - expected[name]).abs().mean() < 1e-3


@needs_gpu
def test_a_gpu_gives_the_same_bits_again(images):
    (first, weights), (again, others) = (run(images[:250], find_device("cuda")) for _ in range(2))
    assert first == again
    for name, tensor in weights.items():
        assert torch.equal(tensor, others[name])
