"""Trained networks on disk: `weights.safetensors` with tensors encoder.* and decoder.*."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from mnist_vae.errors import InputError
from mnist_vae.model import VAE
from mnist_vae.storage import load_arrays, save_arrays


def save_weights(path: str | Path, vae: VAE, provenance: Mapping) -> None:
    """Write a model's parameters and its provenance."""
    save_arrays(path, {name: tensor.numpy() for name, tensor in vae.state_dict().items()}, provenance)


def load_weights(path: str | Path) -> VAE:
    """Read a model. Raises InputError, naming file and tensor, unless names, shapes and dtype are a VAE's."""
    arrays = load_arrays(path)
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
