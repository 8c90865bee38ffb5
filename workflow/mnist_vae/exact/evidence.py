"""Measurements of a model by log-densities, per image and split, in nats."""

from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.exact.answers import LatentSpace, Part
from mnist_vae.exact.gaps import encoder_gap, gaps, independent_pixels
from mnist_vae.study.networks import VAE


class Evidence(NamedTuple):
    """Quantities of the images of one split, by name, (images,) each.

    error holds the estimated errors of the log-densities, None if there are none. flagged (images,) marks the
    images whose error cannot be trusted, None where log-densities are sums.
    """

    quantities: dict[str, Tensor]
    error: Tensor | None = None
    flagged: Tensor | None = None


@torch.inference_mode()
def evidence(
    vae: VAE, space: LatentSpace, train: Tensor, unseen: Tensor, test: Tensor, images: int
) -> dict[str, Evidence]:
    """Measure a model on its training images, on unseen training images and on test images (images, 784).

    The splits are test; test_subset and train_subset, the first `images` of each; and unseen_subset. All test
    images have log-densities only if these are sums: draws for all of them would take minutes. Gaps to the
    encoder's q are measured on the subsets, of which those of one image or none are left out, and refined q
    on test_subset. Raises OutsideWindowError if a posterior lies too far out.
    """
    on_test = _with_refined_q(vae, space, test[:images])
    found = {"test": _of_all(space, train, test), "test_subset": on_test}
    for split, some in (("train_subset", train[:images]), ("unseen_subset", unseen)):
        if len(some) > 1:
            log_px, kl, error, flagged = encoder_gap(vae, space, some)
            quantities = {"neg_elbo": kl - log_px, "neg_log_px": -log_px, "kl_to_posterior": kl}
            found[split] = Evidence(quantities, error, None if space.is_summed else flagged)
    return found


def _of_all(space: LatentSpace, train: Tensor, test: Tensor) -> Evidence:
    quantities = {"neg_log_p_bottom_independent_pixels": -independent_pixels(train, test)}
    if not space.is_summed:
        return Evidence(quantities)
    whole, top, bottom = (space.log_marginals(test, part) for part in Part)
    quantities |= {
        "neg_log_px": -whole.log_density,
        "neg_log_p_bottom": -bottom.log_density,
        "neg_log_p_bottom_given_top": top.log_density - whole.log_density,
    }
    return Evidence(quantities, torch.stack([whole.error, bottom.error, top.error + whole.error]))


def _with_refined_q(vae: VAE, space: LatentSpace, x: Tensor) -> Evidence:
    found = gaps(vae, space, x)
    quantities = {
        "neg_elbo": found.kl - found.log_px,
        "neg_elbo_refined": found.kl_refined - found.log_px,
        "neg_log_px": -found.log_px,
        "kl_to_posterior": found.kl,
        "amortization_gap": found.kl - found.kl_refined,
        "approximation_gap": found.kl_refined,
        "approximation_gap_of_best": found.kl_best,
    }
    if space.is_summed:
        return Evidence(quantities, found.error)
    quantities["effective_sample_size"] = found.effective_sample_size
    quantities["neg_log_px_error"] = found.log_px_error
    return Evidence(quantities, found.error, found.flagged)
