"""Arrays and weights on disk, as safetensors without pickle; files are written whole or not at all.

A file's header holds its provenance (data set, recipe, n, seed), which is passed on to whatever is made from
it. It is one JSON string, because safetensors writes several keys in no fixed order. It includes a checksum,
since the format itself would not notice a flipped bit.
"""

import csv
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_vae.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from safetensors import safe_open

CHECKSUM = "sha256"  # its key in the header
WRITTEN: list[Path] = []  # files that this process wrote, in order, for the record


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` if the block succeeds and vanishes if it fails."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o666 & ~_umask())  # only now, because safetensors replaces the file
        os.replace(name, path)
        WRITTEN.append(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    """Read the process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_text(path: str | Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def save_table(path: str | Path, rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> None:
    """Write rows as CSV; missing values are left empty.

    Without pandas, whose import would cost every job a third of a second.
    """
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(columns), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def save_model_table(
    path: str | Path, rows: Iterable[Mapping[str, Any]], provenance: Mapping[str, Any]
) -> None:
    """Write rows of one model's numbers, each with its recipe, n and seed."""
    model = {name: provenance[name] for name in ("recipe", "n", "seed")}
    complete = [model | dict(row) for row in rows]
    save_table(path, complete, dict.fromkeys(name for row in complete for name in row))


def read_table(path: str | Path, columns: Iterable[str]) -> "pd.DataFrame":
    """Read a table. Raises InputError, naming the file, if it is not a table or lacks one of the columns."""
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except ValueError as error:  # not text, empty, or rows of different lengths
        raise InputError(f"{path} is not a table: {' '.join(str(error).split())}") from error
    if missing := [column for column in columns if column not in table]:
        there = ", ".join(map(str, table.columns))
        raise InputError(f"{path} has no column {missing[0]!r}, only {there}: not the table asked for")
    return table


def read_text(path: str | Path) -> str:
    """Read a text. Raises InputError, naming the file, if it is not text."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text: {error}") from error


def save_arrays(path: str | Path, arrays: Mapping[str, np.ndarray], provenance: Mapping[str, Any]) -> None:
    """Write named arrays and their provenance. Raises InputError if they cannot be written."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    header = dict(provenance) | {CHECKSUM: _checksum(contiguous, provenance)}
    with whole_file(path) as temporary:
        try:
            save_file(contiguous, temporary, metadata={"provenance": json.dumps(header, sort_keys=True)})
        except SafetensorError as error:  # on a full disk
            raise InputError(f"{path} cannot be written: {error}") from error


class Arrays(dict[str, np.ndarray]):
    """A file's arrays by name. A missing one raises InputError, which names the file."""

    def __init__(self, arrays: Mapping[str, np.ndarray], path: str | Path) -> None:
        super().__init__(arrays)
        self.path = path

    def __missing__(self, name: str) -> None:
        """Raise InputError."""
        raise InputError(
            f"{self.path} holds no {name}, but {', '.join(sorted(self))}: not the file asked for"
        )


def joined(sections: Mapping[Any, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Name arrays {section}/{name}, to be stored in one file."""
    return {
        f"{section}/{name}": array for section, named in sections.items() for name, array in named.items()
    }


def parted(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """The sections of arrays that `joined` has named."""
    sections: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        section, _, name = key.partition("/")
        sections.setdefault(section, {})[name] = array
    return sections


def load_arrays(path: str | Path) -> Arrays:
    """Read every array of a file. Raises InputError, naming it, if it is damaged or holds nan."""
    with _open(path) as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        provenance = _header(file)
    stored = provenance.pop(CHECKSUM, None)
    if stored is None:
        raise InputError(f"{path} has no checksum: an older format, or another program's. {_way_out(path)}")
    if stored != _checksum(arrays, provenance):
        raise InputError(f"{path} is damaged: it does not have the checksum it names. {_way_out(path)}")
    for name, array in arrays.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise InputError(f"{path}: {name} holds values that are not finite. {_way_out(path)}")
    return Arrays(arrays, path)


def load_provenance(path: str | Path) -> dict[str, Any]:
    """Read a file's provenance."""
    with _open(path) as file:
        return {name: value for name, value in _header(file).items() if name != CHECKSUM}


@contextmanager
def _open(path: str | Path) -> Iterator["safe_open"]:
    from safetensors import SafetensorError, safe_open

    # What the reader raises for damaged headers: unknown dtypes, broken JSON, invalid text.
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is not a readable array file ({error}). {_way_out(path)}") from error


def _way_out(path: str | Path) -> str:
    if not os.path.lexists(path):
        return "Name a file that is there."
    # A link points into Snakemake's cache, from which the same file would come back.
    entry = f" and {Path(path).resolve()}" if Path(path).is_symlink() else ""
    return f"Delete it{entry}, and run again."


def _header(file: "safe_open") -> dict[str, Any]:
    return dict(json.loads((file.metadata() or {}).get("provenance", "{}")))


def _checksum(arrays: Mapping[str, np.ndarray], provenance: Mapping[str, Any]) -> str:
    """SHA-256 of the provenance and of each array's name, dtype, shape and bytes."""
    digest = hashlib.sha256(json.dumps(dict(provenance), sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"\n{name} {array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
