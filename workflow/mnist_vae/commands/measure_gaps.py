"""Measure one model's exact log-densities, and the gaps between them and its bounds."""

from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.data import load_digits
from mnist_vae.evaluation import mean_over_images
from mnist_vae.gaps import encoder_gap, gaps, independent_pixels
from mnist_vae.marginal import (
    WIDEN,
    WIDEN_FINE,
    decode_grid,
    latent_grid,
    log_marginals,
    require_inside,
    top_half_log_marginals,
)
from mnist_vae.storage import load_provenance, save_model_table
from mnist_vae.weights import load_weights


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("output", help="where the numbers go (.csv)")
    parser.add_argument("--window", type=float, required=True, help="the grid spans [-window, window]^2")
    parser.add_argument("--size", type=int, required=True, help="points along a side")
    parser.add_argument("--fine-window", type=float, required=True, help="of the finer, wider grid")
    parser.add_argument("--fine-size", type=int, required=True)
    parser.add_argument("--images", type=int, required=True, help="of each split, whose gaps are measured")


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Exact figures of the whole test set; bounds and gaps of the first images, on the finer grid."""
    provenance = load_provenance(options.weights)
    vae = load_weights(options.weights)
    train, test = (
        torch.from_numpy(load_digits(options.digits, split, count)[0])
        for split, count in (("train", provenance["n"]), ("test", None))
    )
    decoded = decode_grid(vae.decoder, latent_grid(options.window, options.size))
    marginals = [log_marginals(decoded, test), top_half_log_marginals(decoded, test)]
    for marginal in marginals:
        require_inside(marginal.edge_mass, decoded.grid, options.weights, WIDEN)
    log_px, log_p_top = (marginal.log_density for marginal in marginals)

    decoded = decode_grid(vae.decoder, latent_grid(options.fine_window, options.fine_size))
    where = options.weights, WIDEN_FINE
    on_test = gaps(vae, decoded, test[: options.images], *where)
    on_train = encoder_gap(vae, decoded, train[: options.images], *where)

    quantities = {
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
    rows = [
        {"split": split, "metric": metric} | mean_over_images(per_image)._asdict()
        for split, metrics in quantities.items()
        for metric, per_image in metrics.items()
    ]
    rows.append({"split": "test_subset", "metric": "images", "value": len(on_test.kl)})
    save_model_table(options.output, rows, provenance)
