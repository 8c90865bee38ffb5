"""By how much plain sums over lattices miss log p(x), over the spacing."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mnist_vae.figures.classes import MARKERS, class_colours
from mnist_vae.figures.style import label_log_axis
from mnist_vae.files.storage import read_table

COLUMNS = (
    *("recipe", "n", "seed", "images", "spacing"),
    *("largest_difference", "mean_absolute_difference", "estimated_error"),
)


def draw(sources: Sequence[str]) -> Figure:
    """The largest and the mean absolute error of a plain sum, a colour and a marker per model.

    Sources: lattices.csv of models in results/{dataset}/models/....
    """
    table = pd.concat([read_table(path, COLUMNS) for path in sources])
    figure = Figure(figsize=(10, 4.6))
    panels = figure.subplots(1, 2, sharey=True)
    models = list(table.groupby(["recipe", "n", "seed"], sort=False))
    colours = class_colours(len(models))
    for ((recipe, size, seed), rows), colour, marker in zip(models, colours, cycle(MARKERS), strict=False):
        label = f"{recipe}, n = {size:,}, seed {seed}"
        style = {"color": colour, "marker": marker, "markersize": 5}
        panels[0].plot(rows.spacing, rows.largest_difference, label=label, **style)
        panels[1].plot(rows.spacing, rows.mean_absolute_difference, **style)
        panels[0].axhline(rows.estimated_error.max(), color=colour, linewidth=0.9, linestyle=":")
    for axes, title in zip(panels, ("largest of all images", "mean over images (absolute)"), strict=True):
        axes.set(xscale="log", yscale="log", title=title, xlabel="spacing of the lattice")
        label_log_axis(axes.xaxis, sorted(table.spacing.unique()))
        axes.yaxis.set_major_formatter(_written)
        axes.tick_params("y", labelleft=True)
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("error of log p(x), in nats")
    panels[0].plot([], [], ":", color="0.4", label="largest error that the adaptive sum estimates of itself")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    dataset = sources[0].split("/")[-6]
    figure.suptitle(
        f"What plain sums over a lattice miss ({dataset}, first {table.images.max():,} test images)",
        fontsize=11,
    )
    return figure


def _written(value: float, _: int | None = None) -> str:
    """A number without an exponent: 0.00001."""
    return np.format_float_positional(value, precision=3, fractional=False, trim="-")
