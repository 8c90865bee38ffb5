"""Draw bottom halves, and contours, from fitted q and from the exact posterior."""

import sys
from argparse import ArgumentParser, Namespace

import numpy as np
import torch

from mnist_vae.commands.shared.latent_space import latent_space, naming
from mnist_vae.config.pictures import TopHalf
from mnist_vae.exact.completion import MASSES, complete, densities_around, kl_to_posterior
from mnist_vae.exact.settings import Marginal
from mnist_vae.files.storage import load_arrays, load_provenance, save_arrays
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options
from mnist_vae.study.networks import TopHalfDecoder
from mnist_vae.study.svi import Fit

OTHERS = ("single_start_", "assignment_")  # prefixes of further fits, for which only the KL is computed


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("fit", help="what `fit_top_half` stored")
    parser.add_argument("output", help="where completions and log-densities go (.safetensors)")
    add_options(parser, TopHalf, "completions")
    add_options(parser, Marginal)


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Complete each image by draws of q, and by the means over q and the posterior; tabulate densities."""
    vae = load_weights(options.weights)
    stored = load_arrays(options.fit)
    provenance = load_provenance(options.fit)
    x = torch.from_numpy(stored["x"])
    fit = Fit(*(torch.from_numpy(stored[name]) for name in Fit._fields))
    generator = torch.Generator().manual_seed(provenance["seed"])
    noise = torch.randn(options.completions, *fit.mean.shape, generator=generator)

    with naming(options.weights):
        space = latent_space(vae, options, generator)
        found = complete(space, vae.decoder, x, fit.mean, fit.log_std, noise)
        for other in OTHERS:
            q = {name: torch.from_numpy(stored[f"{other}{name}"]) for name in ("mean", "log_std")}
            found[f"{other}kl"], found[f"{other}kl_error"] = kl_to_posterior(space, x, **q)
            found |= {f"{other}{name}": tensor for name, tensor in q.items()}
    if vae.latent == 2:
        top_half = TopHalfDecoder(vae.decoder.double())
        found |= densities_around(top_half, x, fit.mean, fit.log_std, found.pop("window"))
    modes = found["modes"].tolist() if "modes" in found else [1] * len(x)
    for index, training, count in zip(stored["indices"], stored["training"], modes, strict=True):
        if count > 1:
            split = "training" if training else "test"
            print(
                f"warning: {split} image {index}: the exact posterior given the top half has {count} modes "
                f"where {MASSES[-1]:.0%} of it lies; a Gaussian q can be near one of them only",
                file=sys.stderr,
            )
    arrays = {name: tensor.numpy() for name, tensor in found.items()}
    arrays |= {name: stored[name] for name in ("x", "labels", "indices", "training") if name in stored}
    arrays["masses"] = np.array(MASSES)
    save_arrays(options.output, arrays, provenance)
