"""Find or download a data set, check it, and store its grey pictures."""

import json
from argparse import ArgumentParser, Namespace

from mnist_vae.data.datasets import DATASETS, Classes, Mirrors
from mnist_vae.data.digits import save_digits
from mnist_vae.data.obtain import obtain
from mnist_vae.data.own import hash_own, name_classes, read_own
from mnist_vae.parameters import make_field


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("dataset", help=f"{', '.join(DATASETS)}, or the name of your own data set")
    parser.add_argument("output", help="where the pictures and labels go (.safetensors)")
    parser.add_argument("--folder", "--mnist-dir", help="folder of the four IDX files, or of an .npz file")
    parser.add_argument(
        "--mirrors",
        default="",
        help="addresses to download from, in order, separated by spaces (default: none)",
    )
    parser.add_argument(
        "--classes",
        type=json.loads,
        default=[],
        help="names of the labels 0, 1, ... of your own data set, as JSON",
    )


def run(options: Namespace) -> None:
    """Obtain the data set, check it, and store it."""
    mirrors = options.mirrors.split()
    make_field("mirrors", Mirrors).check(mirrors, "--mirrors")
    if options.classes != []:
        make_field("classes", Classes).check(options.classes, "--classes")
    if options.dataset in DATASETS:
        dataset = DATASETS[options.dataset]
        digits = obtain(dataset, options.folder, mirrors)
        save_digits(options.output, digits, {"dataset": dataset.name, "classes": dataset.classes})
        return
    digits = read_own(options.dataset, options.folder)
    provenance = {"dataset": options.dataset, "files": hash_own(options.dataset, options.folder)}
    if (classes := name_classes(digits, list(map(str, options.classes)))) is not None:
        provenance["classes"] = classes
    save_digits(options.output, digits, provenance)
