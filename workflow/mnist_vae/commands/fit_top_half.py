"""Fit q to the top half of test images."""

from argparse import ArgumentParser, Namespace

import numpy as np
import torch

from mnist_vae.data.digits import load_digits
from mnist_vae.files.storage import load_provenance, save_arrays
from mnist_vae.files.weights import load_weights
from mnist_vae.study.svi import fit_top_half


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("output", help="where q, the trace and the images go (.safetensors)")
    parser.add_argument("--images", type=int, nargs="+", required=True, help="test images, zero-based")
    parser.add_argument("--draws", type=int, required=True, help="draws of z per step and image")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)


def run(options: Namespace) -> None:
    """Fit all images at once."""
    images, labels = load_digits(options.digits, "test", max(options.images) + 1)
    provenance = load_provenance(options.weights)
    x = torch.from_numpy(images[options.images])
    fit = fit_top_half(
        load_weights(options.weights).decoder,
        x,
        draws=options.draws,
        steps=options.steps,
        learning_rate=options.learning_rate,
        generator=torch.Generator().manual_seed(provenance["seed"]),
    )
    arrays = {name: tensor.numpy() for name, tensor in fit._asdict().items()}
    arrays |= {"x": x.numpy(), "indices": np.array(options.images)}
    if labels is not None:
        arrays["labels"] = labels[options.images]
    save_arrays(options.output, arrays, provenance)
