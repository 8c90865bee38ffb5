"""Your own data set: IDX files, or one .npz with x_train, y_train, x_test, y_test.

Errors that show in the files' headers are reported before anything is computed.
"""

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from mnist_vae.data.binarization import THRESHOLD
from mnist_vae.data.datasets import Dataset
from mnist_vae.data.folders import NAMES, find_idx_files, tidy
from mnist_vae.data.idx import read_header, read_idx
from mnist_vae.errors import InputError
from mnist_vae.files.storage import file_hash
from mnist_vae.study.images import PIXELS, SIDE

NPZ_NAMES = {"train_images": "x_train", "train_labels": "y_train"}
NPZ_NAMES |= {"test_images": "x_test", "test_labels": "y_test"}
FEWEST_IMAGES = 2  # images per split, for a standard error
MOST_CLASSES = 256  # a label is stored in a byte
UNREADABLE = (OSError, EOFError, ValueError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Stored:
    """One array of a data set as its file's header describes it."""

    part: str
    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def __str__(self) -> str:
        """Name it in a sentence."""
        return f"{self.path}: {NPZ_NAMES[self.part]}" if _is_npz(self.path) else str(self.path)

    def read(self) -> np.ndarray:
        """Read it whole. Raises InputError where the file is damaged."""
        if not _is_npz(self.path):
            return read_idx(self.path)
        with _npz_member(self.path, self.part) as stream:
            return npy.read_array(stream, allow_pickle=False)


def describe_own(name: str, settings: Mapping[str, Any]) -> Dataset:
    """Describe a data set by its section of the configuration and its files' headers.

    Raises InputError if the files are missing or cannot hold images of 28 x 28. `classes` are those of the
    section, or empty.
    """
    stored = find_own(name, settings.get("folder"))
    return Dataset(
        name,
        train_images=stored["train_images"].shape[0],
        test_images=stored["test_images"].shape[0],
        classes=tuple(map(str, settings.get("classes") or ())),
        threshold=settings.get("threshold") or THRESHOLD,
    )


def hash_own(name: str, folder: str | None) -> dict[str, str]:
    """SHA-256 of a data set's files, by their names: what its results depend on."""
    paths = {stored.path for stored in find_own(name, folder).values()}
    return {path.name: file_hash(path) for path in sorted(paths)}


def read_own(name: str, folder: str | None) -> dict[str, np.ndarray]:
    """Read {train,test}_{images,labels}, uint8; labels may be missing.

    Images are (count, 784), row by row. Raises InputError if the files hold anything else.
    """
    found: dict[str, np.ndarray] = {}
    for part, stored in find_own(name, folder).items():
        array = stored.read()
        if part.endswith("images"):
            found[part] = array.reshape(-1, PIXELS)
            continue
        if array.min() < 0 or array.max() >= MOST_CLASSES:
            wrong = array.min() if array.min() < 0 else array.max()
            raise InputError(f"{stored} has the label {wrong}; labels are 0 to {MOST_CLASSES - 1}")
        found[part] = array.reshape(-1).astype(np.uint8)
    return found


def name_classes(digits: Mapping[str, np.ndarray], classes: Sequence[str]) -> list[str] | None:
    """Names of the labels 0, 1, ...: `classes`, or their numbers if it is empty; None without labels.

    Raises InputError if there are fewer names than labels.
    """
    if "train_labels" not in digits:
        return None
    largest = int(max(digits["train_labels"].max(), digits["test_labels"].max()))
    if classes and largest >= len(classes):
        raise InputError(
            f"there are labels up to {largest}, but only {len(classes)} classes: {', '.join(classes)}; give "
            f"{largest + 1} names, the first one for label 0"
        )
    return list(classes) or [str(label) for label in range(largest + 1)]


def find_own(name: str, folder: str | None) -> dict[str, Stored]:
    """Find a data set's files and check their headers. Raises InputError."""
    place = tidy(folder)
    if place is None:
        raise InputError(f"datasets.{name} needs the folder of its files: `{name}: {{folder: ~/{name}}}`")
    if not place.exists():
        raise InputError(f"datasets.{name}.folder is {folder!r}, but there is no {place}")
    stored = {array.part: array for array in _stored_in(place)}
    for split in ("train", "test"):
        if f"{split}_images" not in stored:
            raise InputError(f"datasets.{name}.folder is {folder!r}: {_what_lacks(place, f'{split}_images')}")
        _check_images(stored[f"{split}_images"])
    _check_labels(stored)
    return stored


# --- what lies there --------------------------------------------------------------------------------------


def _stored_in(place: Path) -> Iterator[Stored]:
    archives = _archives(place)
    files = {} if place in archives else find_idx_files(place)
    if len(archives) + bool(files) > 1:
        several = [path.name for path in (*archives, *files.values())]
        raise InputError(
            f"{place} holds more than one data set: {', '.join(several)}; keep one, or name a file"
        )
    for part, path in files.items():
        yield Stored(part, path, *read_header(path))
    for path in archives:
        yield from _stored_in_npz(path)


def _archives(place: Path) -> list[Path]:
    return sorted(filter(_is_npz, [place] if place.is_file() else place.iterdir()))


def _stored_in_npz(path: Path) -> Iterator[Stored]:
    for part in NPZ_NAMES:
        try:
            with _npz_member(path, part) as stream:
                version = npy.read_magic(stream)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape, _, dtype = read(stream)
        except KeyError:
            continue
        yield Stored(part, path, dtype, shape)


@contextmanager
def _npz_member(path: Path, part: str) -> Iterator[IO[bytes]]:
    """Open one array of an archive. Raises KeyError if it has no array of that name."""
    with _opened(path) as archive, archive.open(f"{NPZ_NAMES[part]}.npy") as stream:
        yield stream


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except UNREADABLE as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _is_npz(path: Path) -> bool:
    return path.suffix.lower() == ".npz"


def _what_lacks(place: Path, part: str) -> str:
    """Say which file or array is missing and, for an archive, what it holds instead."""
    if not (archives := _archives(place)):
        return (
            f"{place} has no {NAMES[part]} (nor {NAMES[part]}.gz), and no .npz with {NPZ_NAMES[part]}; put "
            "the four IDX files there, or such an .npz"
        )
    with _opened(archives[0]) as archive:
        names = [Path(name).stem for name in archive.namelist()]
    return (
        f"{archives[0]} has no {NPZ_NAMES[part]}, only {', '.join(names) or 'nothing'}; name its arrays "
        f"{', '.join(NPZ_NAMES.values())}"
    )


# --- what is refused --------------------------------------------------------------------------------------


def _check_images(images: Stored) -> None:
    shape = tuple(length for length in images.shape[1:] if length != 1)  # a channel does not count
    if shape not in ((SIDE, SIDE), (PIXELS,)):
        raise InputError(f"{images} has the shape {images.shape}; {_about_shape(images.shape)}")
    if images.dtype != np.uint8:
        raise InputError(f"{images} is {images.dtype}; {_about_type(images.dtype)}")
    if images.shape[0] < FEWEST_IMAGES:
        raise InputError(f"{images}: {FEWEST_IMAGES} or more images are needed, and it has {images.shape[0]}")


def _about_shape(shape: tuple[int, ...]) -> str:
    needed = f"images are (count, {SIDE}, {SIDE}) or (count, {PIXELS})"
    if shape[:2] == (SIDE, SIDE) and len(shape) == 3:
        return f"{needed}: its first axes are those of a picture, so save images.transpose(2, 0, 1)"
    if shape[:1] == (PIXELS,) and len(shape) == 2:
        return f"{needed}: its first axis is that of the pixels, so save images.T"
    if len(shape) == 3 or (len(shape) == 4 and 1 in shape[1:]):
        return f"{needed}: resize its pictures"
    if len(shape) == 4:
        return f"{needed}: turn colours into grey values"
    return needed


def _about_type(dtype: np.dtype[Any]) -> str:
    needed = "grey values are uint8, 0 to 255"
    if dtype.kind == "f":
        return f"{needed}: if its values are 0 to 1, save (255 * images).round().astype('uint8')"
    if dtype.kind == "b":
        return f"{needed}: save images.astype('uint8'), and set `threshold: 1`"
    return f"{needed}: save images.astype('uint8') if its values are"


def _check_labels(stored: Mapping[str, Stored]) -> None:
    labelled = [split for split in ("train", "test") if f"{split}_labels" in stored]
    if len(labelled) == 1:
        raise InputError(
            f"{stored[f'{labelled[0]}_labels']} has labels, but there are none for the other images; supply "
            "both, or neither"
        )
    for split in labelled:
        labels, count = stored[f"{split}_labels"], stored[f"{split}_images"].shape[0]
        if labels.dtype.kind not in "iu":
            raise InputError(f"{labels} is {labels.dtype}; labels are whole numbers, 0, 1, ...")
        if labels.shape not in ((count,), (count, 1)):
            raise InputError(f"{labels} has the shape {labels.shape}; {count} images have labels ({count},)")
