"""Downloads published files from mirrors, in order, with a check; a file is written whole or not at all."""

from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from mnist_vae.data.idx import PublishedFile, read_published
from mnist_vae.errors import InputError
from mnist_vae.files.storage import whole_file

TIMEOUT = 3  # seconds to answer before the next mirror is tried
# What requests raises are OSErrors; of what lies below it, addresses are ValueErrors.
FAILURES = (OSError, ValueError, HTTPException)


def why_silent(mirror: str, file: PublishedFile) -> str | None:
    """Ask a mirror for a file without fetching it: None if it answers within seconds, else why not."""
    import requests

    try:
        answer = requests.head(_address(mirror, file), timeout=TIMEOUT, allow_redirects=True)
    except FAILURES as error:
        return reason(error)
    return None if answer.ok else f"{answer.status_code} {answer.reason}"


def download(file: PublishedFile, folder: Path, mirrors: Sequence[str]) -> None:
    """Fetch a file into a folder from the first mirror that has the right one.

    Raises InputError if none has it, with a line for each mirror that says why.
    """
    import pooch

    failures = []
    folder.mkdir(parents=True, exist_ok=True)
    for mirror in mirrors:
        downloader = pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT)
        try:
            with whole_file(folder / f"{file.name}.gz") as temporary:
                with open(temporary, "wb") as stream:
                    bounded = _Bounded(stream, file.size + 1_000)  # noise packs to more
                    downloader(_address(mirror, file), bounded, None)
                read_published(temporary, file)
            return
        except InputError as error:
            failures.append(f"{_address(mirror, file)}: {error}")
        except FAILURES as error:
            failures.append(f"{_address(mirror, file)}: {reason(error)}")
    raise InputError("\n  ".join([f"No mirror has a right {file.name}.gz.", *failures]))


def reason(error: BaseException) -> str:
    """Say in one line what went wrong: the type of the error and the operating system's message."""
    root, cause = error, error.__context__
    while cause is not None:
        root, cause = (cause if isinstance(cause, OSError) else root), cause.__context__
    return " ".join(f"{type(error).__name__}: {root}".split())


def _address(mirror: str, file: PublishedFile) -> str:
    return f"{mirror.rstrip('/')}/{file.name}.gz"


class _Bounded:
    """A file that accepts a limited number of bytes, since a mirror might send without end."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream, self.size = stream, size

    def write(self, content: bytes) -> None:
        if self.stream.tell() + len(content) > self.size:
            raise InputError(f"sent more than {self.size} bytes, which is too many for this file")
        self.stream.write(content)

    def flush(self) -> None:
        self.stream.flush()
