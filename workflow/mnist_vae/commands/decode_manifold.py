"""Decode a regular grid of the latent plane."""

import math
from argparse import ArgumentParser, Namespace

import numpy as np
import torch

from mnist_vae.config.pictures import LatentManifold
from mnist_vae.errors import InputError
from mnist_vae.files.storage import load_arrays, load_provenance, save_arrays
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("latents", help="what `encode` stored")
    parser.add_argument("output", help="where the axis and the Bernoulli means go (.safetensors)")
    add_options(parser, LatentManifold)


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Store the Bernoulli means at every point; rows run upwards along the second latent dimension."""
    decoder = load_weights(options.weights).decoder
    if (latent := decoder.hidden.in_features) != 2:
        raise InputError(
            f"{options.weights} has {latent} latent dimensions; a grid of the latent plane needs 2"
        )
    window = options.window or reach(load_arrays(options.latents)["mean"])
    axis = torch.linspace(-window, window, options.size)
    z = torch.cartesian_prod(axis, axis).flip(-1).view(options.size, options.size, 2)
    means = torch.sigmoid(decoder(z))
    save_arrays(
        options.output, {"axis": axis.numpy(), "means": means.numpy()}, load_provenance(options.weights)
    )


def reach(mean: np.ndarray) -> float:
    """Return how far encoder means (count, 2) lie from 0 along either axis, rounded up to a half unit."""
    return math.ceil(2 * float(np.abs(mean).max())) / 2
