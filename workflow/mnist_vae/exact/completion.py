"""Where an image's posterior given its top half lies."""

import torch
from torch import Tensor

from mnist_vae.exact.marginal import Grid, mass_level

WINDOW_MASS = 0.99
WINDOW_STDS = 3.0


def posterior_window(log_joint: Tensor, grid: Grid, mean: Tensor, log_std: Tensor) -> Tensor:
    """Find where posterior and q lie: per image (low, high) of each latent dimension, (images, 2, 2).

    It spans the smallest region with WINDOW_MASS of the posterior, given as log-joints (images, size^2) on
    the grid, and WINDOW_STDS standard deviations of q. A fixed window can miss either: codes reach |z| = 5.5.
    """
    near = log_joint >= mass_level(log_joint, WINDOW_MASS)[:, None]
    margin = grid.axis[1] - grid.axis[0]
    reach = WINDOW_STDS * torch.exp(log_std)
    low = torch.stack([grid.z[inside].amin(0) for inside in near]) - margin
    high = torch.stack([grid.z[inside].amax(0) for inside in near]) + margin
    return torch.stack([torch.minimum(low, mean - reach), torch.maximum(high, mean + reach)], dim=-1)
