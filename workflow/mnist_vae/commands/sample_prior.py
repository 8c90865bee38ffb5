"""Decode draws from the prior."""

from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.config.pictures import PriorSamples
from mnist_vae.files.storage import load_provenance, save_arrays
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("output", help="where z, means and samples go (.safetensors)")
    add_options(parser, PriorSamples)


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Store draws z ~ N(0, I), their Bernoulli means, and one binary sample of each."""
    provenance = load_provenance(options.weights)
    generator = torch.Generator().manual_seed(provenance["seed"])
    vae = load_weights(options.weights)
    z = torch.randn(options.draws, vae.latent, generator=generator)
    means = torch.sigmoid(vae.decoder(z))
    samples = torch.bernoulli(means, generator=generator)
    arrays = {"z": z.numpy(), "means": means.numpy(), "samples": samples.numpy()}
    save_arrays(options.output, arrays, provenance)
