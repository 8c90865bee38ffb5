"""Decode a regular grid of the latent plane."""

from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.errors import InputError
from mnist_vae.files.storage import load_provenance, save_arrays
from mnist_vae.files.weights import load_weights


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("output", help="where the axis and the Bernoulli means go (.safetensors)")
    parser.add_argument("--window", type=float, required=True, help="the grid spans [-window, window]^2")
    parser.add_argument("--size", type=int, required=True, help="pictures along a side")


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Bernoulli means at every point; rows run along the second latent dimension, upwards."""
    decoder = load_weights(options.weights).decoder
    if (latent := decoder.hidden.in_features) != 2:
        raise InputError(f"{options.weights} has {latent} latent dimensions; a grid of the latent plane needs 2")
    axis = torch.linspace(-options.window, options.window, options.size)
    z = torch.cartesian_prod(axis, axis).flip(-1).view(options.size, options.size, 2)
    means = torch.sigmoid(decoder(z))
    save_arrays(
        options.output, {"axis": axis.numpy(), "means": means.numpy()}, load_provenance(options.weights)
    )
