"""Log p(x) by a plain sum over a lattice: what the adaptive sum (`marginal`) is compared with.

Right where the spacing is small beside a posterior's standard deviation, and wrong by nats where it is not.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from mnist_vae.exact.quadrature import lattice_of
from mnist_vae.study.densities import log_likelihood, log_prior

WINDOW = 8.0  # farther out a standard normal prior has nothing, and few codes lie
POINTS_A_BLOCK = 4096  # whose log-joints of all images are held at once


def lattice(spacing: float, dimension: int) -> Tensor:
    """The middles (points, d) of the squares of a side that fill [-WINDOW, WINDOW]^d."""
    return lattice_of(torch.arange(-WINDOW + spacing / 2, WINDOW, spacing), dimension)


@torch.inference_mode()
def lattice_log_px(decoder: Callable[[Tensor], Tensor], x: Tensor, dimension: int, spacing: float) -> Tensor:
    """Log p of images (images, pixels), in nats, by a sum over the lattice of a spacing: (images,), in double
    precision.
    """
    total = x.new_full((len(x),), -torch.inf, dtype=torch.float64)
    for some in lattice(spacing, dimension).split(POINTS_A_BLOCK):
        logits = decoder(some)
        # A Bernoulli log-likelihood is that of a blank image, and the logits of the pixels that are on.
        of_blank = log_likelihood(torch.zeros_like(logits), logits) + log_prior(some)
        log_joint = torch.addmm(of_blank, x, logits.T)
        total = torch.logaddexp(total, torch.logsumexp(log_joint, -1).double())
    return total + dimension * math.log(spacing)
