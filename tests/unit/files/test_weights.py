"""Weight files: saved weights are restored, and incomplete models are refused by name and reason."""

import numpy as np
import pytest
import torch

from mnist_vae.errors import InputError
from mnist_vae.files.storage import load_arrays, load_provenance, save_arrays
from mnist_vae.files.weights import load_snapshots, load_weights, save_snapshots, save_weights, weight_arrays
from mnist_vae.study.networks import VAE

PROVENANCE = {"dataset": "mnist", "recipe": "reference", "n": 1000, "seed": 3}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(path, VAE(torch.Generator().manual_seed(0)), PROVENANCE)
    return path


def test_weights_come_back_bit_by_bit(path):
    saved, loaded = VAE(torch.Generator().manual_seed(0)).state_dict(), load_weights(path).state_dict()
    assert loaded.keys() == saved.keys()
    assert all(torch.equal(loaded[name], saved[name]) for name in saved)
    assert load_provenance(path) == PROVENANCE


@pytest.mark.parametrize(("hidden", "latent"), [(64, 2), (500, 3), (1, 1), (10, 50)])
def test_a_model_of_any_size_comes_back(tmp_path, hidden, latent):
    saved = VAE(torch.Generator().manual_seed(0), hidden=hidden, latent=latent)
    save_weights(tmp_path / "w", saved, PROVENANCE)
    loaded = load_weights(tmp_path / "w")
    assert (loaded.hidden, loaded.latent) == (hidden, latent)
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, saved.state_dict()[name])


def test_file_holds_the_named_tensors_and_nothing_to_run(path):
    assert set(load_arrays(path)) == set(VAE().state_dict())
    assert b"encoder.hidden.weight" in path.read_bytes()[:2000]  # a JSON header, no pickle


def change(path, **arrays):
    """Store the file again with tensors replaced, or removed if None."""
    stored = load_arrays(path) | {name.replace("__", "."): array for name, array in arrays.items()}
    save_arrays(path, {name: array for name, array in stored.items() if array is not None}, PROVENANCE)


def nan_in(shape):
    array = np.zeros(shape, np.float32)
    array.flat[7] = np.nan
    return array


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"encoder__output__bias": None}, r"missing or unknown: encoder\.output\.bias"),
        ({"decoder__extra": np.zeros(2, np.float32)}, r"missing or unknown: decoder\.extra"),
        ({"encoder__output__weight": np.zeros((6, 500), np.float32)}, r"\(6, 500\).*float32\(4, 500\)"),
        ({"decoder__hidden__weight": np.zeros((500, 3), np.float32)}, r"encoder\.output\.weight.*\(6, 500\)"),
        ({"decoder__hidden__weight": np.zeros((400, 2), np.float32)}, r"400 hidden units.*\(400, 784\)"),
        ({"decoder__hidden__weight": np.zeros(500, np.float32)}, r"the shape \(500,\), not \(hidden units"),
        ({"decoder__hidden__weight": np.zeros((500, 0), np.float32)}, r"the shape \(500, 0\)"),
        ({"encoder__hidden__weight": np.zeros((500, 28, 28), np.float32)}, r"\(500, 28, 28\)"),
        ({"decoder__output__bias": np.zeros(784)}, r"decoder\.output\.bias is float64\(784,\)"),
        ({"decoder__output__bias": np.zeros(784, np.float16)}, "float16"),
        ({"decoder__hidden__bias": nan_in(500)}, r"decoder\.hidden\.bias .*not finite"),
        (
            {"decoder__hidden__weight": np.full((500, 2), np.inf, np.float32)},
            r"decoder\.hidden\.weight .*not finite",
        ),
    ],
)
def test_what_is_no_model_is_refused(path, changes, reason):
    change(path, **changes)
    with pytest.raises(InputError, match=rf"weights\.safetensors: .*{reason}"):
        load_weights(path)


def test_a_model_that_is_not_finite_is_not_stored(tmp_path):
    vae = VAE()
    with torch.no_grad():
        vae.decoder.output.bias[3] = torch.inf
    with pytest.raises(InputError, match=r"diverged: decoder\.output\.bias"):
        save_weights(tmp_path / "weights.safetensors", vae, PROVENANCE)
    assert not list(tmp_path.iterdir())


def test_snapshots_come_back_in_order(tmp_path):
    models = {epoch: VAE(torch.Generator().manual_seed(epoch)) for epoch in (100, 5, 20)}
    arrays = {epoch: weight_arrays(vae) for epoch, vae in models.items()}
    save_snapshots(tmp_path / "s", arrays, {"seed": 1})
    found = dict(load_snapshots(tmp_path / "s"))
    assert list(found) == [5, 20, 100]
    for epoch, vae in found.items():
        for name, tensor in vae.state_dict().items():
            assert torch.equal(tensor, models[epoch].state_dict()[name])


def test_no_snapshots_are_no_models(tmp_path):
    save_snapshots(tmp_path / "s", {}, {"seed": 1})
    assert list(load_snapshots(tmp_path / "s")) == []


def test_snapshot_is_not_changed_by_the_training_that_goes_on():
    vae = VAE(torch.Generator().manual_seed(0))
    kept = weight_arrays(vae)["decoder.output.weight"]
    before = kept.copy()
    with torch.no_grad():
        vae.decoder.output.weight += 1
    assert (kept == before).all()


def test_damaged_snapshot_is_named_with_its_epoch(tmp_path):
    arrays = weight_arrays(VAE(torch.Generator().manual_seed(0)))
    save_snapshots(
        tmp_path / "s", {5: arrays | {"decoder.output.bias": arrays["decoder.output.bias"][:3]}}, {}
    )
    with pytest.raises(InputError, match=r"epoch 5: decoder.output.bias is float32\(3,\)"):
        list(load_snapshots(tmp_path / "s"))
