"""What the public functions need of their arguments, checked before their loops begin."""

import torch
from torch import Tensor

from mnist_vae.errors import InputError
from mnist_vae.study.images import PIXELS
from mnist_vae.study.networks import VAE, Decoder


def require_binary_images(images: Tensor, network: VAE | Decoder) -> None:
    """Raise InputError unless images are (n, 784), n >= 1, of 0 and 1, like the network's own numbers."""
    parameter = next(network.parameters())
    if images.ndim != 2 or images.shape[1] != PIXELS or not len(images):
        raise InputError(f"images have the shape {tuple(images.shape)}; give one or more, (n, {PIXELS})")
    if images.dtype != parameter.dtype:
        raise InputError(
            f"images are {images.dtype}, the model {parameter.dtype}; "
            f"convert them: images.to({parameter.dtype})"
        )
    if images.device != parameter.device:
        raise InputError(
            f"images are on {images.device}, the model on {parameter.device}; "
            f"move them: images.to({str(parameter.device)!r})"
        )
    if not (binary := (images == 0) | (images == 1)).all():
        raise InputError(
            f"images have a pixel of {images[~binary][0].item():g}; every pixel must be 0 or 1. "
            "Binarize them first: (grey > 0.5) for grey values in [0, 1], (grey >= 128) for 0 to 255"
        )


def require_cpu_generator(generator: torch.Generator) -> None:
    """Raise InputError unless the generator is a CPU's: noise is drawn there, so any device trains alike."""
    if generator.device.type != "cpu":
        raise InputError(f"the generator is on {generator.device}; give a CPU's: torch.Generator()")


def require_at_least(least: int, **counts: int) -> None:
    """Raise InputError, naming it, if one of these numbers is smaller."""
    for name, count in counts.items():
        if count < least:
            raise InputError(f"{name} is {count}; it must be at least {least}")


def require_positive(**numbers: float) -> None:
    """Raise InputError, naming it, if one of these numbers is not above 0 (nan is not)."""
    for name, number in numbers.items():
        if not 0 < number < float("inf"):
            raise InputError(f"{name} is {number}; it must be above 0, and finite")
