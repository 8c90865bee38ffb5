"""Finds a data set's folder, and the IDX files in it by any of their names."""

import os
import re
from pathlib import Path

from mnist_vae.errors import InputError

NAMES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
PARTS = tuple(NAMES)
# As published, `train-images.idx3-ubyte`, and EMNIST's `emnist-letters-test-images-idx3-ubyte`; .gz or not.
_FILE_NAME = re.compile(r"(?:.*-)?(train|t10k|test)-(images|labels)[.-]idx[123]-ubyte(\.gz)?", re.IGNORECASE)


def tidy(path: str | None) -> Path | None:
    """Return the absolute path that a setting or variable names; None if it is empty.

    A path that exists as written is kept. Otherwise blanks and quotes around it are dropped, and `~` and
    `$VARIABLE` are expanded.
    """
    if path and os.path.exists(path):
        return Path(os.path.abspath(path))
    text = (path or "").strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    if not text:
        return None
    return Path(os.path.abspath(os.path.expanduser(os.path.expandvars(text))))


def find_idx_files(folder: Path, torchvision: str = "MNIST") -> dict[str, Path]:
    """Return those of the four IDX files that are in a folder, by part ("train_images", ...).

    The folder itself, its subfolder `raw` and torchvision's subfolder (such as `MNIST/raw`) are searched; the
    one with the most files is used. A file stands for its folder. A compressed file is preferred to the
    decompressed one. Raises InputError if a folder cannot be read or has two files for one part.
    """
    folder = folder.parent if folder.is_file() else folder
    places = (folder, folder / "raw", folder / torchvision / "raw")
    return max(map(_idx_files_in, places), key=len)


def _idx_files_in(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    try:
        if not folder.is_dir():
            return found
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}") from error
    for packed in (False, True):
        twins: dict[str, Path] = {}
        for path in paths:
            name = _FILE_NAME.fullmatch(path.name)
            if name is None or bool(name[3]) != packed:
                continue
            part = f"{'train' if name[1].lower() == 'train' else 'test'}_{name[2].lower()}"
            if part in twins:
                raise InputError(
                    f"{folder} has two files of {part.replace('_', ' ')}, {twins[part].name} and "
                    f"{path.name}; leave one of them there"
                )
            twins[part] = path
        found |= twins
    return found
