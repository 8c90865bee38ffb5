"""Reconstruct test images, one of each class."""

from argparse import ArgumentParser, Namespace

import numpy as np
import torch

from mnist_vae.data.digits import load_digits
from mnist_vae.files.storage import load_provenance, save_arrays
from mnist_vae.files.weights import load_weights
from mnist_vae.study.objective import reparameterize


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("output", help="where images, means and samples go (.safetensors)")


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Take the first test image of each class; decode the mean of q, and draw one z ~ q and its pixels."""
    images, labels = load_digits(options.digits, "test")
    classes, indices = np.unique(labels, return_index=True)
    provenance = load_provenance(options.weights)
    vae = load_weights(options.weights)
    x = torch.from_numpy(images[indices])
    mean, log_std = vae.encoder(x)
    generator = torch.Generator().manual_seed(provenance["seed"])
    z = reparameterize(mean, log_std, torch.randn(mean.shape, generator=generator))
    arrays = {
        "x": x.numpy(),
        "means": torch.sigmoid(vae.decoder(mean)).numpy(),
        "samples": torch.bernoulli(torch.sigmoid(vae.decoder(z)), generator=generator).numpy(),
        "labels": classes,
        "indices": indices,
    }
    save_arrays(options.output, arrays, provenance)
