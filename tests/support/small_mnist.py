"""Four small IDX files, written from the format's description, in place of the published ones."""

import gzip
import hashlib
import struct
from types import SimpleNamespace

import numpy as np

from mnist_vae.data.datasets import MNIST
from mnist_vae.data.idx import PublishedFile

NAMES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


def idx(array):
    """Magic number (two zeros, 8 for uint8, the number of axes), each axis's length, the bytes row by row."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder, arrays, compressed=True, names=NAMES):
    """Write {train,test}_{images,labels} as IDX files, and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, array in arrays.items():
        content = idx(array)
        if compressed:
            (folder / f"{names[part]}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / names[part]).write_bytes(content)
    return folder


def replace_published_files(monkeypatch, published=MNIST):
    """Make the library expect small files; return their arrays, contents, and a function that writes them."""
    generator = np.random.default_rng(0)
    arrays = {
        "train_images": generator.integers(0, 256, (5, 28, 28), dtype=np.uint8),
        "train_labels": generator.integers(0, 10, 5, dtype=np.uint8),
        "test_images": generator.integers(0, 256, (3, 28, 28), dtype=np.uint8),
        "test_labels": generator.integers(0, 10, 3, dtype=np.uint8),
    }
    contents = {part: idx(array) for part, array in arrays.items()}
    packed = {part: gzip.compress(content, mtime=0) for part, content in contents.items()}
    files = {
        part: PublishedFile(
            NAMES[part],
            array.shape,
            hashlib.sha256((packed if published.files[part].packed else contents)[part]).hexdigest(),
            published.files[part].packed,
        )
        for part, array in arrays.items()
    }
    for part, file in files.items():
        monkeypatch.setitem(published.files, part, file)

    def write(folder, compressed=True):
        return write_idx(folder, arrays, compressed)

    return SimpleNamespace(arrays=arrays, contents=contents, files=files, write=write)
