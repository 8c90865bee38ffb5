"""How far bounds lie below log p(x), and why (docs/model.md, 'Beyond the reference'). All in nats.

-ELBO = -log p(x) + KL(q || p(z | x)). Refining q image by image splits the KL in two: what the encoder could
have done better (amortization gap), and what no factorized Gaussian could (approximation gap; Cremer, Li &
Duvenaud 2018). The split depends on the optimizer: an ascent from the encoder's answer may end in a lesser
mode. The best q that is found depends on it less.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.exact.estimate import SampledSpace
from mnist_vae.exact.marginal import DecoderSpace
from mnist_vae.exact.refine import laplace
from mnist_vae.study.densities import bernoulli_log_density, top_half
from mnist_vae.study.networks import VAE

HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)
SAME = 0.2  # standard deviations of a refined q, within which another start would lead to it again
HOPE = 1.0  # nats by which a mode's Laplace approximation may understate what a q there can reach


Space = DecoderSpace | SampledSpace  # sums, or draws


class EncoderGap(NamedTuple):
    """Of each image (images,): log p(x), the KL of the encoder's q to p(z | x), and the estimated errors of
    both.

    error is that of log p(x) and of the ELBO together; flagged says where that of log p(x) cannot be trusted.
    """

    log_px: Tensor
    kl: Tensor
    error: Tensor
    flagged: Tensor


class Gaps(NamedTuple):
    """The same, the KL of q refined from the encoder's answer, and that of the best q that was found.

    log_px_error and effective_sample_size are those of log p(x), inf draws where it is a sum.
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
def encoder_gap(vae: VAE, space: Space, x: Tensor) -> EncoderGap:
    """Measure images (images, 784). Raises OutsideWindowError if a posterior lies too far out.

    Where log p(x) is estimated by draws, errors are standard errors, and a KL may be below 0 by such an
    error.
    """
    log_px, error, *_, flagged = space.log_marginals(x)
    mean, log_std = vae.encoder(x)
    elbo = space.elbo(x, mean, log_std)
    return EncoderGap(log_px, log_px - elbo.value, error + elbo.error, flagged)


@torch.inference_mode()
def gaps(vae: VAE, space: Space, x: Tensor) -> Gaps:
    """The same, and refine q: from the encoder's answer, then from the posterior's modes."""
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
    space: Space, x: Tensor, modes: Tensor, q: tuple[Tensor, Tensor], elbo: Tensor
) -> tuple[Tensor, Tensor]:
    """The ELBO of the best q: the one given, or one refined from a mode of modes (images, starts, d).

    A mode is tried unless a q that was found lies there already, or where the slope there leads, or the mass
    around it, by Laplace's method, is less than the best ELBO so far: no q around it could do better.
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
    """Log p(bottom half) of images (images, 784), were pixels independent -> (images,).

    Each pixel's probability is its share of the training images by Laplace's rule, (on + 1) / (n + 2). The
    top half tells nothing here: what a model gains over this figure, it has learnt.
    """
    bottom = slice(top_half(x).shape[-1], None)
    on = train[:, bottom].sum(0)
    logits = torch.log((on + 1) / (len(train) - on + 1))
    return bernoulli_log_density(x[:, bottom], logits).sum(-1)
