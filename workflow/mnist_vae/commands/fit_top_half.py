"""Fit q to the top half of test and training images."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict, replace

import numpy as np
import torch

from mnist_vae.config.pictures import TopHalf
from mnist_vae.data.digits import load_digits
from mnist_vae.files.storage import load_provenance, save_arrays
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options, read_options
from mnist_vae.study.recipe import FitSettings
from mnist_vae.study.svi import ASSIGNMENT, fit_top_half


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("output", help="where q, the trace and the images go (.safetensors)")
    add_options(parser, TopHalf, "images", "training_images")
    add_options(parser, FitSettings)


def run(options: Namespace) -> None:
    """Fit all images at once: from several starts, from the first start alone, and as the assignment asks."""
    splits = {"test": options.images, "train": options.training_images}
    loaded = {
        split: [array if array is None else array[indices] for array in digits]
        for split, indices in splits.items()
        if indices and (digits := load_digits(options.digits, split, max(indices) + 1))
    }
    x = np.concatenate([images for images, _ in loaded.values()])
    labels = [labels for _, labels in loaded.values()]
    provenance = load_provenance(options.weights)
    decoder = load_weights(options.weights).decoder
    configured = read_options(FitSettings, options)
    fits = {"": configured, "single_start_": replace(configured, starts=1), "assignment_": ASSIGNMENT}
    arrays = {"x": x, "indices": np.array([*options.images, *options.training_images])}
    arrays["training"] = np.repeat([False, True], [len(options.images), len(options.training_images)])
    for prefix, settings in fits.items():
        generator = torch.Generator().manual_seed(provenance["seed"])
        fit = fit_top_half(decoder, torch.from_numpy(x), generator=generator, **asdict(settings))
        arrays |= {f"{prefix}{name}": tensor.numpy() for name, tensor in fit._asdict().items()}
    known = [some for some in labels if some is not None]
    if len(known) == len(labels):
        arrays["labels"] = np.concatenate(known)
    save_arrays(options.output, arrays, provenance)
