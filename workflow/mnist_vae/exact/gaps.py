"""How far bounds lie below log p(x), and why (SPEC, 'Beyond the reference'). All in nats.

-ELBO = -log p(x) + KL(q || p(z | x)). Refining q image by image splits the KL in two: what the encoder could
have done better (amortization gap), and what no factorized Gaussian could (approximation gap; Cremer, Li &
Duvenaud 2018).
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.exact.marginal import DecodedGrid, LowRankDecoder, Marginal, log_marginals, require_inside
from mnist_vae.exact.refine import elbo_by_quadrature, refine
from mnist_vae.study.blocks import in_blocks
from mnist_vae.study.densities import TOP_HALF, bernoulli_log_density, joint_log_density
from mnist_vae.study.networks import VAE

FEW_NODES = 4, 5  # of quadrature along each dimension
AGREEMENT = 5e-3  # nats between these: the larger is then off by a small part of that
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
    log_px = _marginals(decoded, x, model, way_out).log_density
    return EncoderGap(log_px, log_px - _elbo(decoded.decoder, x, *vae.encoder(x)))


@torch.inference_mode()
def gaps(vae: VAE, decoded: DecodedGrid, x: Tensor, model: str, way_out: str) -> Gaps:
    """The same, and refine q."""
    log_px, _, peak = _marginals(decoded, x, model, way_out)
    q = vae.encoder(x)
    mean, log_std = refined = refine(decoded.decoder, x, *q)
    refined_elbo = _elbo(decoded.decoder, x, *refined)
    best_elbo = refined_elbo.clone()
    elsewhere = (torch.abs(peak - mean) > OTHER_MODE * torch.exp(log_std)).any(-1)
    if elsewhere.any():
        there = x[elsewhere]
        from_peak = refine(decoded.decoder, there, peak[elsewhere], log_std[elsewhere])
        best_elbo[elsewhere] = torch.maximum(
            refined_elbo[elsewhere], _elbo(decoded.decoder, there, *from_peak)
        )
    return Gaps(log_px, log_px - _elbo(decoded.decoder, x, *q), log_px - refined_elbo, log_px - best_elbo)


def _marginals(decoded: DecodedGrid, x: Tensor, model: str, way_out: str) -> Marginal:
    found = log_marginals(decoded, x)
    require_inside(found.edge_mass, decoded.grid, model, way_out)
    return found


def _elbo(decoder: LowRankDecoder, x: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """By quadrature, whose full number of nodes is for images on which two smaller ones disagree."""
    log_joint = partial(in_blocks, partial(joint_log_density, decoder))
    fewer, elbo = (elbo_by_quadrature(partial(log_joint, x), mean, log_std, nodes) for nodes in FEW_NODES)
    unsure = torch.abs(fewer - elbo) > AGREEMENT
    if unsure.any():
        elbo[unsure] = elbo_by_quadrature(partial(log_joint, x[unsure]), mean[unsure], log_std[unsure])
    return elbo.double()


def independent_pixels(train: Tensor, x: Tensor) -> Tensor:
    """Log p(bottom half) of images (images, 784), were pixels independent -> (images,).

    Each pixel's probability is its share of the training images by Laplace's rule, (on + 1) / (n + 2). The
    top half tells nothing here: what a model gains over this figure, it has learnt.
    """
    on = train[:, TOP_HALF:].sum(0)
    logits = torch.log((on + 1) / (len(train) - on + 1))
    return bernoulli_log_density(x[:, TOP_HALF:], logits).sum(-1)
