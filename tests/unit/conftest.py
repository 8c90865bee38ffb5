"""Shared by the unit tests: real digits, a briefly trained model, and the output of every command on them."""

import os
from types import SimpleNamespace

import hypothesis
import pytest
import torch
from threadpoolctl import threadpool_limits

from mnist_vae.data.binarization import binarize
from mnist_vae.data.datasets import DATASETS
from mnist_vae.data.digits import save_digits
from mnist_vae.data.obtain import obtain, obtain_mnist5k
from mnist_vae.study.networks import VAE
from mnist_vae.study.recipe import Recipe
from mnist_vae.study.training import train
from support.command_line import TEST, TRAIN, run_command

hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("suite")
torch.set_num_threads(1)
threadpool_limits(1, user_api="blas")

MNIST_DIR = os.environ.get("MNIST_DIR")


@pytest.fixture(scope="session")
def mnist5k():
    """The 5,000 real digits that need no download, grey."""
    return obtain_mnist5k()


@pytest.fixture(scope="session")
def mnist():
    """The published data set, grey."""
    if not MNIST_DIR:
        pytest.skip("MNIST_DIR is not set: it names the folder of the four IDX files")
    return obtain(DATASETS["mnist"], MNIST_DIR, [])


@pytest.fixture(scope="session")
def images(mnist5k):
    """Real binarized digits, float32 (4000, 784)."""
    return torch.from_numpy(binarize(mnist5k["train_images"])).float()


@pytest.fixture(scope="session")
def trained(images):
    """A briefly trained model; tests must not change it."""
    generator = torch.Generator().manual_seed(1)
    vae = VAE(generator)
    for _ in train(vae, images[:1000], Recipe(epochs=5, batch_size=100, learning_rate=2e-3), generator):
        pass
    return vae.requires_grad_(False)


@pytest.fixture(scope="session")
def small_digits(tmp_path_factory, mnist5k):
    """Files of 200 training and 150 test digits, as `obtain` and `binarize` store them."""
    folder = tmp_path_factory.mktemp("digits")
    digits = {name: array[: TRAIN if "train" in name else TEST] for name, array in mnist5k.items()}
    provenance = {"dataset": "mnist5k", "classes": DATASETS["mnist5k"].classes}
    save_digits(folder / "grey.safetensors", digits, provenance)
    digits |= {name: binarize(digits[name]) for name in ("train_images", "test_images")}
    save_digits(folder / "binarized.safetensors", digits, provenance | {"threshold": 128})
    return SimpleNamespace(grey=folder / "grey.safetensors", binarized=folder / "binarized.safetensors")


@pytest.fixture(scope="session")
def study(tmp_path_factory, small_digits):
    """Runs every command from `train` on with the small digits; attributes are paths of stored files."""
    folder = tmp_path_factory.mktemp("study") / "mnist5k/models/reference" / f"n{TRAIN}" / "seed1"
    files = SimpleNamespace(
        grey=small_digits.grey,
        digits=small_digits.binarized,
        folder=folder,
        weights=folder / "weights.safetensors",
        history=folder / "history.csv",
        snapshots=folder / "snapshots.safetensors",
        epochs=folder / "epochs.csv",
        weighed=folder / "importance_weighted_bound.csv",
        metrics=folder / "metrics.csv",
        latents=folder / "latents.safetensors",
        prior_samples=folder / "prior_samples.safetensors",
        reconstructions=folder / "reconstructions.safetensors",
        interpolation=folder / "interpolation.safetensors",
        manifold=folder / "latent_manifold.safetensors",
        fit=folder / "top_half_fit.safetensors",
        top_half=folder / "top_half.safetensors",
    )
    f = files
    files.commands = [
        f"train {f.digits} {f.grey} {f.weights} {f.history} {f.snapshots} --snapshot-epochs 1 2 "
        f"--recipe reference --n {TRAIN} --seed 1 --epochs 3 --batch-size 50 --learning-rate 0.002",
        f"evaluate {f.digits} {f.weights} {f.metrics} --draws 4 --first-100-draws 6 --images 10 "
        "--window 20 --tolerance 0.001",  # so far out lie its codes
        f"measure_epochs {f.digits} {f.snapshots} {f.epochs} --window 20 --tolerance 0.001 "
        f"--images 10 --test-images 10",
        f"weigh_draws {f.digits} {f.weights} {f.weighed} --window 20 --tolerance 1e-3 --images 5 --draws 1 4",
        f"encode {f.digits} {f.weights} {f.latents}",
        f"sample_prior {f.weights} {f.prior_samples} --draws 5",
        f"interpolate {f.digits} {f.weights} {f.interpolation} --images 14 119 98",
        f"reconstruct {f.digits} {f.weights} {f.reconstructions}",
        f"decode_manifold {f.weights} {f.latents} {f.manifold} --window 2.5 --size 4",
        f"fit_top_half {f.digits} {f.weights} {f.fit} --images 0 3 --training-images 14 "
        "--starts 3 --draws 5 --steps 20 --learning-rate 0.05",
        f"complete_top_half {f.weights} {f.fit} {f.top_half} --completions 3 --window 20 --tolerance 0.001",
    ]
    for words in files.commands:
        assert run_command(words) == 0
    return files
