"""A few images' posteriors, with what some methods make of them, for the figure."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mnist_vae.exact.posterior import ExactPosterior
from mnist_vae.inference.problem import Answer

IMAGES = 3  # those whose heaviest mode has the least mass
METHODS = ("encoder's q", "factorized Gaussian", "mixture of 4 Gaussians", "tempered SMC")
DRAWS = 200  # draws shown of each method
POINTS = 80  # along each side of the window
MARGIN = 0.15  # margin of the window around exact draws, as a share of their range


class Shown:
    """Collects the arrays of the figure."""

    def __init__(self, posteriors: Sequence[ExactPosterior], x: Tensor) -> None:
        heaviest = torch.stack([each.mode_masses[0] for each in posteriors])
        self.images = heaviest.argsort()[:IMAGES]
        self.posteriors = [posteriors[image] for image in self.images]
        self.pixels = x[self.images]
        self.draws: dict[str, Tensor] = {}

    def add(self, method: str, answer: Answer) -> None:
        """Keep draws of an answer, if its method is shown; those of a later answer replace them."""
        if method not in METHODS or answer.draws is None:
            return
        weights = torch.ones(answer.draws.shape[:2])
        if answer.log_weights is not None:
            weights = torch.softmax(answer.log_weights, 0)
        generator = torch.Generator().manual_seed(0)
        chosen = torch.multinomial(weights.T[self.images], DRAWS, replacement=True, generator=generator)
        self.draws[method] = torch.stack(
            [answer.draws[c, i] for c, i in zip(chosen, self.images, strict=True)]
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Images (3, 784) and their indices; axes (3, 2, points) and log_density (3, points, points) of
        posteriors, the first dimension along the columns; and draws (methods, 3, draws, 2) of methods, whose
        names are bytes.
        """
        generator = torch.Generator().manual_seed(0)
        axes, log_density = [], []
        for posterior in self.posteriors:
            z = posterior.draws(1000, generator)
            low, high = z.amin(0), z.amax(0)
            low, high = low - MARGIN * (high - low), high + MARGIN * (high - low)
            share = torch.linspace(0, 1, POINTS, dtype=torch.float64)
            axes.append(low[:, None] + share * (high - low)[:, None])
            grid = torch.stack(torch.meshgrid(*axes[-1], indexing="xy"), -1)
            log_density.append(posterior.log_density(grid.flatten(0, 1)).view(POINTS, POINTS))
        found = {
            "images": self.pixels,
            "indices": self.images,
            "axes": torch.stack(axes),
            "log_density": torch.stack(log_density),
            "draws": torch.stack([self.draws[method] for method in METHODS]).float(),
        }
        names = np.frombuffer("\n".join(METHODS).encode(), np.uint8)
        return {"methods": names} | {name: each.numpy() for name, each in found.items()}
