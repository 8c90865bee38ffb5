"""Sections of the configuration about measurements; the commands that measure have them as options."""

from dataclasses import dataclass
from typing import Annotated

from mnist_vae.parameters import Parameter, Settings


@dataclass(frozen=True)
class Gaps(Settings):
    """Amortization and approximation gaps."""

    images: Annotated[
        int, Parameter("number of images per split used to measure gaps; always the first ones", minimum=2)
    ] = 1000


@dataclass(frozen=True)
class Snapshots(Settings):
    """Weights during training."""

    epochs: Annotated[
        tuple[int, ...],
        Parameter(
            "epochs after which the weights of each recipe's first seed are kept, besides the last",
            minimum=1,
            unique=True,
        ),
    ] = (5, 10, 20, 50, 100)
    images: Annotated[
        int,
        Parameter(
            "number of images per split used to measure snapshots, always the first ones; for the reference "
            "recipe's largest model, all test images",
            minimum=2,
        ),
    ] = 500


@dataclass(frozen=True)
class ImportanceWeighting(Settings):
    """Importance-weighted bounds."""

    images: Annotated[int, Parameter("number of test images used; always the first ones", minimum=2)] = 100
    draws: Annotated[
        tuple[int, ...],
        Parameter(
            "numbers of draws per bound; each divides the largest", minimum=1, unique=True, divisors=True
        ),
    ] = (1, 10, 100, 1000)


@dataclass(frozen=True)
class Inference(Settings):
    """Methods of inference against exact posteriors."""

    images: Annotated[
        int,
        Parameter("number of test images whose posteriors are inferred; always the first ones", minimum=3),
    ] = 200


@dataclass(frozen=True)
class Benchmarks(Settings):
    """Timings."""

    rounds: Annotated[
        int, Parameter("number of rounds; each round times every contender once", minimum=1)
    ] = 9
    images: Annotated[
        int,
        Parameter("number of training images in an epoch; always the first ones", minimum=100, maximum=4000),
    ] = 2000
