"""Where the encoder puts the training images."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from mnist_vae.figures.classes import class_colours, class_names, densest_point
from mnist_vae.figures.style import TRAIN_COLOUR, origin
from mnist_vae.files.storage import load_arrays, load_provenance

NAMES_A_COLUMN = 25  # of the legend
LIGHT = 0.45  # relative luminance from which on text is black


def draw(sources: Sequence[str]) -> Figure:
    """Encoder means of the training images, coloured by class; in one colour where there are no labels.

    Source: what `encode` stored.
    """
    arrays = load_arrays(sources[0])
    mean, labels = arrays["mean"], arrays.get("labels")
    figure = Figure(figsize=(7.5, 6.6))
    axes = figure.subplots()
    # In random order, so that no class covers another by its number.
    order = np.random.default_rng(0).permutation(len(mean))
    size = float(np.clip(40_000 / len(mean), 5, 30))
    if labels is None:
        colours: np.ndarray | str = TRAIN_COLOUR
    else:
        names = class_names(load_provenance(sources[0]))
        palette = class_colours(len(names))
        colours = np.array(palette)[labels[order]]
        _name_classes(axes, mean, labels, names, palette)
    first, second = mean[order].T
    axes.scatter(first, second, s=size, c=colours, alpha=0.65, linewidths=0)
    axes.set_aspect("equal")
    axes.set(xlabel="latent mean, first dimension", ylabel="latent mean, second dimension")
    axes.set_title(f"Where the encoder puts the training images\n{origin(sources[0])}", fontsize=12)
    _hide_what_overlaps(figure, axes.texts)
    return figure


def _name_classes(
    axes: Axes, mean: np.ndarray, labels: np.ndarray, names: Sequence[str], palette: Sequence[str]
) -> None:
    """Write each class's name where most of its images are, and all of them in a legend."""
    size, shape = (14, "circle") if max(map(len, names)) == 1 else (9, "round")
    for label in np.unique(labels):
        x, y = densest_point(mean[labels == label])
        axes.annotate(
            names[label], (x, y), ha="center", va="center", weight="bold", size=size, zorder=3,
            color=_ink(palette[label]),
            bbox={"boxstyle": f"{shape},pad=0.15", "fc": palette[label], "ec": "white"},
        )  # fmt: skip
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=name)
        for name, colour in zip(names, palette, strict=True)
    ]
    axes.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(1, 0.5),
        frameon=False,
        ncols=math.ceil(len(names) / NAMES_A_COLUMN),
    )


def _hide_what_overlaps(figure: Figure, texts: Iterable[Text]) -> None:
    """Of texts that overlap, show the first; the legend has all of them."""
    figure.draw_without_rendering()
    shown: list[Bbox] = []
    for text in texts:
        box = text.get_window_extent()
        if any(box.overlaps(other) for other in shown):
            text.set_visible(False)
        else:
            shown.append(box)


def _ink(background: str) -> str:
    """Return the colour, white or black, in which text is read on a background."""
    luminance = np.dot((0.2126, 0.7152, 0.0722), np.array(to_rgb(background)) ** 2.2)
    return "black" if luminance > LIGHT else "white"
