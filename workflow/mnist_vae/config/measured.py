"""What is measured of the models: sections of the configuration, and options of the commands that measure."""

from dataclasses import dataclass
from typing import Annotated

from mnist_vae.parameters import Parameter, Settings


@dataclass(frozen=True)
class Gaps(Settings):
    """Amortization and approximation gaps."""

    images: Annotated[
        int,
        Parameter("number of the first images of each split whose gaps are measured", minimum=2),
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
            "number of the first training and test images that they are measured on; for the reference "
            "recipe's largest model, all test images",
            minimum=2,
        ),
    ] = 500


@dataclass(frozen=True)
class ImportanceWeighting(Settings):
    """Importance-weighted bounds."""

    images: Annotated[
        int, Parameter("number of the first test images whose bounds are computed", minimum=2)
    ] = 100
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
        int, Parameter("number of the first test images whose posteriors methods infer", minimum=3)
    ] = 200


@dataclass(frozen=True)
class Benchmarks(Settings):
    """Timings."""

    rounds: Annotated[
        int, Parameter("number of rounds; each round times every contender once", minimum=1)
    ] = 9
    images: Annotated[
        int, Parameter("number of the first training images in an epoch", minimum=100, maximum=4000)
    ] = 2000
