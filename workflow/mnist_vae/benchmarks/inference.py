"""Timings of inference: adaptive against plain sums, and SVI of all images at once against one by one."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mnist_vae.exact.integrator import Integrator
from mnist_vae.exact.lattice import lattice_log_px
from mnist_vae.study.networks import VAE
from mnist_vae.study.svi import fit_top_half

RATE = 1e-2
ONE_BY_ONE = 4  # images that stand for all when each is fitted alone
SPACINGS = (0.16, 0.08, 0.04)  # spacings of lattices
STEPS_TOGETHER, STEPS_ALONE = 2, 50  # few for a thousand images, but so many that the start costs little


@torch.inference_mode()
def log_px(vae: VAE, images: Tensor, window: float, tolerance: float) -> dict[str, Callable[[], int]]:
    """Log p(x) of images (images, 784) by the adaptive sum, with and without its cache, and by plain sums.

    Each name states the largest error of an image: the adaptive sum's own estimate, the others' difference
    from it.
    """
    space = Integrator(vae.decoder, vae.latent, window=window, tolerance=tolerance)
    exact = space.log_marginals(images)

    @torch.inference_mode()
    def again() -> int:
        space.log_marginals(images)
        return len(images)

    @torch.inference_mode()
    def from_nothing() -> int:
        Integrator(vae.decoder, vae.latent, window=window, tolerance=tolerance).log_marginals(images)
        return len(images)

    def off(error: Tensor) -> str:
        return f"off by {error.abs().max().item():.1g} nats or less"

    def plain(spacing: float) -> Tensor:
        return lattice_log_px(vae.decoder, images, vae.latent, spacing)

    def timed(spacing: float) -> Callable[[], int]:
        return lambda: len(plain(spacing))

    own = off(exact.error)
    found = {
        f"adaptive sum, the decoder's output at hand: {own}": again,
        f"adaptive sum, from nothing: {own}": from_nothing,
    }
    for spacing in SPACINGS:
        error = plain(spacing) - exact.log_density
        found[f"plain sum, spacing {spacing}: {off(error)}"] = timed(spacing)
    return found


def svi(vae: VAE, images: Tensor, draws: int) -> dict[str, Callable[[], int]]:
    """Steps of SVI given the top half, for all images at once and one after another."""

    def fit(groups: Sequence[Tensor], steps: int) -> int:
        for group in groups:
            generator = torch.Generator().manual_seed(0)
            fit_top_half(
                vae.decoder, group, draws=draws, steps=steps, learning_rate=RATE, generator=generator
            )
        return steps * sum(map(len, groups))

    return {
        "all images at once": lambda: fit([images], STEPS_TOGETHER),
        "one after another": lambda: fit(images[:ONE_BY_ONE].split(1), STEPS_ALONE),
    }
