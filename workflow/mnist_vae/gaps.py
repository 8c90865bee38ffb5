"""How far bounds lie below log p(x), and why (SPEC, 'Beyond the reference'). All in nats.

-ELBO = -log p(x) + KL(q || p(z | x)). Refining q image by image splits the KL in two: what the encoder could
have done better (amortization gap), and what no factorized Gaussian could (approximation gap; Cremer, Li &
Duvenaud 2018).
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.densities import TOP_HALF, bernoulli_log_density
from mnist_vae.inference import refine
from mnist_vae.marginal import (
    IMAGES_A_CHUNK,
    DecodedGrid,
    integrate,
    kl_to_posterior,
    log_joint,
    q_edge_mass,
    require_inside,
)
from mnist_vae.model import VAE


class EncoderGap(NamedTuple):
    """Of each image (images,): log p(x) and the KL of the encoder's q to p(z | x)."""

    log_px: Tensor
    kl: Tensor


class Gaps(NamedTuple):
    """The same, the KL of q refined from the encoder's answer, and that of the best q that was found.

    The ascent from the encoder's answer can end in a lesser mode of the posterior. The best q is the better
    of that one and of one refined from the posterior's peak, which only the grid can tell.
    """

    log_px: Tensor
    kl: Tensor
    kl_refined: Tensor
    kl_best: Tensor


@torch.inference_mode()
def encoder_gap(vae: VAE, decoded: DecodedGrid, x: Tensor, model: str, way_out: str) -> EncoderGap:
    """Measure images (images, 784). Raises InputError, naming model and way out, if the grid is narrow."""
    found = [
        (log_px, kl_to_posterior(table, log_px, decoded.grid.axis, mean, log_std))
        for table, log_px, mean, log_std in _chunks(vae, decoded, x, model, way_out)
    ]
    return EncoderGap(*map(torch.cat, zip(*found, strict=True)))


@torch.inference_mode()
def gaps(vae: VAE, decoded: DecodedGrid, x: Tensor, model: str, way_out: str) -> Gaps:
    """The same, and refine q."""
    axis = decoded.grid.axis
    found = []
    for table, log_px, mean, log_std in _chunks(vae, decoded, x, model, way_out):
        peak = decoded.grid.z[table.argmax(-1)]
        candidates = (mean, log_std), refine(table, axis, mean, log_std), refine(table, axis, peak, log_std)
        kl, kl_refined, kl_from_peak = (kl_to_posterior(table, log_px, axis, *q) for q in candidates)
        found.append((log_px, kl, kl_refined, torch.minimum(kl_refined, kl_from_peak)))
    return Gaps(*map(torch.cat, zip(*found, strict=True)))


def _chunks(
    vae: VAE, decoded: DecodedGrid, x: Tensor, model: str, way_out: str
) -> Iterator[tuple[Tensor, ...]]:
    """Log-joints, log p(x) and the encoder's q, some images at a time."""
    for images in x.split(IMAGES_A_CHUNK):
        table = log_joint(decoded, images)
        log_px, edge_mass = integrate(table.clone())
        mean, log_std = vae.encoder(images)
        for mass in (edge_mass, q_edge_mass(decoded.grid.axis, mean, log_std)):
            require_inside(mass, decoded.grid, model, way_out)
        yield table, log_px, mean, log_std


def independent_pixels(train: Tensor, x: Tensor) -> Tensor:
    """Log p(bottom half) of images (images, 784), were pixels independent -> (images,).

    Each pixel's probability is its share of the training images by Laplace's rule, (on + 1) / (n + 2). The
    top half tells nothing here: what a model gains over this figure, it has learnt.
    """
    on = train[:, TOP_HALF:].sum(0)
    logits = torch.log((on + 1) / (len(train) - on + 1))
    return bernoulli_log_density(x[:, TOP_HALF:], logits).sum(-1)
