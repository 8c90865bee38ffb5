"""Manifests: what was computed, from which configuration, by which versions, as which bits."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mnist_vae.errors import InputError
from mnist_vae.files.storage import file_hash
from mnist_vae.provenance.record import read_records, software

Manifest = Mapping[str, Any]


def make_manifest(folder: Path, files: Sequence[str], config: Mapping[str, Any]) -> dict[str, Any]:
    """List the files, given in the order in which they are made, with what the records know of each.

    Raises InputError for a file from Snakemake's cache, a link, that is not what was put there.
    """
    makers = read_records()
    distinct: list[dict[str, Any]] = []
    entries = []
    for file in files:
        found = file_hash(file)
        made_by = makers.get((file, found))
        if made_by is None and Path(file).is_symlink():
            raise InputError(
                f"{file} is not what was put into the cache as {Path(file).resolve()}. "
                "Delete both, and run again."
            )
        if made_by is not None and made_by not in distinct:
            distinct.append(made_by)
        number = None if made_by is None else distinct.index(made_by)
        path = Path(file).relative_to(folder).as_posix()
        entries.append({"path": path, "sha256": found, "software": number})
    return {
        "dataset": folder.name,
        "config": config,
        "written_by": software(),
        "software": distinct,
        "files": entries,
    }


def manifest_markdown(manifest: Manifest) -> str:
    """The manifest as a page: first the software that made the files, then the files."""
    lines = [f"# What was computed on {manifest['dataset']}, and with what\n"]
    for number, made_by in enumerate(manifest["software"], start=1):
        count = sum(file["software"] == number - 1 for file in manifest["files"])
        lines += [f"## Software {number}: it made {count} of {len(manifest['files'])} files\n"]
        lines += ["| what | version |", "|---|---|"]
        versions = {name: value or "none" for name, value in made_by.items()}
        versions |= {"commit": f"`{made_by['commit']}`"} if made_by.get("commit") else {}
        lines += [f"| {name} | {value} |" for name, value in versions.items()] + [""]
    lines += [
        "## Files, in the order in which they are made\n",
        "| file | software | SHA-256 |",
        "|---|---|---|",
    ]
    for file in manifest["files"]:
        made_by = "unknown" if file["software"] is None else file["software"] + 1
        lines.append(f"| {file['path']} | {made_by} | `{file['sha256']}` |")
    return "\n".join(lines) + "\n"


def load_manifest(path: str | Path) -> dict[str, Any]:
    """Read a manifest. Raises InputError if it is not one."""
    try:
        manifest: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        manifest["dataset"]
        for file in manifest["files"]:
            file["path"], file["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a manifest ({error!r}); `make run` writes one") from error
    return manifest


def differing_files(manifest: Manifest, folder: Path) -> list[str]:
    """The files in the folder that differ from the manifest, in its order."""
    differing = []
    for file in manifest["files"]:
        path = folder / file["path"]
        if not path.is_file():
            target = f"results/{manifest['dataset']}/{file['path']}"
            differing.append(f"{file['path']} is missing; `snakemake --cores 1 {target}` makes it")
        elif (found := file_hash(path)) != file["sha256"]:
            differing.append(f"{file['path']} has SHA-256 {found}, not {file['sha256']}")
    return differing


def differences(manifest: Manifest, earlier: Manifest) -> list[str]:
    """The files in which two manifests differ, in the first one's order; last, those only in the other."""
    before = {file["path"]: file["sha256"] for file in earlier["files"]}
    differing = []
    for file in manifest["files"]:
        path = file["path"]
        if path not in before:
            differing.append(f"{path} is not in the earlier manifest")
        elif before[path] != file["sha256"]:
            differing.append(f"{path} has SHA-256 {file['sha256']}, and had {before[path]}")
    now = {file["path"] for file in manifest["files"]}
    return differing + [f"{path} is in the earlier manifest alone" for path in before if path not in now]
