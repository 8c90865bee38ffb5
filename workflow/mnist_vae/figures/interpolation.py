"""Between pairs of encoded training images."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from mnist_vae.figures.classes import class_names, image_title
from mnist_vae.figures.style import origin, show_image
from mnist_vae.files.storage import load_arrays, load_provenance


def draw(sources: Sequence[str]) -> Figure:
    """A row per pair: Bernoulli means along the straight line between two codes, and the images at its ends.

    Source: what `interpolate` stored.
    """
    arrays, provenance = load_arrays(sources[0]), load_provenance(sources[0])
    means, originals, shares = arrays["means"], arrays["originals"], arrays["weights_of_first"]
    pairs, steps = means.shape[:2]
    figure = Figure(figsize=(10, 0.72 * pairs + 0.9))
    # Narrow empty columns set the originals apart from what the model makes of them.
    grid = figure.subplots(
        pairs, steps + 4, squeeze=False, gridspec_kw={"width_ratios": [1, 0.15, *[1] * steps, 0.15, 1]}
    )
    for row, line in enumerate(grid):
        at_one, at_zero = originals[row]
        for axes, image in zip((line[0], *line[2:-2], line[-1]), (at_zero, *means[row], at_one), strict=True):
            show_image(axes, image)
        for axes in (line[1], line[-2]):
            axes.axis("off")
        for axes, end, side in ((line[0], 1, "left"), (line[-1], 0, "right")):
            name = class_names(provenance)[arrays["labels"][row, end]] if "labels" in arrays else None
            axes.yaxis.set_label_position(side)
            axes.set_ylabel(
                image_title(f"image {arrays['images'][row, end]}", name),
                rotation=0,
                ha="right" if side == "left" else "left",
                va="center",
                fontsize=9,
            )
    for axes in (grid[0, 0], grid[0, -1]):
        axes.set_title("original", fontsize=9)
    for axes, share in zip(grid[0, 2:-2], shares, strict=True):
        axes.set_title(f"{share:.1f}", fontsize=9)
    figure.suptitle(
        "Decoded between the latent means of two training images; above, the share of the right-hand one\n"
        f"{origin(sources[0])}",
        fontsize=11,
    )
    return figure
