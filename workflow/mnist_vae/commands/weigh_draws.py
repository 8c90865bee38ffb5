"""Compute importance-weighted bounds on log p(x)."""

from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.commands.shared.latent_space import latent_space, naming
from mnist_vae.config.measured import ImportanceWeighting
from mnist_vae.data.digits import load_digits
from mnist_vae.exact.settings import Marginal
from mnist_vae.exact.weighting import importance_weighted_shortfalls
from mnist_vae.files.storage import load_provenance, save_model_table
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options
from mnist_vae.study.evaluation import mean_over_images


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("output", help="where the numbers go (.csv)")
    add_options(parser, Marginal)
    add_options(parser, ImportanceWeighting)


def run(options: Namespace) -> None:
    """Write one row per proposal and k: how far the bound lies below exact log p(x), on the same images."""
    provenance = load_provenance(options.weights)
    vae = load_weights(options.weights)
    x = torch.from_numpy(load_digits(options.digits, "test", options.images)[0])
    generator = torch.Generator().manual_seed(provenance["seed"])
    rows = []
    with naming(options.weights):
        space = latent_space(vae, options, generator)
        for found in importance_weighted_shortfalls(vae, space, x, options.draws, generator):
            value, standard_error = mean_over_images(found.below_log_px)
            row = {"proposal": found.proposal, "k": found.k, "below_log_px": value}
            row |= {"standard_error": standard_error, "images": len(x)}
            rows.append(row | {"largest_error": found.error.max().item()})
    save_model_table(options.output, rows, provenance)
