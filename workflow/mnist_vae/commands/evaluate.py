"""Measure one model: its bounds, exact log-densities, and the gaps between them."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from mnist_vae.data.digits import load_digits
from mnist_vae.exact.gaps import encoder_gap, gaps, independent_pixels
from mnist_vae.exact.marginal import (
    WIDEN,
    WIDEN_FINE,
    decode_grid,
    latent_grid,
    log_marginals,
    require_inside,
    top_half_log_marginals,
)
from mnist_vae.files.storage import load_provenance, save_model_table
from mnist_vae.files.weights import load_weights
from mnist_vae.study.evaluation import evaluate, mean_over_images
from mnist_vae.study.networks import VAE

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
    parser.add_argument("--window", type=float, required=True, help="the grid spans [-window, window]^2")
    parser.add_argument("--size", type=int, required=True, help="points along a side")
    parser.add_argument("--fine-window", type=float, required=True, help="of the finer, wider grid")
    parser.add_argument("--fine-size", type=int, required=True)
    parser.add_argument("--images", type=int, required=True, help="of each split, whose gaps are measured")


@torch.inference_mode()
def run(options: Namespace) -> None:
    """A row a figure: mean over images and standard error."""
    provenance = load_provenance(options.weights)
    vae = load_weights(options.weights)
    train, test = (
        torch.from_numpy(load_digits(options.digits, split, count)[0])
        for split, count in (("train", provenance["n"]), ("test", None))
    )
    generator = torch.Generator().manual_seed(provenance["seed"])
    rows = [*_bounds(vae, train, test, options, generator), *_exact(vae, train, test, options)]
    save_model_table(options.metrics, rows, provenance)


def _bounds(
    vae: VAE, train: Tensor, test: Tensor, options: Namespace, generator: torch.Generator
) -> Iterator[dict]:
    """By draws: of the model's own training images, all test images, and the first 100 of these."""
    for split, images, draws in (
        ("train", train, options.draws),
        ("test", test, options.draws),
        ("test_first_100", test[:REFERENCE_IMAGES], options.first_100_draws),
    ):
        for metric, value in evaluate(vae, images, draws, generator)._asdict().items():
            value, standard_error = value if isinstance(value, tuple) else (value, None)
            yield {"split": split, "metric": metric, "value": value, "standard_error": standard_error}


def _exact(vae: VAE, train: Tensor, test: Tensor, options: Namespace) -> Iterator[dict]:
    """By sums over grids: on the finer one, and with gaps, for the first images; for all test images."""
    fine = decode_grid(vae.decoder, latent_grid(options.fine_window, options.fine_size))
    where = options.weights, WIDEN_FINE
    on_test = gaps(vae, fine, test[: options.images], *where)
    on_train = encoder_gap(vae, fine, train[: options.images], *where)

    decoded = decode_grid(fine.decoder, latent_grid(options.window, options.size))
    marginals = [log_marginals(decoded, test), top_half_log_marginals(decoded, test)]
    for marginal in marginals:
        require_inside(marginal.edge_mass, decoded.grid, options.weights, WIDEN)
    log_px, log_p_top = (marginal.log_density for marginal in marginals)

    quantities: Mapping[str, Mapping[str, Tensor]] = {
        "test": {
            "neg_log_px": -log_px,
            "neg_log_p_bottom_given_top": log_p_top - log_px,
            "neg_log_p_bottom_independent_pixels": -independent_pixels(train, test),
        },
        "test_subset": {
            "neg_elbo": on_test.kl - on_test.log_px,
            "neg_elbo_refined": on_test.kl_refined - on_test.log_px,
            "neg_log_px": -on_test.log_px,
            "kl_to_posterior": on_test.kl,
            "amortization_gap": on_test.kl - on_test.kl_refined,
            "approximation_gap": on_test.kl_refined,
            "approximation_gap_of_best": on_test.kl_best,
            "grid_error": log_px[: options.images] - on_test.log_px,
        },
        "train_subset": {
            "neg_elbo": on_train.kl - on_train.log_px,
            "neg_log_px": -on_train.log_px,
            "kl_to_posterior": on_train.kl,
        },
    }
    for split, metrics in quantities.items():
        for metric, per_image in metrics.items():
            yield {"split": split, "metric": metric} | mean_over_images(per_image)._asdict()
    yield {"split": "test_subset", "metric": "images", "value": len(on_test.kl)}
