"""Arrays and weights on disk, as safetensors: no pickle, whole or not at all.

A file's header holds one JSON string, its provenance (data set, recipe, n, seed), so that whatever is made
from a file can say where it comes from. One string: safetensors writes several keys in no fixed order.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from mnist_vae.errors import InputError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` if the block succeeds and vanishes if it fails."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    os.chmod(name, 0o666 & ~_umask())
    try:
        yield Path(name)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    """Read the process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def save_arrays(path: str | Path, arrays: Mapping[str, np.ndarray], provenance: Mapping) -> None:
    """Write named arrays and their provenance."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with whole_file(path) as temporary:
        save_file(
            contiguous, temporary, metadata={"provenance": json.dumps(dict(provenance), sort_keys=True)}
        )


@contextmanager
def open_arrays(path: str | Path) -> Iterator[safe_open]:
    """Open a file for reading parts of its arrays. Raises InputError if it is not whole."""
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is not a readable array file ({error}); delete it and run again") from error


def load_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read every array of a file."""
    with open_arrays(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)


def load_provenance(path: str | Path) -> dict:
    """Read where a file comes from."""
    with open_arrays(path) as file:
        return json.loads((file.metadata() or {}).get("provenance", "{}"))
