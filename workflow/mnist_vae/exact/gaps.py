"""Gaps between the ELBO and log p(x), in nats (docs/model.md, 'Beyond the reference').

-ELBO = -log p(x) + KL(q || p(z | x)). Refining q image by image splits the KL in two: what the encoder could
have done better (amortization gap), and what no factorized Gaussian could (approximation gap; Cremer, Li &
Duvenaud 2018). The split depends on the optimizer: an ascent from the encoder's q may end in a lesser mode.
The best q that was found depends on it less.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.exact.answers import LatentSpace, Part
from mnist_vae.exact.refine import laplace
from mnist_vae.study.densities import bernoulli_log_density
from mnist_vae.study.networks import VAE

HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)
SAME = 0.2  # standard deviations of a refined q, within which another start would lead to the same q
HOPE = 1.0  # nats by which Laplace's method may understate the ELBO that a q around a mode can reach


class EncoderGap(NamedTuple):
    """Log p(x) of each image (images,) and the KL of the encoder's q to p(z | x).

    error is the sum of the estimated errors of log p(x) and of the ELBO. flagged marks the images whose error
    of log p(x) cannot be trusted.
    """

    log_px: Tensor
    kl: Tensor
    error: Tensor
    flagged: Tensor


class Gaps(NamedTuple):
    """Log p(x) of each image (images,), and the KL to p(z | x) of three q: the encoder's, the q refined from
    it, and the best q that was found.

    error and flagged are as in `EncoderGap`, where error holds the largest of the three ELBOs' errors.
    log_px_error and effective_sample_size are those of log p(x).
    """

    log_px: Tensor
    kl: Tensor
    kl_refined: Tensor
    kl_best: Tensor
    error: Tensor
    log_px_error: Tensor
    effective_sample_size: Tensor
    flagged: Tensor


@torch.inference_mode()
def encoder_gap(vae: VAE, space: LatentSpace, x: Tensor) -> EncoderGap:
    """Measure the gap of images (images, 784). Raises OutsideWindowError if a posterior lies too far out.

    If log p(x) is estimated by draws, errors are standard errors, and a KL may be negative by as much.
    """
    log_px, error, *_, flagged = space.log_marginals(x)
    mean, log_std = vae.encoder(x)
    elbo = space.elbo(x, mean, log_std)
    return EncoderGap(log_px, log_px - elbo.value, error + elbo.error, flagged)


@torch.inference_mode()
def gaps(vae: VAE, space: LatentSpace, x: Tensor) -> Gaps:
    """Measure the gap as `encoder_gap` does, and refine q, from the encoder's q and from the modes."""
    log_px, log_px_error, modes, size, flagged = space.log_marginals(x)
    mean, log_std = vae.encoder(x)
    encoder = space.elbo(x, mean, log_std)
    refined_q = space.refine(x, mean, log_std)
    refined = space.elbo(x, *refined_q)
    refined_elbo = torch.maximum(refined.value, encoder.value)
    best, best_error = _best(space, x, modes.to(x), refined_q, refined_elbo)
    error = log_px_error + torch.stack([encoder.error, refined.error, best_error]).amax(0)
    return Gaps(
        log_px,
        log_px - encoder.value,
        log_px - refined_elbo,
        log_px - best,
        error,
        log_px_error,
        size,
        flagged,
    )


def _best(
    space: LatentSpace, x: Tensor, modes: Tensor, q: tuple[Tensor, Tensor], elbo: Tensor
) -> tuple[Tensor, Tensor]:
    """The ELBO of the best q, and its error: the q given, or one refined from modes (images, starts, d).

    A mode is skipped if a q that was found lies at it, or where the slope there leads. It is also skipped if
    the mass around it, by Laplace's method, is below the best ELBO so far: no q around it could do better.
    """
    log_joint = space.log_joints(x)
    found = [q]
    elbo, error = elbo.clone(), torch.zeros_like(elbo)
    for z in modes.unbind(1):
        height, peak, log_std = laplace(log_joint, z)
        log_mass = height + log_std.sum(-1) + z.shape[-1] * HALF_LOG_2_PI
        known = torch.stack(
            [
                (torch.abs(start - mean) < SAME * torch.exp(spread)).all(-1)
                for start in (z, peak)
                for mean, spread in found
            ]
        ).any(0)
        tried = (~known & (log_mass.double() + HOPE > elbo)).nonzero()[:, 0]
        if not len(tried):
            continue
        start = space.refine(x[tried], z[tried], log_std[tried])
        value, its_error = space.elbo(x[tried], *start)
        better = value > elbo[tried]
        elbo[tried[better]], error[tried[better]] = value[better], its_error[better]
        mean, spread = q[0].clone(), q[1].clone()
        mean[tried], spread[tried] = start
        found.append((mean, spread))
    return elbo, error


def independent_pixels(train: Tensor, x: Tensor) -> Tensor:
    """Log p(bottom half) of images (images, 784) if pixels were independent: (images,), in nats.

    Each pixel's probability is its share of the training images by Laplace's rule, (on + 1) / (n + 2). The
    top half does not matter here, so a model's gain over this figure is what it has learnt from the top.
    """
    bottom = Part.BOTTOM_HALF.pixels(x.shape[-1])
    on = train[:, bottom].sum(0)
    logits = torch.log((on + 1) / (len(train) - on + 1))
    return bernoulli_log_density(x[:, bottom], logits).sum(-1)
