"""Compare plain sums over lattices of several spacings with the adaptive sum of log p(x)."""

from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.commands.shared.comparison import add_comparison_arguments, sum_test_images
from mnist_vae.exact.lattice import lattice, lattice_log_px
from mnist_vae.files.storage import load_provenance, save_model_table

SPACINGS = (0.64, 0.32, 0.16, 0.08, 0.04)


def add_arguments(parser: ArgumentParser) -> None:
    add_comparison_arguments(parser)


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Write one row per spacing: the plain sum's absolute error, mean and largest over images, in nats."""
    vae, x, exact = sum_test_images(options)
    rows = []
    for spacing in SPACINGS:
        difference = (lattice_log_px(vae.decoder, x, vae.latent, spacing) - exact.log_density).abs()
        rows.append(
            {
                "spacing": spacing,
                "points": len(lattice(spacing, vae.latent)),
                "mean_absolute_difference": difference.mean().item(),
                "largest_difference": difference.max().item(),
                "images": len(x),
                "estimated_error": exact.error.max().item(),
            }
        )
    save_model_table(options.comparison, rows, load_provenance(options.weights))
