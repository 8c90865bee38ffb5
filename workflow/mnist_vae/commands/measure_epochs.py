"""Measure the ELBO and exact log p(x) of each snapshot of a training run."""

from argparse import ArgumentParser, Namespace
from math import nan
from typing import Annotated

import torch

from mnist_vae.commands.shared.latent_space import latent_space, naming
from mnist_vae.config.measured import Snapshots
from mnist_vae.data.digits import load_digits
from mnist_vae.errors import InputError
from mnist_vae.exact.gaps import encoder_gap
from mnist_vae.exact.settings import Marginal
from mnist_vae.files.storage import load_provenance, save_model_table
from mnist_vae.files.weights import load_snapshots
from mnist_vae.parameters import Parameter, add_option, add_options
from mnist_vae.study.evaluation import mean_over_images

WAY_OUT = "Take the epoch out of snapshots.epochs: early in training, codes can lie far out."


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("snapshots", help="what `train` stored")
    parser.add_argument("output", help="where the numbers go (.csv)")
    add_options(parser, Marginal)
    add_options(parser, Snapshots, "images")
    add_option(parser, "test_images", Annotated[int, Parameter("number of test images", minimum=2)])


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Write one row per epoch and split: ELBO, log p(x), KL, and paired changes since the last snapshot."""
    provenance = load_provenance(options.snapshots)
    count = {"train": min(options.images, provenance["n"]), "test": options.test_images}
    images = {split: torch.from_numpy(load_digits(options.digits, split, count[split])[0]) for split in count}
    generator = torch.Generator().manual_seed(provenance["seed"])
    before: dict[str, dict[str, torch.Tensor]] = {}
    rows = []
    for epoch, vae in load_snapshots(options.snapshots):
        with naming(f"{options.snapshots}, epoch {epoch}", WAY_OUT):
            space = latent_space(vae, options, generator)
            gaps = {split: encoder_gap(vae, space, x) for split, x in images.items()}
        for split, found in gaps.items():
            quantities = {"elbo": found.log_px - found.kl, "log_px": found.log_px, "kl": found.kl}
            row = {"epoch": epoch, "split": split, "images": len(images[split])}
            for name, per_image in quantities.items():
                row[name], row[f"{name}_standard_error"] = mean_over_images(per_image)
            row["largest_error"] = found.error.max().item()
            for name, per_image in quantities.items():  # nan at the first snapshot
                change = mean_over_images(per_image - before[split][name]) if split in before else (nan, nan)
                row[f"{name}_change"], row[f"{name}_change_standard_error"] = change
            before[split] = quantities
            rows.append(row)
    if not rows:
        raise InputError(
            f"{options.snapshots} holds no snapshot: trainings keep them for their recipe's first seed only"
        )
    save_model_table(options.output, rows, provenance)
