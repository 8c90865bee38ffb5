"""Four small IDX files, written as the format's description has it, in the place of the published ones."""

import gzip
import hashlib
import struct
from types import SimpleNamespace

import numpy as np

from mnist_vae.data import digits as data

NAMES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


def idx(array):
    """Magic number (two zeros, 8 for uint8, the number of axes), each axis's length, the bytes row by row."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def replace_published_files(monkeypatch):
    """Let the library expect small files; return their arrays, contents, and how to write them."""
    generator = np.random.default_rng(0)
    arrays = {
        "train_images": generator.integers(0, 256, (5, 28, 28), dtype=np.uint8),
        "train_labels": generator.integers(0, 10, 5, dtype=np.uint8),
        "test_images": generator.integers(0, 256, (3, 28, 28), dtype=np.uint8),
        "test_labels": generator.integers(0, 10, 3, dtype=np.uint8),
    }
    contents = {name: idx(array) for name, array in arrays.items()}
    files = {
        name: data.IdxFile(
            NAMES[name],
            len(content),
            hashlib.sha256(content).hexdigest(),
            4 + 4 * arrays[name].ndim,
            (len(arrays[name]), 784) if "images" in name else (len(arrays[name]),),
        )
        for name, content in contents.items()
    }
    monkeypatch.setattr(data, "IDX_FILES", files)

    def write(folder, compressed=True):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            if compressed:
                (folder / f"{NAMES[name]}.gz").write_bytes(gzip.compress(content))
            else:
                (folder / NAMES[name]).write_bytes(content)
        return folder

    return SimpleNamespace(arrays=arrays, contents=contents, files=files, write=write)
