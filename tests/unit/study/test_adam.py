"""Adam by PyTorch's functional form, compared with PyTorch's optimizer."""

import subprocess
import sys

import torch

from mnist_vae.study.adam import Adam

RATES = {"transposed": 3e-2}


def parameters():
    generator = torch.Generator().manual_seed(0)
    found = {"matrix": torch.randn(40, 30, generator=generator), "bias": torch.randn(7, generator=generator)}
    return found | {"transposed": torch.randn(30, 20, generator=generator).T}


def test_steps_are_pytorchs_bit_by_bit():
    ours = parameters()
    theirs = {name: tensor.clone().contiguous() for name, tensor in parameters().items()}
    optimizer = Adam(ours, 1e-3, RATES)
    reference = torch.optim.Adam(
        [{"params": [tensor], "lr": RATES.get(name, 1e-3)} for name, tensor in theirs.items()], fused=True
    )
    generator = torch.Generator().manual_seed(1)
    for rate_factor in (1.0, 1.0, 0.5, 0.25):
        for group, (name, tensor) in zip(reference.param_groups, theirs.items(), strict=True):
            group["lr"] = RATES.get(name, 1e-3) * rate_factor
            tensor.grad = torch.randn(tensor.shape, generator=generator)
        optimizer.step({name: tensor.grad.clone() for name, tensor in theirs.items()}, rate_factor)
        reference.step()
        for name, tensor in ours.items():
            assert torch.equal(tensor, theirs[name]), name


def test_to_train_loads_no_compiler():
    """torch.optim.Adam would load it, which takes over a second in every training job."""
    program = (
        "import sys, torch\nfrom mnist_vae.study.networks import VAE\n"
        "from mnist_vae.study.recipe import Recipe\nfrom mnist_vae.study.training import train\n"
        "generator = torch.Generator().manual_seed(0)\n"
        "recipe = Recipe(epochs=1, batch_size=10, learning_rate=1e-3)\n"
        "list(train(VAE(generator), torch.ones(10, 784), recipe, generator))\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
