"""Encode training images."""

from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.data.digits import load_digits
from mnist_vae.files.storage import load_provenance, save_arrays
from mnist_vae.files.weights import load_weights


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("output", help="where mean, log_std and labels, if any, go (.safetensors)")


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Encode the images the model was trained on."""
    provenance = load_provenance(options.weights)
    images, labels = load_digits(options.digits, "train", provenance["n"])
    mean, log_std = load_weights(options.weights).encoder(torch.from_numpy(images))
    arrays = {"mean": mean.numpy(), "log_std": log_std.numpy()}
    if labels is not None:
        arrays["labels"] = labels
    save_arrays(options.output, arrays, provenance)
