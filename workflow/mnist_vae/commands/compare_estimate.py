"""Compare the estimate of log p(x) with the sum, on a model of one or two latent dimensions."""

from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.commands.shared.latent_space import latent_space, naming
from mnist_vae.data.digits import load_digits
from mnist_vae.errors import InputError
from mnist_vae.exact.estimate import SampledSpace, compare
from mnist_vae.exact.settings import Sums
from mnist_vae.files.storage import load_provenance, save_model_table
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options
from mnist_vae.study.evaluation import mean_over_images


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("comparison", help="where the differences go (.csv)")
    parser.add_argument("--images", type=int, required=True, help="of the test images, the first ones")
    add_options(parser, Sums)


@torch.inference_mode()
def run(options: Namespace) -> None:
    """A row a figure, of the first test images."""
    provenance = load_provenance(options.weights)
    vae = load_weights(options.weights)
    if vae.latent > 2:
        raise InputError(
            f"{options.weights}: the model has {vae.latent} latent dimensions; only in 1 or 2 is there a sum "
            "to compare the estimate with"
        )
    x = torch.from_numpy(load_digits(options.digits, "test", options.images)[0])
    generator = torch.Generator().manual_seed(provenance["seed"])
    with naming(options.weights):
        summed = latent_space(vae, options, generator).log_marginals(x)
    found = compare(SampledSpace(vae, generator=generator).log_marginals(x), summed)
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
