"""Measure one model."""

from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.data import load_digits
from mnist_vae.evaluation import evaluate
from mnist_vae.storage import load_provenance, save_model_table
from mnist_vae.weights import load_weights

REFERENCE_IMAGES = 100  # the reference printed the loss on this many test images


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("metrics", help="where the numbers go (.csv)")
    parser.add_argument("--draws", type=int, required=True, help="draws of z per image")
    parser.add_argument(
        "--first-100-draws", type=int, required=True, help="draws of z per image of the first 100 test images"
    )


def run(options: Namespace) -> None:
    """Evaluate the model's own training images, all test images, and the first 100 of these."""
    provenance = load_provenance(options.weights)
    vae = load_weights(options.weights)
    train_images, test_images = (
        torch.from_numpy(load_digits(options.digits, split, count)[0])
        for split, count in (("train", provenance["n"]), ("test", None))
    )
    generator = torch.Generator().manual_seed(provenance["seed"])
    rows = []
    for split, images, draws in (
        ("train", train_images, options.draws),
        ("test", test_images, options.draws),
        ("test_first_100", test_images[:REFERENCE_IMAGES], options.first_100_draws),
    ):
        found = evaluate(vae, images, draws, generator)
        for metric, value in found._asdict().items():
            value, standard_error = value if isinstance(value, tuple) else (value, None)
            rows.append({"split": split, "metric": metric, "value": value, "standard_error": standard_error})
    save_model_table(options.metrics, rows, provenance)
