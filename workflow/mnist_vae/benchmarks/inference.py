"""What inference costs, against the least it could, and against the same done image by image."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mnist_vae.exact.marginal import POINTS_A_CHUNK, decode_grid, latent_grid, log_marginals
from mnist_vae.study.networks import VAE
from mnist_vae.study.svi import fit_top_half

RATE = 1e-2
ONE_BY_ONE = 4  # images that stand for all when each is fitted alone
STEPS_TOGETHER, STEPS_ALONE = 2, 50  # so few for a thousand images, so many that a start weighs little


@torch.inference_mode()
def log_px(vae: VAE, images: Tensor, window: float, size: int) -> dict[str, Callable[[], int]]:
    """Exact log p(x) of images (images, 784), and their pixels' product with the grid's logits alone."""
    grid = latent_grid(window, size)
    decoded = decode_grid(vae.decoder, grid)
    logits = [vae.decoder(z) for z in grid.z.split(POINTS_A_CHUNK)]

    @torch.inference_mode()
    def integral() -> int:
        log_marginals(decoded, images)
        return len(images)

    @torch.inference_mode()
    def product() -> int:
        for block in logits:
            images @ block.T
        return len(images)

    return {"sum over the grid, the decoder's output at hand": integral, "its pixels' product alone": product}


def svi(vae: VAE, images: Tensor, draws: int) -> dict[str, Callable[[], int]]:
    """Steps of SVI given the top half, for all images at once and for one after another."""

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
