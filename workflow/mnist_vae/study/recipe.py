"""Recipes: all that says how a model is trained (docs/model.md, part 2), and what stronger recipes add."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. The defaults are the reference's: a constant rate, the same for all tensors.

    Over the last `decay` of all steps the learning rate falls linearly to zero. `latent_layer_rate` multiplies
    it for the decoder's first layer, which z enters. `beta` weighs the KL in the training objective.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    decay: float = 0.0
    latent_layer_rate: float = 1.0
    initialization: str = "glorot"
    augmentation: float = 0.0
    hidden: int = 500
    latent: int = 2
    beta: float = 1.0

    def rate_factor(self, progress: float) -> float:
        """What is left of the learning rate when `progress`, 0 to 1, of the training is done."""
        return min(1.0, (1 - progress) / self.decay) if self.decay else 1.0
