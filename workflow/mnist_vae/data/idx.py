"""Reads IDX files, gzip-compressed or not, and compares them with the published ones.

The format: two zero bytes, one for the type (8: unsigned bytes), one for the number of axes, each axis's
length as a big-endian 32-bit integer, then the values row by row.
"""

import gzip
import hashlib
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from mnist_vae.errors import InputError
from mnist_vae.files.storage import file_hash

DTYPES: dict[int, np.dtype[Any]] = {
    8: np.dtype("u1"),
    9: np.dtype("i1"),
    11: np.dtype(">i2"),
    12: np.dtype(">i4"),
    13: np.dtype(">f4"),
    14: np.dtype(">f8"),
}


@dataclass(frozen=True)
class PublishedFile:
    """An IDX file of bytes that can be downloaded.

    `sha256` is of its decompressed content or, if `packed`, of the published .gz file.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str
    packed: bool = False

    @property
    def size(self) -> int:
        """Number of bytes when decompressed."""
        return 4 + 4 * len(self.shape) + math.prod(self.shape)


def read_header(path: Path) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Read only the type and the shape of an IDX file. Raises InputError if it is damaged."""
    with _content(path) as stream:
        return _header(stream, path)


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file into an array of its header's shape and type. Raises InputError if it is damaged."""
    with _content(path) as stream:
        dtype, shape = _header(stream, path)
        expected = math.prod(shape) * dtype.itemsize
        content = bytearray()
        # At most one byte more than the header says, to notice a longer file (the header may be damaged).
        while len(content) <= expected and (piece := stream.read(min(1 << 20, expected + 1 - len(content)))):
            content += piece
    if len(content) != expected:
        found = f"more than {expected}" if len(content) > expected else len(content)
        raise InputError(f"{path}: its header says {shape}, {expected} bytes, but there are {found}")
    return np.frombuffer(content, dtype).reshape(shape)


def read_published(path: Path, file: PublishedFile) -> np.ndarray:
    """Read a published file. Raises InputError with both checksums if it is not the published one."""
    content, flaw, compressed = bytearray(), "", False
    try:
        with open(path, "rb") as start:
            compressed = start.read(2) == b"\x1f\x8b"
        with (gzip.open if compressed else open)(path, "rb") as stream:
            # Read at most one byte more than the right file has, to notice a longer one.
            while len(content) <= file.size and (piece := stream.read1(file.size + 1 - len(content))):
                content += piece
    except (OSError, EOFError, zlib.error) as error:
        flaw = f", then: {error}"
    if file.packed:
        _check_packed(path, file, compressed)
    else:
        found = hashlib.sha256(content).hexdigest()
        if flaw or found != file.sha256:
            size = f"more than {file.size}" if len(content) > file.size else len(content)
            raise InputError(
                f"{path} is not the published {file.name}: expected {file.size} bytes with SHA-256 "
                f"{file.sha256} once decompressed, found {size} bytes with {found}{flaw}. Replace it."
            )
    return np.frombuffer(content, np.uint8, offset=file.size - math.prod(file.shape)).reshape(file.shape)


def _check_packed(path: Path, file: PublishedFile, compressed: bool) -> None:
    if not compressed:
        raise InputError(
            f"{path} is not compressed, and a SHA-256 of {file.name} is published for the .gz file alone: "
            f"put {file.name}.gz beside it"
        )
    if (found := file_hash(path)) != file.sha256:
        raise InputError(
            f"{path} is not the published {file.name}.gz: expected SHA-256 {file.sha256}, found {found}. "
            "Replace it."
        )


@contextmanager
def _content(path: Path) -> Iterator[IO[bytes]]:
    try:
        with open(path, "rb") as start:
            compressed = start.read(2) == b"\x1f\x8b"
        # mypy: GzipFile is an IO of bytes in all but its declaration.
        with cast(IO[bytes], gzip.open(path) if compressed else open(path, "rb")) as stream:
            yield stream
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _header(stream: IO[bytes], path: Path) -> tuple[np.dtype[Any], tuple[int, ...]]:
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in DTYPES:
        raise InputError(f"{path} is not an IDX file: it starts with {start.hex(' ') or 'nothing'}")
    lengths = stream.read(4 * start[3])
    if len(lengths) < 4 * start[3]:
        raise InputError(f"{path} ends within its header")
    return DTYPES[start[2]], tuple(map(int, np.frombuffer(lengths, ">u4")))
