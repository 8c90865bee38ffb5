"""Compare methods of approximate inference with the exact posteriors of one model's test images."""

from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.commands.shared.posteriors import add_posterior_options, posteriors_of
from mnist_vae.files.storage import load_provenance, save_arrays, save_model_table
from mnist_vae.inference.annealed import CHAINS
from mnist_vae.inference.comparison import compare
from mnist_vae.inference.methods import METHODS
from mnist_vae.inference.problem import Problem
from mnist_vae.inference.shown import Shown


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("table", help="where the rows go (.csv)")
    parser.add_argument("arrays", help="where the posteriors that the figure shows go (.safetensors)")
    add_posterior_options(parser)


def run(options: Namespace) -> None:
    """Write one row per method and setting, and for the figure some posteriors and the methods' answers."""
    provenance = load_provenance(options.weights)
    generator = torch.Generator().manual_seed(provenance["seed"])
    vae, x, posteriors = posteriors_of(options)
    exact_draws = torch.stack([each.draws(CHAINS, generator) for each in posteriors], 1)
    problem = Problem.of_vae(vae, x, exact_draws.to(x))
    shown, rows = Shown(posteriors, x), []
    for name, settings in METHODS.items():
        for method in settings:
            for answer, row in compare(problem, posteriors, name, method, generator):
                rows.append(row | {"images": len(x)})
                shown.add(name, answer)
    save_model_table(options.table, rows, provenance)
    save_arrays(options.arrays, shown.arrays(), provenance)
