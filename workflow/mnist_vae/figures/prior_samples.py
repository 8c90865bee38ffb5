"""Draws from the prior, decoded."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from mnist_vae.figures.style import origin, show_image
from mnist_vae.files.storage import load_arrays

MOST_COORDINATES = 2  # coordinates that fit above a picture


def draw(sources: Sequence[str]) -> Figure:
    """A column per draw: upper row the Bernoulli means, lower row one binary sample of each.

    Source: what `sample_prior` stored.
    """
    arrays = load_arrays(sources[0])
    z = arrays["z"]
    rows = (("Bernoulli\nmeans", arrays["means"]), ("one binary\nsample", arrays["samples"]))
    figure = Figure(figsize=(max(len(z), 5), 2.45))
    grid = figure.subplots(len(rows), len(z), squeeze=False)
    for line, (label, images) in zip(grid, rows, strict=True):
        for axes, image in zip(line, images, strict=True):
            show_image(axes, image)
        line[0].set_ylabel(label)
    if z.shape[1] <= MOST_COORDINATES:
        for axes, place in zip(grid[0], z, strict=True):
            axes.set_title(f"({', '.join(f'{coordinate:.1f}' for coordinate in place)})", fontsize=8)
    figure.suptitle(f"Draws z ~ N(0, I), decoded\n{origin(sources[0])}")
    return figure
