"""Networks on disk: `weights.safetensors` with tensors encoder.* and decoder.*, and snapshots of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mnist_vae.errors import InputError
from mnist_vae.files.storage import joined, load_arrays, parted, save_arrays
from mnist_vae.study.networks import VAE, weight_arrays

# Every VAE has these tensors. The sizes of the networks are read from SIZED_BY.
TENSORS = {
    f"{network}.{layer}.{tensor}"
    for network in ("encoder", "decoder")
    for layer in ("hidden", "output")
    for tensor in ("weight", "bias")
}
SIZED_BY = "decoder.hidden.weight"


def save_weights(path: str | Path, vae: VAE, provenance: Mapping[str, Any]) -> None:
    """Write a model's parameters and its provenance. Raises InputError where they are not finite."""
    arrays = weight_arrays(vae)
    if wrong := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise InputError(f"training diverged: {wrong[0]} is not finite at its end. Lower the learning_rate.")
    save_arrays(path, arrays, provenance)


def load_weights(path: str | Path) -> VAE:
    """Read a model of any width and latent dimension.

    Raises InputError, naming file and tensor, unless names, shapes and dtype are a VAE's.
    """
    return _vae(load_arrays(path), path)


def save_snapshots(
    path: str | Path, snapshots: Mapping[int, Mapping[str, np.ndarray]], provenance: Mapping[str, Any]
) -> None:
    """Write `weight_arrays` by epoch, as tensors {epoch}/encoder.* and {epoch}/decoder.*; may be empty."""
    save_arrays(path, joined(snapshots), provenance)


def load_snapshots(path: str | Path) -> Iterator[tuple[int, VAE]]:
    """Read each epoch's model, in order. Raises InputError as `load_weights` does."""
    for epoch, arrays in sorted(
        (int(section), named) for section, named in parted(load_arrays(path)).items()
    ):
        yield epoch, _vae(arrays, f"{path}, epoch {epoch}")


def _vae(arrays: Mapping[str, np.ndarray], path: str | Path) -> VAE:
    if arrays.keys() != TENSORS:
        wrong = sorted(arrays.keys() ^ TENSORS)
        raise InputError(f"{path}: not the tensors of this model (missing or unknown: {', '.join(wrong)})")
    sizes = arrays[SIZED_BY].shape
    if len(sizes) != 2 or 0 in sizes:
        raise InputError(f"{path}: {SIZED_BY} has the shape {sizes}, not (hidden units, latent dimensions)")
    hidden, latent = sizes
    vae = VAE(hidden=hidden, latent=latent)
    for name, tensor in vae.state_dict().items():
        array, shape = arrays[name], tuple(tensor.shape)
        if array.shape != shape or array.dtype != np.float32:
            raise InputError(
                f"{path}: {name} is {array.dtype}{array.shape}; a VAE of {hidden} hidden units and {latent} "
                f"latent dimensions, as {SIZED_BY} tells, needs float32{shape}"
            )
        if not np.isfinite(array).all():
            raise InputError(
                f"{path}: {name} holds values that are not finite; delete the file and train again"
            )
    vae.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return vae.eval()
