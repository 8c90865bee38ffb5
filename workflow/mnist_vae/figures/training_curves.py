"""-ELBO along every training run."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mnist_vae.figures.style import (
    TEST_COLOUR,
    TRAIN_COLOUR,
    announce_cut,
    layout_of_models,
    panels_of_models,
    put_epochs_on_x,
    round_epochs,
    seed_count,
    set_range,
)
from mnist_vae.files.storage import read_table

CURVES = ["train_neg_elbo", "test_neg_elbo"]
COUNTS = ["train_images", "test_images"]


def draw(sources: Sequence[str]) -> Figure:
    """A panel per (recipe, n), in nats per image: thin lines for the seeds, a bold one for their mean.

    Each source is a history.csv, whose path .../{recipe}/n{n}/seed{seed}/ names the model.
    """
    histories = []
    for path in sources:
        dataset, _, recipe, size, _ = path.split("/")[-6:-1]
        history = read_table(path, ["epoch", *CURVES, *COUNTS]).dropna(subset="test_neg_elbo")
        histories.append(history.assign(recipe=recipe, n=int(size.removeprefix("n")), source=path))
    table = pd.concat(histories)
    models: dict[Any, pd.DataFrame] = dict(list(table.groupby(["recipe", "n"])))
    layout = layout_of_models(models)
    figure = Figure(figsize=(min(10.0, max(6.0, 4.8 * layout.columns)), 3.4 * layout.rows + 0.3))
    panels = panels_of_models(figure, layout, "-ELBO, nats per image")
    for (recipe, size), model in models.items():
        axes = panels[recipe, size]
        means = model.groupby("epoch")[CURVES].mean()
        end, last = means.index[-1], means.iloc[-1]
        for column, colour in zip(CURVES, (TRAIN_COLOUR, TEST_COLOUR), strict=True):
            for _, history in model.groupby("source"):
                axes.plot(history.epoch, history[column], color=colour, linewidth=0.7, alpha=0.5)
            point = "o" if len(means) == 1 else ""  # a single point has no line
            axes.plot(means.index, means[column], color=colour, linewidth=2, marker=point)
            axes.annotate(
                f"{column.split('_')[0]} {last[column]:.1f}", (end, last[column]), xytext=(4, 0),
                textcoords="offset points", color=colour, annotation_clip=False,
                va="bottom" if column == last.idxmax() else "top",
            )  # fmt: skip
        axes.set_title(f"{recipe}, n = {size:,}, {seed_count(model.source.nunique())}")
        put_epochs_on_x(axes, round_epochs(model.epoch.max()))
        axes.grid(alpha=0.25)
    set_range(next(iter(panels.values())), table, table[CURVES])
    for key, axes in panels.items():
        announce_cut(axes, models[key][CURVES])
    train, test = (f"{table[column].max():,.0f}" for column in COUNTS)
    figure.suptitle(
        f"Training curves ({dataset}): thin, each seed; bold, their mean\n"
        f"on the first {train} training images and the first {test} test images",
        fontsize=11,
    )
    return figure
