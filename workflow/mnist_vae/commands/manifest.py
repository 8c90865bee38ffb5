"""Write the manifest of a data set's results."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from mnist_vae.files.storage import save_text
from mnist_vae.provenance.manifest import make_manifest, manifest_markdown


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("manifest", help="where the manifest goes (.json), in the folder of the results")
    parser.add_argument("markdown", help="where its page goes (.md)")
    parser.add_argument("files", nargs="+", help="the computed files, in the order in which they are made")
    parser.add_argument(
        "--config",
        type=json.loads,
        required=True,
        help="the configuration from which they were computed, as JSON",
    )


def run(options: Namespace) -> None:
    """Write the manifest and its page."""
    folder = Path(options.manifest).parent
    manifest = make_manifest(folder, options.files, options.config)
    save_text(options.manifest, json.dumps(manifest, indent=1) + "\n")
    save_text(options.markdown, manifest_markdown(manifest))
