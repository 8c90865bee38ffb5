"""Compare plain sums over lattices of several spacings with the adaptive sum of log p(x)."""

from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.commands.shared.latent_space import naming
from mnist_vae.data.digits import load_digits
from mnist_vae.errors import InputError
from mnist_vae.exact.lattice import lattice, lattice_log_px
from mnist_vae.exact.marginal import DecoderSpace
from mnist_vae.exact.settings import Sums
from mnist_vae.files.storage import load_provenance, save_model_table
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options

SPACINGS = (0.64, 0.32, 0.16, 0.08, 0.04)


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("comparison", help="where the differences go (.csv)")
    parser.add_argument("--images", type=int, required=True, help="of the test images, the first ones")
    add_options(parser, Sums)


@torch.inference_mode()
def run(options: Namespace) -> None:
    """A row for each spacing: by how much the plain sum is off, in nats per image."""
    provenance = load_provenance(options.weights)
    vae = load_weights(options.weights)
    if vae.latent > 2:
        raise InputError(
            f"{options.weights}: the model has {vae.latent} latent dimensions; only in 1 or 2 is log p(x) a "
            "sum"
        )
    x = torch.from_numpy(load_digits(options.digits, "test", options.images)[0])
    with naming(options.weights):
        space = DecoderSpace(vae.decoder, vae.latent, window=options.window, tolerance=options.tolerance)
        exact = space.log_marginals(x)
    rows = []
    for spacing in SPACINGS:
        z = lattice(spacing, vae.latent)
        difference = lattice_log_px(vae.decoder, x, z, spacing) - exact.log_density
        rows.append(
            {
                "spacing": spacing,
                "points": len(z),
                "mean_difference": difference.mean().item(),
                "largest_difference": difference.abs().max().item(),
                "images": len(x),
                "estimated_error": exact.error.max().item(),
            }
        )
    save_model_table(options.comparison, rows, provenance)
