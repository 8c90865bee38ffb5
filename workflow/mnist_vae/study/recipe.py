"""The study's settings: how a model is trained (docs/model.md, part 2), how bounds are estimated, and how q
is fitted (part 4).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from mnist_vae.parameters import Parameter, Settings

LARGEST_SEED = 2**32 - 1
Seed = Annotated[int, Parameter("seed of initialization, order and noise", minimum=0, maximum=LARGEST_SEED)]
TrainSize = Annotated[int, Parameter("number of training images, always the first ones", minimum=1)]
Device = Annotated[
    Literal["cpu", "auto", "cuda"],
    Parameter(
        "device to train on: `cpu`, `cuda`, or `auto`, which takes a GPU if PyTorch finds one. Both draw the "
        "same batches and noise from a seed, but round sums differently. Quoted tables were made on the CPU"
    ),
]


@dataclass(frozen=True)
class Recipe(Settings):
    """How a model is trained. The defaults are the reference's: a constant rate, the same for all tensors."""

    epochs: Annotated[int, Parameter("passes through the training images", minimum=1)]
    batch_size: Annotated[int, Parameter("images per step", minimum=1)]
    learning_rate: Annotated[float, Parameter("Adam's step size", above=0)]
    decay: Annotated[
        float,
        Parameter(
            "final share of the steps, over which the learning rate falls linearly to 0; 0: constant",
            minimum=0,
            maximum=1,
        ),
    ] = 0.0
    latent_layer_rate: Annotated[
        float, Parameter("factor on the learning rate of the decoder's first layer", above=0)
    ] = 1.0
    initialization: Annotated[
        Literal["glorot", "pytorch"],
        Parameter(
            "initial weights: `glorot`, uniform with zero biases as in Flux; `pytorch`, PyTorch's default"
        ),
    ] = "glorot"
    augmentation: Annotated[
        float,
        Parameter(
            "strength of the random deformations of the images in each epoch: at 1, rotation up to ±10°, "
            "scale and shear up to ±10 %, shift up to ±0.5 pixels; 0: none",
            minimum=0,
            maximum=3,
        ),
    ] = 0.0
    hidden: Annotated[int, Parameter("units of each network's hidden layer", minimum=1)] = 500
    latent: Annotated[int, Parameter("dimensions of the latent space", minimum=1)] = 2
    beta: Annotated[float, Parameter("weight of the KL divergence in the training objective", above=0)] = 1.0

    def rate_factor(self, progress: float) -> float:
        """The factor on the learning rate after a share `progress`, 0 to 1, of the training."""
        return min(1.0, (1 - progress) / self.decay) if self.decay else 1.0

    def rate_of(self, parameter: str) -> float:
        """The learning rate of the VAE's parameter of this name."""
        is_latent_layer = parameter.startswith("decoder.hidden.")
        return self.learning_rate * (self.latent_layer_rate if is_latent_layer else 1.0)


@dataclass(frozen=True)
class Draws(Settings):
    """Estimates of the ELBO."""

    draws: Annotated[int, Parameter("draws of z per image, for -ELBO on whole splits", minimum=1)] = 3
    first_100_draws: Annotated[
        int,
        Parameter(
            "draws of z per image, for -ELBO on the first 100 test images, as in the reference", minimum=2
        ),
    ] = 100


@dataclass(frozen=True)
class FitSettings(Settings):
    """How q is fitted to the top half of an image."""

    starts: Annotated[
        int, Parameter("random starts per image; the best is kept", minimum=1, maximum=1000)
    ] = 12
    draws: Annotated[int, Parameter("draws of z per step", minimum=1)] = 50
    steps: Annotated[
        int,
        Parameter(
            "most steps of gradient ascent; converged fits stop earlier. The assignment's 100 are too few to "
            "reach distant codes from a random start",
            minimum=1,
        ),
    ] = 1000
    learning_rate: Annotated[float, Parameter("Adam's step size", above=0)] = 0.01
