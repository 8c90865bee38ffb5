"""Draw bottom halves, and contours, from fitted q and from the exact posterior."""

import sys
from argparse import ArgumentParser, Namespace
from functools import partial

import numpy as np
import torch

from mnist_vae.exact.completion import posterior_window
from mnist_vae.exact.marginal import (
    POINTS_A_CHUNK,
    WIDEN_FINE,
    integrate,
    latent_grid,
    log_likelihood_table,
    mass_level,
    modes,
    q_edge_mass,
    q_on_grid,
    require_inside,
)
from mnist_vae.exact.refine import elbo_by_quadrature
from mnist_vae.files.storage import load_arrays, load_provenance, save_arrays
from mnist_vae.files.weights import load_weights
from mnist_vae.study.densities import TOP_HALF, log_q, top_half, top_half_joint
from mnist_vae.study.networks import TopHalfDecoder
from mnist_vae.study.objective import reparameterize
from mnist_vae.study.svi import Fit

CONTOUR_POINTS = 161
MASSES = (0.5, 0.9)  # of the posterior, inside the contours that say where it lies


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("fit", help="what `fit_top_half` stored")
    parser.add_argument("output", help="where completions and log-densities go (.safetensors)")
    parser.add_argument("--completions", type=int, required=True, help="draws of z ~ q per image")
    parser.add_argument("--window", type=float, required=True, help="the grid spans [-window, window]^2")
    parser.add_argument("--size", type=int, required=True, help="points along a side")


@torch.inference_mode()
def run(options: Namespace) -> None:
    """Complete each image by draws of q, by q's mean and by the posterior's; tabulate both where they lie."""
    decoder = load_weights(options.weights).decoder
    stored = load_arrays(options.fit)
    provenance = load_provenance(options.fit)
    x = torch.from_numpy(stored["x"])
    fit = Fit(*(torch.from_numpy(stored[name]) for name in Fit._fields))

    generator = torch.Generator().manual_seed(provenance["seed"])
    noise = torch.randn(options.completions, *fit.mean.shape, generator=generator)
    drawn = torch.sigmoid(decoder(reparameterize(fit.mean, fit.log_std, noise)))

    grid = latent_grid(options.window, options.size)
    pixel_means, chunks = [], []
    for z in grid.z.split(POINTS_A_CHUNK):
        logits = decoder(z)
        pixel_means.append(torch.sigmoid(logits))
        halves = ((top_half(x), top_half(logits)), (x, logits))
        chunks.append([log_likelihood_table(pixels, decoded) for pixels, decoded in halves])
    tables = [torch.cat(parts, dim=-1) + grid.log_mass for parts in zip(*chunks, strict=True)]
    log_p_top, log_px = (integrate(table, grid) for table in tables)
    for mass in (log_p_top.edge_mass, log_px.edge_mass, q_edge_mass(grid.axis, fit.mean, fit.log_std)):
        require_inside(mass, grid, options.weights, WIDEN_FINE)
    posterior = torch.softmax(tables[0], dim=-1)
    q = torch.exp(q_on_grid(grid.axis, fit.mean, fit.log_std))

    def expected_pixels(weights: torch.Tensor) -> torch.Tensor:
        """Pixels' means, averaged with weights (images, size^2) over the grid: (images, 784)."""
        parts = zip(weights.split(POINTS_A_CHUNK, dim=-1), pixel_means, strict=True)
        return sum(some @ means for some, means in parts)

    def completed(means: torch.Tensor) -> torch.Tensor:
        """The true top joined to decoded bottoms (..., images, 784)."""
        return torch.cat([x[:, :TOP_HALF].expand_as(means[..., :TOP_HALF]), means[..., TOP_HALF:]], dim=-1)

    window = posterior_window(tables[0], grid, fit.mean, fit.log_std)
    arrays = {
        "completions": completed(drawn).transpose(0, 1),
        "q_completion": completed(expected_pixels(q)),
        "exact_completion": completed(expected_pixels(posterior)),
        "kl": log_p_top.log_density - elbo_by_quadrature(partial(top_half_joint, decoder, x), *fit[:2]),
        "log_p_bottom_given_top": log_px.log_density - log_p_top.log_density,
    } | _densities_around(TopHalfDecoder(decoder.double()), x, fit, window)
    for index, count in zip(stored["indices"], arrays["modes"].tolist(), strict=True):
        if count > 1:
            print(
                f"warning: test image {index}: the exact posterior given the top half has {count} modes "
                f"where {MASSES[-1]:.0%} of it lies; a Gaussian q can be near one of them only",
                file=sys.stderr,
            )
    arrays = {name: tensor.numpy() for name, tensor in arrays.items()}
    arrays |= {name: stored[name] for name in ("x", "labels", "indices") if name in stored}
    arrays["masses"] = np.array(MASSES)
    save_arrays(options.output, arrays, provenance)


def _densities_around(
    decoder: TopHalfDecoder, x: torch.Tensor, fit: Fit, windows: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Tabulate joint and q finely over each image's window, in float64; find the joint's levels and modes."""
    found = []
    for image, window, mean, log_std in zip(*(part.double() for part in (x, windows, *fit[:2])), strict=True):
        axes = torch.stack(
            [torch.linspace(*ends, CONTOUR_POINTS, dtype=torch.float64) for ends in window.tolist()]
        )
        z = torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=-1)
        log_joint = torch.stack([top_half_joint(decoder, image, row) for row in z])
        levels = torch.stack([mass_level(log_joint.flatten(), share) for share in MASSES])
        found.append(
            {
                "axes": axes,
                "log_joint": log_joint,
                "log_q": log_q(mean, log_std, z),
                "joint_levels": levels,
                "modes": modes(log_joint[None], levels[-1:])[0],
            }
        )
    return {name: torch.stack([each[name] for each in found]) for name in found[0]}
