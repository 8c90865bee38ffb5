"""Compare the estimate of log p(x) with the sum, on a model of one or two latent dimensions."""

from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.commands.shared.comparison import add_comparison_arguments, sum_test_images
from mnist_vae.exact.sampler import Sampler, compare
from mnist_vae.files.storage import load_provenance, save_model_table
from mnist_vae.study.evaluation import mean_over_images


def add_arguments(parser: ArgumentParser) -> None:
    add_comparison_arguments(parser)


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Write one row per metric, on the first test images."""
    provenance = load_provenance(options.weights)
    vae, x, summed = sum_test_images(options)
    generator = torch.Generator().manual_seed(provenance["seed"])
    found = compare(Sampler(vae, generator=generator).log_marginals(x), summed)
    figures = {"difference": mean_over_images(found.difference)._asdict()} | {
        metric: {"value": value}
        for metric, value in {
            "latent": vae.latent,
            "images": len(x),
            "largest_difference": found.difference.abs().max().item(),
            "root_mean_square_in_errors": found.in_errors.square().mean().sqrt().item(),
            "largest_in_errors": found.in_errors.abs().max().item(),
            "images_beyond_4_errors": (found.in_errors.abs() > 4).sum().item(),
            "effective_draws_median": found.effective_draws.median().item(),
            "effective_draws_fewest": found.effective_draws.min().item(),
        }.items()
    }
    rows = [{"split": "test_subset", "metric": metric} | figure for metric, figure in figures.items()]
    save_model_table(options.comparison, rows, provenance)
