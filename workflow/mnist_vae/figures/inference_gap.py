"""The gap between the ELBO and log p(x): along training, and what it is made of at the end."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mnist_vae.figures.style import (
    TEST_COLOUR,
    TRAIN_COLOUR,
    announce_cut,
    layout_of_models,
    panels_of_models,
    put_epochs_on_x,
    seed_count,
    set_range,
)
from mnist_vae.files.storage import read_table

SPLITS = (("train", TRAIN_COLOUR), ("test", TEST_COLOUR))
EVIDENCE: Mapping[str, Any] = {"linestyle": "--", "marker": "o", "markersize": 3, "markerfacecolor": "white"}
MODEL = ("recipe", "n", "seed")
EPOCHS = (*MODEL, "split", "epoch", "images", "elbo", "log_px")  # columns of the tables
GAPS = (*MODEL, "images", "log_px", "amortization_gap", "approximation_gap", "approximation_gap_of_best")
BAR = 0.26  # height, where models are 1 apart


def draw(sources: Sequence[str]) -> Figure:
    """Left, a panel per (recipe, n): -ELBO and -log p(x) along one run. Right: the last KL, in parts.

    Sources: the tables epochs.csv and gaps.csv of results/{dataset}/tables.
    """
    epochs, gaps = (read_table(*source) for source in zip(sources, (EPOCHS, GAPS), strict=True))
    models: dict[Any, pd.DataFrame] = dict(list(epochs.groupby(["recipe", "n"])))
    layout = layout_of_models(models)
    columns = max(layout.columns, 1.5)  # or the title would not fit above a single one
    figure = Figure(figsize=(min(10.0, 2.6 * columns + 3.6), 3.1 * layout.rows + 1.0))
    curves, parts = figure.subfigures(1, 2, width_ratios=(columns, 1.3), squeeze=False)[0]
    panels = panels_of_models(curves, layout, "nats per image")
    for (recipe, size), model in models.items():
        _follow(panels[recipe, size], model)
        panels[recipe, size].set_title(f"{recipe}, n = {size:,}")
    set_range(next(iter(panels.values())), epochs, -epochs[["log_px", "elbo"]])
    for key, axes in panels.items():
        announce_cut(axes, -models[key][["log_px", "elbo"]])
    fewest, most = epochs.images.min(), epochs.images.max()
    more = f", or up to {most:,}" if most > fewest else ""
    curves.suptitle(
        f"Along training, for each recipe's first seed:\nthe first {fewest:,} images of each split{more}",
        fontsize=10,
    )
    known = "exact " if (gaps.log_px == "exact").all() else ""
    handles = [
        line
        for split, colour in SPLITS
        for line in (
            Line2D([], [], color=colour, marker="o", markersize=3, label=f"{split}, -ELBO"),
            Line2D([], [], color=colour, **EVIDENCE, label=f"{split}, {known}-log p(x)"),
        )
    ]
    curves.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=8, frameon=False)

    _divide(parts.subplots(), gaps)
    images = f"{gaps.images.max():,.0f}"
    parts.suptitle(f"At the end, as means over seeds:\nKL on the first {images} test images", fontsize=10)
    parts.legend(loc="outside lower center", fontsize=8, frameon=False)
    dataset = sources[0].split("/")[-3]
    figure.suptitle(f"The gap between the ELBO and log p(x) ({dataset})")
    return figure


def _follow(axes: Axes, panel: pd.DataFrame) -> None:
    """Draw both figures of both splits over the epochs; the shaded gap between them is the KL."""
    for split, colour in SPLITS:
        curve = panel[panel.split == split]
        axes.plot(curve.epoch, -curve.elbo, color=colour, marker="o", markersize=3)
        axes.plot(curve.epoch, -curve.log_px, color=colour, **EVIDENCE)
        axes.fill_between(curve.epoch, -curve.elbo, -curve.log_px, color=colour, alpha=0.15, linewidth=0)
    put_epochs_on_x(axes, panel.epoch.unique())
    axes.grid(alpha=0.25)


def _divide(axes: Axes, gaps: pd.DataFrame) -> None:
    """A group of bars per (recipe, n): what a better q for each image would gain, and what would remain.

    Bars are side by side, each with its number: stacked, parts of hundredths of a nat would be invisible.
    """
    means = gaps[gaps.seed == "mean"].set_index(["recipe", "n"])
    places = np.arange(len(means))
    remaining = means.approximation_gap - means.approximation_gap_of_best
    total: dict[Any, float] = (means.approximation_gap + means.amortization_gap).to_dict()
    for part, (values, colour, label) in enumerate(
        (
            (means.amortization_gap, "#E69F00", "amortization: gained by refining q"),
            (remaining, "#56B4E9", "lesser mode: gained by the best q"),
            (means.approximation_gap_of_best, "#0072B2", "approximation: left by the best q"),
        )
    ):
        rows = places + (part - 1) * BAR
        axes.barh(rows, values, color=colour, label=label, height=BAR)
        for place, value in zip(rows, values, strict=True):
            axes.annotate(
                f"{value:.2f}",
                (value, place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
            )
    seeds = gaps[gaps.seed != "mean"].groupby(["recipe", "n"]).size().to_dict()
    labels = []
    for (recipe, size), kl in total.items():
        labels.append(f"{recipe}\nn = {size:,}\n{seed_count(seeds[recipe, size])}\nKL {kl:.2f}")
    axes.set_yticks(places, labels, fontsize=8)
    axes.set(xlabel="nats per test image")
    axes.margins(x=0.15)
    axes.invert_yaxis()
