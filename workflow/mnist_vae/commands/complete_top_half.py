"""Draw bottom halves, and contours, from fitted q."""

from argparse import ArgumentParser, Namespace

import torch

from mnist_vae.densities import TOP_HALF, log_q
from mnist_vae.inference import Fit, posterior_window
from mnist_vae.model import LATENT, top_half_joint
from mnist_vae.objective import reparameterize
from mnist_vae.storage import load_arrays, load_provenance, save_arrays
from mnist_vae.weights import load_weights

CONTOUR_POINTS = 121


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("fit", help="what `fit_top_half` stored")
    parser.add_argument("output", help="where completions and log-densities go (.safetensors)")
    parser.add_argument("--completions", type=int, required=True, help="draws of z ~ q per image")


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Join the true top to decoded bottoms; tabulate log-densities over a window around each posterior."""
    decoder = load_weights(options.weights).decoder
    stored = load_arrays(options.fit)
    provenance = load_provenance(options.fit)
    x = torch.from_numpy(stored["x"])
    fit = Fit(*(torch.from_numpy(stored[name]) for name in Fit._fields))

    generator = torch.Generator().manual_seed(provenance["seed"])
    noise = torch.randn(options.completions, len(x), LATENT, generator=generator)
    means = torch.sigmoid(decoder(reparameterize(fit.mean, fit.log_std, noise)))
    completions = torch.cat([x[:, :TOP_HALF].expand(len(means), -1, -1), means[..., TOP_HALF:]], dim=-1)

    axes, log_joint, log_density = [], [], []
    for image, window, mean, log_std in zip(
        x, posterior_window(decoder, x, fit), fit.mean, fit.log_std, strict=True
    ):
        first, second = (torch.linspace(low, high, CONTOUR_POINTS) for low, high in window.tolist())
        z = torch.stack(torch.meshgrid(first, second, indexing="xy"), dim=-1)
        axes.append(torch.stack([first, second]))
        log_joint.append(top_half_joint(decoder, image, z))
        log_density.append(log_q(mean, log_std, z))

    arrays = {
        "completions": completions.transpose(0, 1),
        "axes": torch.stack(axes),
        "log_joint": torch.stack(log_joint),
        "log_q": torch.stack(log_density),
    }
    arrays = {name: tensor.numpy() for name, tensor in arrays.items()}
    arrays |= {name: stored[name] for name in ("x", "labels", "indices")}
    save_arrays(options.output, arrays, provenance)
