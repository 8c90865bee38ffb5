"""What the decoder draws across the latent plane."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mnist_vae.figures.style import Q_COLOUR, origin
from mnist_vae.files.storage import load_arrays

RADII = (1, 2, 3)  # radii of circles that hold 39 %, 86 % and 99 % of the prior's mass


def draw(sources: Sequence[str]) -> Figure:
    """Bernoulli means over a regular grid of the latent plane, as one picture.

    Source: what `decode_manifold` stored.
    """
    arrays = load_arrays(sources[0])
    axis, means = arrays["axis"], arrays["means"]
    count, side = len(axis), math.isqrt(means.shape[-1])
    # Rows run upwards along the second dimension; each image itself stands upright.
    mosaic = means[::-1].reshape(count, count, side, side).transpose(0, 2, 1, 3).reshape((count * side,) * 2)
    half_step = (axis[1] - axis[0]) / 2
    ends = (axis[0] - half_step, axis[-1] + half_step)
    figure = Figure(figsize=(7.5, 7.6))
    axes = figure.subplots()
    axes.imshow(mosaic, cmap="gray_r", vmin=0, vmax=1, extent=ends * 2)
    angle = np.linspace(0, 2 * np.pi, 200)
    for radius in RADII:
        axes.plot(radius * np.cos(angle), radius * np.sin(angle), color=Q_COLOUR, linewidth=1, alpha=0.7)
        axes.annotate(
            f"|z| = {radius}", (0, radius), ha="center", va="center", size=8, color=Q_COLOUR,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"}, annotation_clip=True,
        )  # fmt: skip
    axes.set(xlabel="first latent dimension", ylabel="second latent dimension", xlim=ends, ylim=ends)
    axes.set_title(f"What the decoder draws across the latent plane\n{origin(sources[0])}", fontsize=12)
    return figure
