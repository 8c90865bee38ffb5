"""-ELBO along every training run."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mnist_vae.figures.style import (
    TEST_COLOUR,
    TRAIN_COLOUR,
    announce_cut,
    first_shown,
    put_epochs_on_x,
    round_epochs,
    seed_count,
    set_range,
)

CURVES = ["train_neg_elbo", "test_neg_elbo"]


def draw(sources: Sequence[str]) -> Figure:
    """A panel per (recipe, n), in nats per image: thin lines for the seeds, a bold one for their mean.

    Each source is a history.csv in .../{recipe}/n{n}/seed{seed}/, which says what it is.
    """
    histories = []
    for path in sources:
        dataset, _, recipe, size, _ = path.split("/")[-6:-1]
        history = pd.read_csv(path).dropna(subset="test_neg_elbo")
        histories.append(history.assign(recipe=recipe, n=int(size.removeprefix("n")), source=path))
    table = pd.concat(histories)
    panels: dict[Any, pd.DataFrame] = dict(list(table.groupby(["recipe", "n"])))
    recipes, sizes = sorted({recipe for recipe, _ in panels}), sorted({size for _, size in panels})
    figure = Figure(figsize=(min(10.0, 4.8 * len(recipes)), 3.4 * len(sizes) + 0.3))
    grid = figure.subplots(len(sizes), len(recipes), sharey=True, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)  # a recipe need not have every train size
    for (recipe, size), panel in panels.items():
        axes = grid[sizes.index(size), recipes.index(recipe)]
        axes.set_visible(True)
        for column, colour, side in zip(CURVES, (TRAIN_COLOUR, TEST_COLOUR), ("top", "bottom"), strict=True):
            for _, history in panel.groupby("source"):
                axes.plot(history.epoch, history[column], color=colour, linewidth=0.7, alpha=0.5)
            mean = panel.groupby("epoch")[column].mean()
            axes.plot(mean.index, mean, color=colour, linewidth=2)
            axes.annotate(
                f"{column.split('_')[0]} {mean.iloc[-1]:.1f}", (mean.index[-1], mean.iloc[-1]),
                xytext=(4, 0), textcoords="offset points", color=colour, va=side, annotation_clip=False,
            )  # fmt: skip
        axes.set_title(f"{recipe}, n = {size:,}, {seed_count(panel.source.nunique())}")
        put_epochs_on_x(axes, round_epochs(panel.epoch.max()))
        axes.grid(alpha=0.25)
    for line in grid:
        first_shown(line).set_ylabel("-ELBO, nats per image")
    set_range(first_shown(grid.flat), table.epoch, table[CURVES])
    for (recipe, size), panel in panels.items():
        announce_cut(grid[sizes.index(size), recipes.index(recipe)], panel[CURVES])
    train, test = (f"{table[column].max():,.0f}" for column in ("train_images", "test_images"))
    figure.suptitle(
        f"Training curves ({dataset}): thin, each seed; bold, their mean\n"
        f"on the first {train} training images and the first {test} test images",
        fontsize=11,
    )
    return figure
