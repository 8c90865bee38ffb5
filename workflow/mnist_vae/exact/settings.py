"""The settings of sums over the latent space."""

from dataclasses import dataclass
from typing import Annotated

from mnist_vae.parameters import Parameter, Settings

SUMMED_DIMENSIONS = 2  # largest latent dimension with sums; beyond, log p(x) is an estimate


@dataclass(frozen=True)
class Marginal(Settings):
    """Sums over the latent space, such as log p(x)."""

    tolerance: Annotated[
        float,
        Parameter(
            "largest error of a sum over the latent space, in nats per image; a sum is refined until its "
            "estimated error is smaller (`largest_error` in the tables)",
            minimum=1e-4,
            maximum=0.1,
        ),
    ] = 1e-3
    window: Annotated[
        float,
        Parameter(
            "sums start over ±window in each latent dimension; the window grows up to ±40 while images have "
            "mass at its edge",
            above=0,
            maximum=40,
        ),
    ] = 10.0
