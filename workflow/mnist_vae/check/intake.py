"""Submissions: files, notebooks, folders and archives, and which file in them is judged."""

import os
import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mnist_vae.check.notebooks import from_export, from_notebook
from mnist_vae.errors import InputError

LANGUAGES = (".py", ".jl")
SUFFIXES = (*LANGUAGES, ".ipynb")
KINDS = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file"
ARCHIVES = (".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz")  # archives that are not opened
MIB = 2**20
COPIED = 100 * MIB  # total size of the files copied with a solution; uncompressed MNIST has 53 MiB
COPIED_FILES = 2_000
UNPACKED = 2_048 * MIB  # total size of an archive's files
UNPACKED_FILES = 20_000
SHOWN = 3  # number of names listed of what was left out
PASSED_OVER = ("__MACOSX", "__pycache__", "node_modules")


@dataclass(frozen=True)
class Submission:
    """One student's submission.

    `file` is judged; it is None if nothing can be judged, for the reason in `trouble`. `alone` means that
    the files next to it are other submissions. `notes` say what was left out or changed, and why.
    """

    name: str
    file: Path | None = None
    alone: bool = False
    notes: tuple[str, ...] = ()
    trouble: str = ""


# --- names ------------------------------------------------------------------------------------------------


def printable(text: str) -> str:
    """Replace characters that control a terminal or cannot be written as UTF-8."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def plain_name(path: Path) -> str:
    """The name of a solution's copy in its process: its own, if that is plain enough for all encodings."""
    return path.name if re.fullmatch(r"[\w. ()+-]+", path.name) else f"solution{path.suffix}"


def is_passed_over(path: Path) -> bool:
    """Whether a file or folder is hidden or the system's, such as .x.py, or ._x.py, which macOS adds."""
    return path.name.startswith(".") or path.name in PASSED_OVER or (path / "pyvenv.cfg").exists()


def listed(names: Sequence[str]) -> str:
    """List the first names, and say how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(printable, names[:SHOWN])) + more


# --- one submission ---------------------------------------------------------------------------------------


def submission(path: Path, scratch: Path, file: str = "") -> Submission:
    """Read one student's file, notebook, folder or archive. Scripts and archives are unpacked to `scratch`.

    In a folder or archive, the file called `file` is judged, or the only solution at the shallowest level.
    """
    if path.suffix == ".zip" and path.is_file():
        return from_archive(path, scratch, file)
    if path.is_dir():
        return from_folder(path, scratch, file)
    if path.suffix not in SUFFIXES or not path.is_file():
        return Submission(printable(path.name), trouble=f"It {not_a_solution(path)}.")
    return as_script(Submission(printable(path.name), path), scratch)


def not_a_solution(path: Path) -> str:
    """Say why a file is not judged."""
    if path.suffix in ARCHIVES:
        return f"is an archive that is not opened ({path.suffix}): unpack it, or make it a .zip"
    return f"is not a {KINDS}"


def from_archive(path: Path, scratch: Path, file: str) -> Submission:
    """Find the file to judge in a .zip."""
    try:
        found = from_folder(unpack(path, scratch), scratch, file)
    except InputError as error:
        return Submission(printable(path.name), trouble=str(error))
    return replace(found, name=printable(path.name))


def from_folder(folder: Path, scratch: Path, file: str) -> Submission:
    """Find the file to judge in a folder."""
    name = printable(folder.name)
    found = solutions(folder, file)
    if not found and len(archives := solutions(folder, "", (".zip",))) == 1:
        return replace(from_archive(archives[0], scratch, file), name=name)
    if not found:
        inside = [entry.name for level in levels(folder) for entry in level if entry.is_file()]
        there = f"only {listed(inside)}" if inside else "it is empty"
        wanted = f"{file}, which `--file` asks for" if file else KINDS
        return Submission(name, trouble=f"The folder holds no {wanted}: {there}.")
    if len(found) > 1:
        several = listed([str(path.relative_to(folder)) for path in found])
        return Submission(name, trouble=f"The folder holds several files ({several}); `--file` says which.")
    (path,) = found
    others = [other for other in solutions(folder, "") if other != path] if file else []
    notes = (f"Of several files {printable(path.name)} is judged.",) if others else ()
    return as_script(Submission(name, path, notes=notes), scratch)


def solutions(folder: Path, file: str, suffixes: tuple[str, ...] = SUFFIXES) -> list[Path]:
    """The possible solutions in a folder, at the shallowest level that has any."""
    for level in levels(folder):
        found = [
            entry
            for entry in level
            if entry.is_file() and (entry.name == file if file else entry.suffix in suffixes)
        ]
        if found:
            return found
    return []


def levels(folder: Path) -> Iterator[list[Path]]:
    """The entries of a folder, then of its folders, and so on, level by level. Links are not followed."""
    level = [folder]
    while level:
        entries = [entry for parent in level for entry in contents(parent)]
        yield entries
        level = [entry for entry in entries if entry.is_dir()]


def contents(folder: Path) -> list[Path]:
    """A folder's entries by name, without links, hidden and system files."""
    entries = sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name))
    return [entry for entry in entries if not entry.is_symlink() and not is_passed_over(entry)]


