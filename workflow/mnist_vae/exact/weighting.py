"""Gaps between importance-weighted bounds and exact log p(x), in nats."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_vae.exact.answers import LatentSpace
from mnist_vae.exact.refine import log_joints
from mnist_vae.study.densities import log_q
from mnist_vae.study.networks import VAE
from mnist_vae.study.objective import importance_weighted_bound, reparameterize


class Shortfall(NamedTuple):
    """Gap between the bound by k draws from a proposal, "encoder" or "refined", and log p(x): (images,).
    error (images,) is that of log p(x).
    """

    proposal: str
    k: int
    below_log_px: Tensor
    error: Tensor


@torch.inference_mode()
def importance_weighted_shortfalls(
    vae: VAE, space: LatentSpace, x: Tensor, draws: Sequence[int], generator: torch.Generator
) -> Iterator[Shortfall]:
    """Measure images (images, 784) at each number of draws, all of which divide the largest.

    The refined q starts at the posterior's peak: an ascent from the encoder's q can end in a lesser mode,
    whose draws would miss most of p(x) at any k.
    """
    log_px, error, modes, *_ = space.log_marginals(x)
    log_joint = log_joints(vae.decoder, x)
    encoded = vae.encoder(x)
    refined = space.refine(x, modes[:, 0].to(x), encoded[1])
    for proposal, (mean, log_std) in (("encoder", encoded), ("refined", refined)):
        noise = torch.randn(max(draws), *mean.shape, generator=generator).to(mean)
        z = reparameterize(mean, log_std, noise)
        log_weights = (log_joint(torch.arange(len(x)), z) - log_q(mean, log_std, z)).double()
        for k in sorted(draws):
            yield Shortfall(proposal, k, log_px - importance_weighted_bound(log_weights, k), error)
