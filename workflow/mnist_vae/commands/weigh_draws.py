"""Bound log p(x) by importance-weighted draws from q."""

from argparse import ArgumentParser, Namespace
from functools import partial

import torch

from mnist_vae.data.digits import load_digits
from mnist_vae.exact.marginal import WIDEN_FINE, decode_grid, latent_grid, log_marginals, require_inside
from mnist_vae.exact.refine import refine
from mnist_vae.files.storage import load_provenance, save_model_table
from mnist_vae.files.weights import load_weights
from mnist_vae.study.blocks import in_blocks
from mnist_vae.study.densities import joint_log_density, log_q
from mnist_vae.study.evaluation import mean_over_images
from mnist_vae.study.objective import importance_weighted_bound, reparameterize


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("output", help="where the numbers go (.csv)")
    parser.add_argument("--window", type=float, required=True, help="the grid spans [-window, window]^2")
    parser.add_argument("--size", type=int, required=True, help="points along a side")
    parser.add_argument("--images", type=int, required=True, help="test images, the first ones")
    parser.add_argument("--draws", type=int, nargs="+", required=True, help="k; each divides the largest")


@torch.inference_mode()
def run(options: Namespace) -> None:
    """A row a proposal and k: how far the bound lies below exact log p(x) of the same images."""
    provenance = load_provenance(options.weights)
    vae = load_weights(options.weights)
    x = torch.from_numpy(load_digits(options.digits, "test", options.images)[0])
    decoded = decode_grid(vae.decoder, latent_grid(options.window, options.size))
    log_px, edge_mass, peak = log_marginals(decoded, x)
    require_inside(edge_mass, decoded.grid, options.weights, WIDEN_FINE)

    encoded = vae.encoder(x)
    # From the posterior's peak: an ascent from the encoder's answer can end in a lesser mode, whose draws
    # would miss most of p(x) at any k.
    refined = refine(decoded.decoder, x, peak, encoded[1])
    generator = torch.Generator().manual_seed(provenance["seed"])
    rows = []
    for proposal, q in (("encoder", encoded), ("refined", refined)):
        noise = torch.randn(max(options.draws), *q[0].shape, generator=generator)
        z = reparameterize(*q, noise)
        log_joint = in_blocks(partial(joint_log_density, decoded.decoder), x, z)
        log_weights = (log_joint - log_q(*q, z)).double()
        for k in sorted(options.draws):
            value, error = mean_over_images(log_px - importance_weighted_bound(log_weights, k))
            row = {"proposal": proposal, "k": k, "below_log_px": value, "standard_error": error}
            rows.append(row | {"images": len(x)})
    save_model_table(options.output, rows, provenance)
