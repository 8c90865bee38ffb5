"""Networks on disk: `weights.safetensors` with tensors encoder.* and decoder.*, and snapshots of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from mnist_vae.errors import InputError
from mnist_vae.model import VAE
from mnist_vae.storage import load_arrays, save_arrays


def save_weights(path: str | Path, vae: VAE, provenance: Mapping) -> None:
    """Write a model's parameters and its provenance. Raises InputError where they are not finite."""
    arrays = weight_arrays(vae)
    if wrong := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise InputError(f"training diverged: {wrong[0]} is not finite at its end. Lower the learning_rate.")
    save_arrays(path, arrays, provenance)


def weight_arrays(vae: VAE) -> dict[str, np.ndarray]:
    """A model's parameters by name, copied: training goes on without changing them."""
    return {name: tensor.numpy().copy() for name, tensor in vae.state_dict().items()}


def load_weights(path: str | Path) -> VAE:
    """Read a model. Raises InputError, naming file and tensor, unless names, shapes and dtype are a VAE's."""
    return _vae(load_arrays(path), path)


def save_snapshots(
    path: str | Path, snapshots: Mapping[int, Mapping[str, np.ndarray]], provenance: Mapping
) -> None:
    """Write `weight_arrays` of some epochs, maybe none, as tensors {epoch}/encoder.*, {epoch}/decoder.*."""
    arrays = {f"{epoch}/{name}": array for epoch, named in snapshots.items() for name, array in named.items()}
    save_arrays(path, arrays, provenance)


def load_snapshots(path: str | Path) -> Iterator[tuple[int, VAE]]:
    """Read each epoch's model, in order. Raises InputError as `load_weights` does."""
    epochs = {}
    for key, array in load_arrays(path).items():
        epoch, _, name = key.partition("/")
        epochs.setdefault(int(epoch), {})[name] = array
    for epoch, arrays in sorted(epochs.items()):
        yield epoch, _vae(arrays, f"{path}, epoch {epoch}")


def _vae(arrays: Mapping[str, np.ndarray], path: str | Path) -> VAE:
    vae = VAE()
    expected = vae.state_dict()
    if arrays.keys() != expected.keys():
        wrong = sorted(arrays.keys() ^ expected.keys())
        raise InputError(f"{path}: not the tensors of this model (missing or unknown: {', '.join(wrong)})")
    for name, array in arrays.items():
        shape = tuple(expected[name].shape)
        if array.shape != shape or array.dtype != np.float32:
            raise InputError(f"{path}: {name} is {array.dtype}{array.shape}, this model needs float32{shape}")
        if not np.isfinite(array).all():
            raise InputError(
                f"{path}: {name} holds values that are not finite; delete the file and train again"
            )
    vae.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return vae.eval()
