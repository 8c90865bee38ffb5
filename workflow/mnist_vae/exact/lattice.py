"""Log p(x) by a plain sum over a lattice, to compare the integrator with.

It is accurate if the spacing is small compared with a posterior's standard deviation; otherwise it can be
wrong by nats.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from mnist_vae.exact.quadrature import lattice_of
from mnist_vae.study.densities import log_likelihood, log_prior

WINDOW = 8.0  # beyond it a standard normal prior has almost no mass, and there are few codes
LOG_JOINTS_A_BLOCK = 4096  # points, whose log-joints of all images are held at once


def lattice(spacing: float, dimension: int) -> Tensor:
    """The middles (points, d) of the squares with sides of this spacing that fill [-WINDOW, WINDOW]^d."""
    return lattice_of(torch.arange(-WINDOW + spacing / 2, WINDOW, spacing), dimension)


@torch.inference_mode()
def lattice_log_px(decoder: Callable[[Tensor], Tensor], x: Tensor, dimension: int, spacing: float) -> Tensor:
    """Log p of images (images, pixels) by a sum over the lattice: (images,), in nats and double precision."""
    total = x.new_full((len(x),), -torch.inf, dtype=torch.float64)
    for some in lattice(spacing, dimension).split(LOG_JOINTS_A_BLOCK):
        logits = decoder(some)
        # A Bernoulli log-likelihood is a blank image's plus the logits of the pixels that are on.
        of_blank = log_likelihood(torch.zeros_like(logits), logits) + log_prior(some)
        log_joint = torch.addmm(of_blank, x, logits.T)
        total = torch.logaddexp(total, torch.logsumexp(log_joint, -1).double())
    return total + dimension * math.log(spacing)
