"""The two networks: encoder and decoder, one tanh layer of 500 units each (SPEC, parts 1 and 2)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mnist_vae.study.densities import TOP_HALF, log_likelihood, log_prior, top_half
from mnist_vae.study.images import PIXELS

HIDDEN = 500
LATENT = 2


class Encoder(nn.Module):
    """Amortized inference: images (..., 784) -> mean and log_std of q(z | x), (..., 2) each."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(PIXELS, HIDDEN)
        self.output = nn.Linear(HIDDEN, 2 * LATENT)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return (mean, log_std)."""
        return self.output(torch.tanh(self.hidden(x))).chunk(2, dim=-1)


class Decoder(nn.Module):
    """The likelihood's parameters: latents (..., 2) -> Bernoulli logits (..., 784)."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(LATENT, HIDDEN)
        self.output = nn.Linear(HIDDEN, PIXELS)

    def forward(self, z: Tensor) -> Tensor:
        """Return the logits."""
        return self.output(torch.tanh(self.hidden(z)))


class TopHalfDecoder(nn.Module):
    """The same decoder's logits of the top half alone: latents (..., 2) -> (..., 392), in half the time."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.hidden = decoder.hidden
        self.weight, self.bias = decoder.output.weight[:TOP_HALF], decoder.output.bias[:TOP_HALF]

    def forward(self, z: Tensor) -> Tensor:
        """Return the logits."""
        return F.linear(torch.tanh(self.hidden(z)), self.weight, self.bias)


class VAE(nn.Module):
    """Encoder and decoder, whose tensors are named encoder.* and decoder.* in the weight files."""

    def __init__(self, generator: torch.Generator | None = None, initialization: str = "glorot") -> None:
        """Draw the parameters: "glorot", uniform with zero biases as in Flux, or "pytorch", its default.

        Glorot & Bengio 2010, eq. 16. PyTorch's weights and biases are uniform within 1 / sqrt(inputs).
        """
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
        for layer in (self.encoder.hidden, self.encoder.output, self.decoder.hidden, self.decoder.output):
            if initialization == "glorot":
                nn.init.xavier_uniform_(layer.weight, generator=generator)
                nn.init.zeros_(layer.bias)
            else:
                reach = layer.in_features**-0.5
                for parameter in layer.parameters():
                    nn.init.uniform_(parameter, -reach, reach, generator=generator)
        # An input's weights side by side in memory: training adds up those of the pixels that are lit, and
        # multiplies fastest by the decoder's.
        for layer in (self.encoder.hidden, self.decoder.hidden, self.decoder.output):
            layer.weight = nn.Parameter(layer.weight.detach().T.contiguous().T)


def joint_log_density(decoder: Decoder, x: Tensor, z: Tensor) -> Tensor:
    """Log p(x, z): images (..., 784), latents (..., 2) -> (...)."""
    return log_prior(z) + log_likelihood(x, decoder(z))


def top_half_log_likelihood(decoder: Decoder, x: Tensor, z: Tensor) -> Tensor:
    """Log p(top half of x | z): images (..., 784), latents (..., 2) -> (...). The bottom half is not read."""
    return log_likelihood(top_half(x), top_half(decoder(z)))


def top_half_joint(decoder: Decoder, x: Tensor, z: Tensor) -> Tensor:
    """Log p(top half of x, z): images (..., 784), latents (..., 2) -> (...)."""
    return log_prior(z) + top_half_log_likelihood(decoder, x, z)
