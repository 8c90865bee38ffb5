"""Reconstruct test images, one of each class."""

from argparse import ArgumentParser, Namespace

import numpy as np
import torch

from mnist_vae.data.digits import load_digits
from mnist_vae.files.storage import load_provenance, save_arrays
from mnist_vae.files.weights import load_weights
from mnist_vae.study.objective import reparameterize

UNLABELLED = 10  # test images of a data set without labels


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("output", help="where images, means and samples go (.safetensors)")


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Decode, for the first test image of each class, the mean of q, and draw one z ~ q and its pixels.

    Without labels, the first test images are taken.
    """
    images, labels = load_digits(options.digits, "test")
    if labels is None:
        indices = np.arange(min(UNLABELLED, len(images)))
    else:
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
        "indices": indices,
    }
    if labels is not None:
        arrays["labels"] = classes
    save_arrays(options.output, arrays, provenance)
