"""Write exact posteriors of one model's test images into a folder for use without this project."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import torch

from mnist_vae.commands.shared.posteriors import add_posterior_options, posteriors_of
from mnist_vae.errors import InputError
from mnist_vae.files.storage import load_provenance, save_arrays, save_text
from mnist_vae.inference.export import PAGE, posterior_arrays


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("folder", help="where posteriors.safetensors and README.md go")
    parser.add_argument(
        "--digits", help="what `binarize` stored (default: the file in the same results as the weights)"
    )
    add_posterior_options(parser)


def run(options: Namespace) -> None:
    """Write the arrays, and a page that describes them."""
    provenance = load_provenance(options.weights)
    if options.digits is None:
        results = Path(options.weights).resolve().parents[4]
        options.digits = str(results / "data/binarized.safetensors")
        if not Path(options.digits).is_file():
            raise InputError(f"there is no {options.digits}; --digits names what `binarize` stored")
    vae, x, posteriors = posteriors_of(options)
    generator = torch.Generator().manual_seed(provenance["seed"])
    folder = Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = posterior_arrays(vae, x, posteriors, generator)
    save_arrays(folder / "posteriors.safetensors", arrays, provenance)
    save_text(folder / "README.md", PAGE)
