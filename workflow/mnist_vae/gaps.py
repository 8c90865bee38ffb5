"""How far bounds lie below log p(x), and why (SPEC, 'Beyond the reference'). All in nats.

-ELBO = -log p(x) + KL(q || p(z | x)). Refining q image by image splits the KL in two: what the encoder could
have done better (amortization gap), and what no factorized Gaussian could (approximation gap; Cremer, Li &
Duvenaud 2018).
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.densities import TOP_HALF, bernoulli_log_density
from mnist_vae.inference import elbo_by_quadrature, refine
from mnist_vae.marginal import IMAGES_A_CHUNK, DecodedGrid, integrate, log_joint, require_inside
from mnist_vae.model import VAE, joint_log_density

OTHER_MODE = 3.0  # standard deviations of q beyond which the posterior's peak is another mode


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
        (log_px, log_px - _elbo(vae, images, *q))
        for images, _, log_px, q in _chunks(vae, decoded, x, model, way_out)
    ]
    return EncoderGap(*map(torch.cat, zip(*found, strict=True)))


@torch.inference_mode()
def gaps(vae: VAE, decoded: DecodedGrid, x: Tensor, model: str, way_out: str) -> Gaps:
    """The same, and refine q."""
    found = []
    for images, table, log_px, q in _chunks(vae, decoded, x, model, way_out):
        peak = decoded.grid.z[table.argmax(-1)]
        refined = refine(vae.decoder, images, *q)
        elbo, refined_elbo = _elbo(vae, images, *q), _elbo(vae, images, *refined)
        best_elbo = refined_elbo.clone()
        mean, log_std = refined
        elsewhere = (torch.abs(peak - mean) > OTHER_MODE * torch.exp(log_std)).any(-1)
        if elsewhere.any():
            from_peak = refine(vae.decoder, images[elsewhere], peak[elsewhere], log_std[elsewhere])
            elbo_there = _elbo(vae, images[elsewhere], *from_peak)
            best_elbo[elsewhere] = torch.maximum(refined_elbo[elsewhere], elbo_there)
        found.append((log_px, log_px - elbo, log_px - refined_elbo, log_px - best_elbo))
    return Gaps(*map(torch.cat, zip(*found, strict=True)))


def _elbo(vae: VAE, x: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    return elbo_by_quadrature(partial(joint_log_density, vae.decoder, x), mean, log_std).double()


def _chunks(
    vae: VAE, decoded: DecodedGrid, x: Tensor, model: str, way_out: str
) -> Iterator[tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor]]]:
    """Some images at a time: the table of their log-joints, log p(x) and the encoder's q."""
    for images in x.split(IMAGES_A_CHUNK):
        table = log_joint(decoded, images)
        log_px, edge_mass = integrate(table, decoded.grid)
        require_inside(edge_mass, decoded.grid, model, way_out)
        yield images, table, log_px, vae.encoder(images)


def independent_pixels(train: Tensor, x: Tensor) -> Tensor:
    """Log p(bottom half) of images (images, 784), were pixels independent -> (images,).

    Each pixel's probability is its share of the training images by Laplace's rule, (on + 1) / (n + 2). The
    top half tells nothing here: what a model gains over this figure, it has learnt.
    """
    on = train[:, TOP_HALF:].sum(0)
    logits = torch.log((on + 1) / (len(train) - on + 1))
    return bernoulli_log_density(x[:, TOP_HALF:], logits).sum(-1)
