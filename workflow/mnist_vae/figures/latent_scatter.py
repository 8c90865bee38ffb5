"""Where the encoder puts the training images."""

import math
from collections.abc import Sequence

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

NAMES_A_COLUMN = 25  # classes per column of the legend
LIGHT = 0.18  # relative luminance above which black text has more contrast than white


def draw(sources: Sequence[str]) -> Figure:
    """Encoder means of the training images, coloured by class; in one colour where there are no labels.

    Source: what `encode` stored.
    """
    arrays = load_arrays(sources[0])
    mean, labels = arrays["mean"], arrays.get("labels")
    figure = Figure(figsize=(7.5, 6.6))
    axes = figure.subplots()
    # In random order, so that classes do not cover one another.
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
    if labels is not None and not _show_apart(figure, axes.texts):
        _add_legend(axes, names, palette)
        _show_apart(figure, axes.texts)
    return figure


def _name_classes(
    axes: Axes, mean: np.ndarray, labels: np.ndarray, names: Sequence[str], palette: Sequence[str]
) -> None:
    """Write each class's name where most of its images are."""
    size, shape = (14, "circle") if max(map(len, names)) == 1 else (9, "round")
    for label in np.unique(labels):
        x, y = densest_point(mean[labels == label])
        axes.annotate(
            names[label], (x, y), ha="center", va="center", weight="bold", size=size, zorder=3,
            color=_ink(palette[label]),
            bbox={"boxstyle": f"{shape},pad=0.15", "fc": palette[label], "ec": "white"},
        )  # fmt: skip


def _add_legend(axes: Axes, names: Sequence[str], palette: Sequence[str]) -> None:
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


def _show_apart(figure: Figure, texts: Sequence[Text]) -> bool:
    """Of texts that overlap, show the first; return whether none does."""
    for text in texts:
        text.set_visible(True)  # one that is not shown has no extent
    figure.draw_without_rendering()
    shown: list[Bbox] = []
    for text in texts:
        box = text.get_window_extent()
        text.set_visible(not any(box.overlaps(other) for other in shown))
        if text.get_visible():
            shown.append(box)
    return all(text.get_visible() for text in texts)


def _ink(background: str) -> str:
    """Return the colour, white or black, in which text is read on a background."""
    luminance = np.dot((0.2126, 0.7152, 0.0722), np.array(to_rgb(background)) ** 2.2)
    return "black" if luminance > LIGHT else "white"
