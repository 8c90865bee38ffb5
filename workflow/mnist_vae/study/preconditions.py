"""Checks of the public functions' arguments, made before their loops."""

import torch
from torch import Tensor

from mnist_vae.errors import InputError
from mnist_vae.study.images import PIXELS
from mnist_vae.study.networks import VAE, Decoder


def require_binary_images(images: Tensor, network: VAE | Decoder) -> None:
    """Raise InputError unless images (n, 784) are 0 and 1, n >= 1, with the network's dtype and device."""
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
    """Raise InputError unless the generator is a CPU's, so that all devices train on the same noise."""
    if generator.device.type != "cpu":
        raise InputError(f"the generator is on {generator.device}; give a CPU's: torch.Generator()")


def require_at_least(least: int, **counts: int) -> None:
    """Raise InputError, which names it, if one of these numbers is below `least`."""
    for name, count in counts.items():
        if count < least:
            raise InputError(f"{name} is {count}; it must be at least {least}")


def require_positive(**numbers: float) -> None:
    """Raise InputError, which names it, unless each of these numbers is above 0 and finite."""
    for name, number in numbers.items():
        if not 0 < number < float("inf"):
            raise InputError(f"{name} is {number}; it must be above 0, and finite")
