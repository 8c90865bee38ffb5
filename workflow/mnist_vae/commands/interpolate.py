"""Decode between encoded training images."""

from argparse import ArgumentParser, Namespace

import numpy as np
import torch

from mnist_vae.config.pictures import Interpolation
from mnist_vae.data.digits import load_digits
from mnist_vae.files.storage import load_provenance, save_arrays
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options

WEIGHTS_OF_FIRST = np.arange(11) / 10


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("output", help="where the Bernoulli means go (.safetensors)")
    add_options(parser, Interpolation, required=True)


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Decode z = a z_first + (1 - a) z_second for three pairs and a = 0, 0.1, ... 1."""
    images, labels = load_digits(options.digits, "train", max(options.images) + 1)
    vae = load_weights(options.weights)
    mean, _ = vae.encoder(torch.from_numpy(images[options.images]))
    first, second, third = range(3)
    pairs = torch.tensor([(first, second), (second, third), (first, third)])
    a = torch.from_numpy(WEIGHTS_OF_FIRST).float()[:, None]
    z = a * mean[pairs[:, 0], None] + (1 - a) * mean[pairs[:, 1], None]
    arrays = {
        "means": torch.sigmoid(vae.decoder(z)).numpy(),
        "weights_of_first": WEIGHTS_OF_FIRST,
        "images": np.array(options.images)[pairs.numpy()],
        "originals": images[options.images][pairs.numpy()],
    }
    if labels is not None:
        arrays["labels"] = labels[options.images][pairs.numpy()]
    save_arrays(options.output, arrays, load_provenance(options.weights))
