"""Measure one model: its bounds, exact log-densities, and the gaps between them."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from mnist_vae.commands.shared.latent_space import latent_space, naming
from mnist_vae.config.measured import Gaps
from mnist_vae.data.digits import load_digits
from mnist_vae.exact.gaps import Space, encoder_gap, gaps, independent_pixels
from mnist_vae.exact.low_rank import BOTTOM_HALF, TOP_HALF, WHOLE
from mnist_vae.exact.marginal import DecoderSpace
from mnist_vae.exact.settings import Sums
from mnist_vae.files.storage import load_provenance, save_model_table
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options
from mnist_vae.study.evaluation import active_units, evaluate, mean_over_images
from mnist_vae.study.networks import VAE
from mnist_vae.study.recipe import Draws

REFERENCE_IMAGES = 100  # the reference printed the loss on this many test images


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("metrics", help="where the numbers go (.csv)")
    add_options(parser, Draws)
    add_options(parser, Sums)
    add_options(parser, Gaps)


@torch.inference_mode()
def run(options: Namespace) -> None:
    """A row a figure: mean over images and standard error."""
    provenance = load_provenance(options.weights)
    vae = load_weights(options.weights)
    train, test = (torch.from_numpy(load_digits(options.digits, split)[0]) for split in ("train", "test"))
    train, unseen = train[: provenance["n"]], train[provenance["n"] :][: options.images]
    generator = torch.Generator().manual_seed(provenance["seed"])
    bounds = _bounds(vae, train, test, options, generator)
    with naming(options.weights):
        space = latent_space(vae, options, generator)
        rows = [*bounds, *_latent(vae, test), *_evidence(vae, space, train, unseen, test, options.images)]
    save_model_table(options.metrics, rows, provenance)


def _bounds(
    vae: VAE, train: Tensor, test: Tensor, options: Namespace, generator: torch.Generator
) -> Iterator[dict[str, Any]]:
    """By draws: of the model's own training images, all test images, and the first 100 of these."""
    for split, images, draws in (
        ("train", train, options.draws),
        ("test", test, options.draws),
        ("test_first_100", test[:REFERENCE_IMAGES], options.first_100_draws),
    ):
        for metric, value in evaluate(vae, images, draws, generator)._asdict().items():
            value, standard_error = value if isinstance(value, tuple) else (value, None)
            yield {"split": split, "metric": metric, "value": value, "standard_error": standard_error}


def _latent(vae: VAE, test: Tensor) -> Iterator[dict[str, Any]]:
    """How many latent dimensions there are, and how many all test images move."""
    for metric, value in (("latent", vae.latent), ("active_units", active_units(vae, test))):
        yield {"split": "test", "metric": metric, "value": value}


def _evidence(
    vae: VAE, space: Space, train: Tensor, unseen: Tensor, test: Tensor, images: int
) -> Iterator[dict[str, Any]]:
    """Log-densities: of all test images, where they are sums, and with gaps, of the first ones of each split.

    Training images beyond the model's own are as many or fewer: a data set may have no more. Draws for all
    test images would take minutes.
    """
    on_test = gaps(vae, space, test[:images])
    quantities: dict[str, dict[str, Tensor]] = {
        "test": {"neg_log_p_bottom_independent_pixels": -independent_pixels(train, test)},
        "test_subset": {
            "neg_elbo": on_test.kl - on_test.log_px,
            "neg_elbo_refined": on_test.kl_refined - on_test.log_px,
            "neg_log_px": -on_test.log_px,
            "kl_to_posterior": on_test.kl,
            "amortization_gap": on_test.kl - on_test.kl_refined,
            "approximation_gap": on_test.kl_refined,
            "approximation_gap_of_best": on_test.kl_best,
        },
    }
    errors, flagged = {"test_subset": on_test.error}, {"test_subset": on_test.flagged}
    if isinstance(space, DecoderSpace):
        whole, top, bottom = (space.log_marginals(test, part) for part in (WHOLE, TOP_HALF, BOTTOM_HALF))
        quantities["test"] |= {
            "neg_log_px": -whole.log_density,
            "neg_log_p_bottom": -bottom.log_density,
            "neg_log_p_bottom_given_top": top.log_density - whole.log_density,
        }
        errors["test"] = torch.stack([whole.error, bottom.error, top.error + whole.error])
    else:
        quantities["test_subset"]["effective_sample_size"] = on_test.effective_sample_size
        quantities["test_subset"]["neg_log_px_error"] = on_test.log_px_error
    for split, some in (("train_subset", train[:images]), ("unseen_subset", unseen)):
        if len(some) > 1:
            found = encoder_gap(vae, space, some)
            quantities[split] = {
                "neg_elbo": found.kl - found.log_px,
                "neg_log_px": -found.log_px,
                "kl_to_posterior": found.kl,
            }
            errors[split], flagged[split] = found.error, found.flagged
    for split, metrics in quantities.items():
        for metric, per_image in metrics.items():
            yield {"split": split, "metric": metric} | mean_over_images(per_image)._asdict()
        if split in errors:
            yield {"split": split, "metric": "largest_error", "value": errors[split].max().item()}
        if split in flagged and not isinstance(space, DecoderSpace):
            yield {"split": split, "metric": "flagged_images", "value": flagged[split].sum().item()}
    for split in ("test_subset", "unseen_subset"):
        if split in quantities:
            yield {"split": split, "metric": "images", "value": len(quantities[split]["neg_log_px"])}
