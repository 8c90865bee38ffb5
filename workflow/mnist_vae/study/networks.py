"""The two networks, encoder and decoder, with one tanh layer each (docs/model.md, parts 1 and 2)."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mnist_vae.errors import InputError
from mnist_vae.study.images import PIXELS, TOP_PIXELS

INITIALIZATIONS = ("glorot", "pytorch")


class Encoder(nn.Module):
    """Amortized inference: images (..., 784) -> mean and log_std of q(z | x), (..., latent) each."""

    def __init__(self, hidden: int, latent: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(PIXELS, hidden)
        self.output = nn.Linear(hidden, 2 * latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return (mean, log_std)."""
        mean, log_std = self.output(torch.tanh(self.hidden(x))).chunk(2, dim=-1)
        return mean, log_std


class Decoder(nn.Module):
    """The likelihood's parameters: latents (..., latent) -> Bernoulli logits (..., 784)."""

    def __init__(self, hidden: int, latent: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(latent, hidden)
        self.output = nn.Linear(hidden, PIXELS)

    def forward(self, z: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.output(torch.tanh(self.hidden(z)))
        return logits


class TopHalfDecoder(nn.Module):
    """A decoder's logits of the top half alone: (..., latent) -> (..., 392), in half the time."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.hidden = decoder.hidden
        self.weight, self.bias = decoder.output.weight[:TOP_PIXELS], decoder.output.bias[:TOP_PIXELS]

    def forward(self, z: Tensor) -> Tensor:
        """Return the logits."""
        return F.linear(torch.tanh(self.hidden(z)), self.weight, self.bias)


class VAE(nn.Module):
    """Encoder and decoder, whose tensors are named encoder.* and decoder.* in the weight files."""

    def __init__(
        self,
        generator: torch.Generator | None = None,
        initialization: str = "glorot",
        hidden: int = 500,
        latent: int = 2,
    ) -> None:
        """Draw the parameters: "glorot", uniform with zero biases as in Flux, or "pytorch", its default.

        Glorot & Bengio 2010, eq. 16. PyTorch's weights and biases are uniform within 1 / sqrt(inputs). The
        two networks have `hidden` tanh units each; z has `latent` dimensions. Raises InputError for another
        initialization, or sizes below 1.
        """
        super().__init__()
        if initialization not in INITIALIZATIONS:
            raise InputError(
                f"initialization is {initialization!r}; it must be one of {', '.join(INITIALIZATIONS)}"
            )
        if min(hidden, latent) < 1:
            raise InputError(f"hidden is {hidden} and latent {latent}; each must be at least 1")
        self.encoder = Encoder(hidden, latent)
        self.decoder = Decoder(hidden, latent)
        for layer in (self.encoder.hidden, self.encoder.output, self.decoder.hidden, self.decoder.output):
            if initialization == "glorot":
                nn.init.xavier_uniform_(layer.weight, generator=generator)
                nn.init.zeros_(layer.bias)
            else:
                reach = layer.in_features**-0.5
                for parameter in layer.parameters():
                    nn.init.uniform_(parameter, -reach, reach, generator=generator)

    @property
    def hidden(self) -> int:
        """Tanh units of either network."""
        return self.decoder.hidden.out_features

    @property
    def latent(self) -> int:
        """Dimensions of z."""
        return self.decoder.hidden.in_features


def weight_arrays(vae: VAE) -> dict[str, np.ndarray]:
    """Copies of a model's parameters, by name."""
    return {name: tensor.cpu().numpy().copy() for name, tensor in vae.state_dict().items()}
