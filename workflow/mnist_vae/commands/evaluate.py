"""Measure one model: its bounds, exact log-densities, and the gaps between them."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from mnist_vae.commands.shared.latent_space import latent_space, naming
from mnist_vae.config.measured import Gaps
from mnist_vae.data.digits import load_digits
from mnist_vae.exact.evidence import Evidence, evidence
from mnist_vae.exact.settings import Marginal
from mnist_vae.files.storage import load_provenance, save_model_table
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options
from mnist_vae.study.evaluation import active_units, evaluate, mean_over_images
from mnist_vae.study.networks import VAE
from mnist_vae.study.recipe import Draws

REFERENCE_IMAGES = 100  # the reference printed the loss on this many test images


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("metrics", help="where the numbers go (.csv)")
    add_options(parser, Draws)
    add_options(parser, Marginal)
    add_options(parser, Gaps)


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Write one row per metric and split: mean over images and standard error."""
    provenance = load_provenance(options.weights)
    vae = load_weights(options.weights)
    train, test = (torch.from_numpy(load_digits(options.digits, split)[0]) for split in ("train", "test"))
    train, unseen = train[: provenance["n"]], train[provenance["n"] :][: options.images]
    generator = torch.Generator().manual_seed(provenance["seed"])
    bounds = _bounds(vae, train, test, options, generator)
    with naming(options.weights):
        space = latent_space(vae, options, generator)
        # The bounds take their draws first: they share the generator.
        rows = [*bounds, *_latent(vae, test)]
        rows += _evidence(evidence(vae, space, train, unseen, test, options.images))
    save_model_table(options.metrics, rows, provenance)


def _bounds(
    vae: VAE, train: Tensor, test: Tensor, options: Namespace, generator: torch.Generator
) -> Iterator[dict[str, Any]]:
    """Bounds by draws, on the model's training images, all test images, and the first 100 test images."""
    for split, images, draws in (
        ("train", train, options.draws),
        ("test", test, options.draws),
        ("test_first_100", test[:REFERENCE_IMAGES], options.first_100_draws),
    ):
        for metric, value in evaluate(vae, images, draws, generator)._asdict().items():
            value, standard_error = value if isinstance(value, tuple) else (value, None)
            yield {"split": split, "metric": metric, "value": value, "standard_error": standard_error}


def _latent(vae: VAE, test: Tensor) -> Iterator[dict[str, Any]]:
    """The number of latent dimensions, and of those that are active on test images."""
    for metric, value in (("latent", vae.latent), ("active_units", active_units(vae, test))):
        yield {"split": "test", "metric": metric, "value": value}


def _evidence(splits: dict[str, Evidence]) -> Iterator[dict[str, Any]]:
    """Log-densities, and the gaps between them and bounds."""
    for split, found in splits.items():
        for metric, per_image in found.quantities.items():
            yield {"split": split, "metric": metric} | mean_over_images(per_image)._asdict()
        if found.error is not None:
            yield {"split": split, "metric": "largest_error", "value": found.error.max().item()}
        if found.flagged is not None:
            yield {"split": split, "metric": "flagged_images", "value": found.flagged.sum().item()}
    for split in ("test_subset", "unseen_subset"):
        if split in splits:
            images = len(splits[split].quantities["neg_log_px"])
            yield {"split": split, "metric": "images", "value": images}
