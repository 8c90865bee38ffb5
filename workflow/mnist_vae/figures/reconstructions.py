"""Test images, one of each class, and what the model makes of them."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from mnist_vae.figures.classes import class_names, image_title
from mnist_vae.figures.style import origin, show_image
from mnist_vae.files.storage import load_arrays, load_provenance

MOST_COLUMNS = 10


def draw(sources: Sequence[str]) -> Figure:
    """A column per image: the original, the means at the mean of q, and a draw of z ~ q and of its pixels.

    Source: what `reconstruct` stored. Without labels, only the images' numbers are given.
    """
    arrays, provenance = load_arrays(sources[0]), load_provenance(sources[0])
    rows = (
        ("original", arrays["x"]),
        ("Bernoulli means\nat the mean of q", arrays["means"]),
        ("sample:\nz ~ q, x ~ p(x | z)", arrays["samples"]),
    )
    count = len(arrays["x"])
    bands = -(-count // MOST_COLUMNS)
    columns = -(-count // bands)
    figure = Figure(figsize=(min(max(columns + 1.6, 5), 10), 2.9 * bands + 0.6))
    grid = figure.subplots(len(rows) * bands, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)  # the last band may be shorter
    for position, index in enumerate(arrays["indices"]):
        band, column = divmod(position, columns)
        lines = grid[len(rows) * band : len(rows) * (band + 1)]
        for line, (label, images) in zip(lines, rows, strict=True):
            line[column].set_visible(True)
            show_image(line[column], images[position])
            if column == 0:
                line[column].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
        name = class_names(provenance)[arrays["labels"][position]] if "labels" in arrays else None
        lines[0][column].set_title(image_title(f"image {index}", name), fontsize=8)
    figure.suptitle(f"Test images and their reconstructions\n{origin(sources[0])}")
    return figure