def unpack(path: Path, scratch: Path) -> Path:
    """Unpack a .zip into a new folder. Raises InputError if it is damaged or too large."""
    folder = scratch / f"{len(list(scratch.iterdir()))}" / path.stem
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > UNPACKED or len(entries) > UNPACKED_FILES:
                raise InputError(
                    f"The archive {printable(path.name)} holds more than {UNPACKED // MIB} MB or "
                    f"{UNPACKED_FILES} files."
                )
            archive.extractall(folder)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, OSError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"The archive {printable(path.name)} cannot be unpacked ({printable(str(error))})."
        ) from error
    return folder


def as_script(found: Submission, scratch: Path) -> Submission:
    """Convert a notebook, or a script exported from one, to the script that is judged."""
    assert found.file is not None
    path = found.file
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return found  # its process reports the error
    suffix = path.suffix
    if suffix == ".ipynb":
        try:
            text, suffix, notes = from_notebook(text)
        except InputError as error:
            return replace(found, file=None, trouble=f"The notebook {printable(path.name)} {error}.")
    elif suffix == ".py" and "get_ipython()" in text:
        text, notes = from_export(text)
    else:
        return found
    folder = scratch / f"{len(list(scratch.iterdir()))}"
    if found.alone:
        folder.mkdir()
    else:
        copy(path, folder)
    script = folder / f"{Path(plain_name(path)).stem}{suffix}"
    script.write_text(text, encoding="utf-8")
    return replace(found, file=script, notes=found.notes + notes)


# --- a class ----------------------------------------------------------------------------------------------


def classroom(place: Path, scratch: Path, file: str = "") -> tuple[list[Submission], list[str]]:
    """Every submission in a folder or .zip, by name, and sentences about what was left out.

    A submission is a file, a notebook, an archive, or a folder. Raises InputError if there is none.
    """
    if place.suffix == ".zip" and place.is_file():
        place = unpack(place, scratch)
        while len(inside := contents(place)) == 1 and inside[0].is_dir():  # the folder that was zipped
            place = inside[0]
    if not place.is_dir():
        raise InputError(f"{place}: there is no such folder.")
    found, left_out = [], []
    for path in sorted(place.iterdir(), key=lambda path: os.fsencode(path.name)):
        name = printable(path.name)
        if path.is_symlink() and not path.exists():
            left_out.append(f"{name} is left out: it is a link to nothing.")
        elif is_passed_over(path):
            left_out.append(f"{name} is left out: it is hidden, or the system's.")
        elif path.is_dir() or (path.is_file() and path.suffix in (*SUFFIXES, ".zip", *ARCHIVES)):
            try:
                one = submission(path, scratch, file)
            except OSError as error:
                one = Submission(name, trouble=f"It cannot be read: {error.strerror}.")
            found.append(one if path.is_dir() or path.suffix == ".zip" else replace(one, alone=True))
        else:
            left_out.append(f"{name} is left out: it {not_a_solution(path)}.")
    if not found:
        nothing = f"{place} holds no solution: no {KINDS}, no .zip and no folder."
        raise InputError("\n".join([nothing, *left_out]))
    return found, left_out


# --- what goes with a solution ----------------------------------------------------------------------------


def neighbours(solution: Path) -> tuple[list[Path], list[str]]:
    """The files in a solution's folder that are copied with it, and sentences about those that are not."""
    folder = solution.parent
    if Path.home().resolve().is_relative_to(folder.resolve()):
        return [], [f"What lies beside it was left behind: {folder} is, or holds, your home."]
    files: list[tuple[int, Path]] = []
    behind: list[str] = []
    for level in levels(folder):
        for entry in level:
            if entry.is_file() and entry != solution:
                files.append((entry.stat().st_size, entry))
        if len(files) > COPIED_FILES:
            break
    total, taken = 0, []
    for size, path in sorted(files, key=lambda pair: pair[0])[:COPIED_FILES]:
        total += size
        if total > COPIED:
            behind.append(f"{path.relative_to(folder)} ({size / MIB:.0f} MB)")
        else:
            taken.append(path)
    notes = []
    if behind:
        notes.append(f"Left behind, beyond {COPIED // MIB} MB in all: {listed(behind)}.")
    if len(files) > COPIED_FILES:
        notes.append(f"Of the files beside it only the {COPIED_FILES} smallest are there for it.")
    return taken, notes


def copy(solution: Path, place: Path, alone: bool = False) -> int:
    """Copy a solution and, unless alone, the files next to it; return the number of bytes."""
    place.mkdir(mode=0o755)
    size = 0
    for path in [solution, *([] if alone else neighbours(solution)[0])]:
        target = place / (plain_name(path) if path == solution else path.relative_to(solution.parent))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        except OSError:  # an unreadable file is missing for the solution, too
            if path == solution:
                raise
            continue
        size += path.stat().st_size
    return size
