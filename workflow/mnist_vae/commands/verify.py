"""Compare results with their manifest, and with an earlier one."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from mnist_vae.errors import InputError
from mnist_vae.provenance.manifest import differences, differing_files, load_manifest


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("manifest", help="the manifest (.json), in the folder of the results that it lists")
    parser.add_argument("--against", help="an earlier manifest, of this or another run")


def run(options: Namespace) -> None:
    """Fail at the first difference, from which later ones may follow."""
    manifest = load_manifest(options.manifest)
    _fail_at_first(differing_files(manifest, Path(options.manifest).parent), options.manifest)
    count = len(manifest["files"])
    print(f"{count} files are as {options.manifest} says")
    if options.against:
        earlier = load_manifest(options.against)
        for name, value in manifest["written_by"].items():
            if (before := earlier.get("written_by", {}).get(name)) != value:
                print(f"{name}: {before} before, {value} now")
        _fail_at_first(differences(manifest, earlier), options.against)
        print(f"and as {options.against} says")


def _fail_at_first(differing: list[str], path: str) -> None:
    if differing:
        more = f"; {len(differing) - 1} more differ" if len(differing) > 1 else ""
        raise InputError(f"not what {path} says: {differing[0]}{more}")
