"""The reference recipe's epoch by pythae, a library of VAEs, if that is installed."""

import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from mnist_vae.benchmarks.epochs import BATCH, RATE
from mnist_vae.study.images import PIXELS
from mnist_vae.study.recipe import Recipe

if INSTALLED := find_spec("pythae") is not None:
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
else:
    BaseDecoder = BaseEncoder = nn.Module

HIDDEN, LATENT = Recipe.hidden, Recipe.latent


class Encoder(BaseEncoder):
    """The reference's encoder, with the logarithm of the variance in place of log_std."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(PIXELS, HIDDEN), nn.Tanh())
        self.mean, self.log_variance = nn.Linear(HIDDEN, LATENT), nn.Linear(HIDDEN, LATENT)

    def forward(self, x: Tensor) -> Any:
        """Encode images (batch, 784), with the names that pythae expects."""
        hidden = self.hidden(x)
        return ModelOutput(embedding=self.mean(hidden), log_covariance=self.log_variance(hidden))


class Decoder(BaseDecoder):
    """The reference's decoder, with probabilities as outputs: pythae has no loss on logits."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(LATENT, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, PIXELS), nn.Sigmoid()
        )

    def forward(self, z: Tensor) -> Any:
        """Decode latents (batch, latent), with the name that pythae expects."""
        return ModelOutput(reconstruction=self.layers(z))


def trainer(images: Tensor) -> Any:
    """A pythae trainer for a new model on images (n, 784): its `train_step` is an epoch."""
    shape = VAEConfig(input_dim=(PIXELS,), latent_dim=LATENT, reconstruction_loss="bce")
    data = BaseDataset(images, torch.zeros(len(images)))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:  # where it would store models
        how = BaseTrainerConfig(
            output_dir=folder, per_device_train_batch_size=BATCH, learning_rate=RATE, no_cuda=True
        )
        found = BaseTrainer(VAE(shape, Encoder(), Decoder()), train_dataset=data, training_config=how)
        found.prepare_training()
    return found


def by_pythae(images: Tensor) -> Callable[[], int]:
    """An epoch of pythae's trainer: DataLoader, autograd, Adam."""
    train = trainer(images).train_step

    def epoch() -> int:
        train(1)
        return -(-len(images) // BATCH)

    return epoch
