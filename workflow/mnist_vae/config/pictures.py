"""Sections of the configuration about pictures; the commands behind them have them as options."""

from dataclasses import dataclass
from typing import Annotated

from mnist_vae.parameters import Parameter, Settings
from mnist_vae.study.recipe import FitSettings

PUBLISHED_IMAGES = (14, 119, 998)  # the assignment's


@dataclass(frozen=True)
class PriorSamples(Settings):
    """Digits drawn from the prior."""

    draws: Annotated[int, Parameter("number of draws, pictures per row", minimum=1, maximum=20)] = 10


@dataclass(frozen=True)
class Interpolation(Settings):
    """Interpolation between encoded images."""

    images: Annotated[
        tuple[int, ...] | None,
        Parameter(
            "indices of three training images, zero-based, below the model's train size",
            minimum=0,
            entries=(3, 3),
            shown="empty: `[14, 119, 998]`, in mnist a 1, a 0 and a 3; below n = 999 the first three",
        ),
    ] = None


@dataclass(frozen=True)
class LatentManifold(Settings):
    """Decoded grid of the latent plane."""

    window: Annotated[
        float | None,
        Parameter(
            "the grid spans ±window in both latent dimensions",
            above=0,
            maximum=100,
            shown="empty: as far as the training images' codes reach",
        ),
    ] = None
    size: Annotated[int, Parameter("number of pictures along a side", minimum=2, maximum=60)] = 21


@dataclass(frozen=True)
class TopHalf(FitSettings):
    """The bottom of an image, given its top."""

    images: Annotated[
        tuple[int, ...],
        Parameter(
            "indices of the test images whose bottom is inferred, zero-based",
            minimum=0,
            entries=(1, 12),
            unique=True,
        ),
    ] = (0, 1, 2, 3)
    training_images: Annotated[
        tuple[int, ...],
        Parameter(
            "indices of the training images whose bottom is inferred, zero-based; the assignment's is 14, in "
            "mnist a 1",
            minimum=0,
            entries=(0, 12),
            unique=True,
        ),
    ] = (14,)
    completions: Annotated[int, Parameter("number of draws z ~ q shown per image", minimum=1, maximum=12)] = 4
