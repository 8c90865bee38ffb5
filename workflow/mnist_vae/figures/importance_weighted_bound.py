"""How far the importance-weighted bound lies below log p(x)."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mnist_vae.figures.style import JOINT_COLOUR, Q_COLOUR, label_log_axis
from mnist_vae.files.storage import read_table

PROPOSALS = (
    ("encoder", Q_COLOUR, "draws from the encoder's q"),
    ("refined", JOINT_COLOUR, "draws from q refined at the posterior's peak"),
)

COLUMNS = ("recipe", "n", "seed", "proposal", "k", "below_log_px", "standard_error", "images")


def draw(sources: Sequence[str]) -> Figure:
    """A panel per (recipe, n), over the number k of draws per bound (Burda et al. 2016, eq. 8).

    Sources: weighted_draws.csv of the models of each recipe's first seed, in results/{dataset}/models/....
    """
    table = pd.concat([read_table(path, COLUMNS) for path in sources])
    panels = list(table.groupby(["recipe", "n", "seed"], sort=False))
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(min(10.0, max(6.0, 3.4 * columns)), 3.3 * rows + 0.9))
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, ((recipe, size, seed), panel) in zip(grid.flat, panels, strict=False):
        for proposal, colour, _ in PROPOSALS:
            curve = panel[panel.proposal == proposal]
            axes.errorbar(
                curve.k, curve.below_log_px, curve.standard_error, color=colour, marker="o", markersize=4,
                capsize=3,
            )  # fmt: skip
            for k, value in zip(curve.k, curve.below_log_px, strict=True):
                axes.annotate(
                    f"{value:.3f}" if abs(value) < 0.1 else f"{value:.2f}", (k, value), xytext=(5, 4),
                    textcoords="offset points", fontsize=8, color=colour,
                )  # fmt: skip
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set(
            xscale="log",
            xlabel="draws k per bound (logarithmic)",
            title=f"{recipe}, n = {size:,}, seed {seed}",
        )
        label_log_axis(axes.xaxis, sorted(panel.k.unique()))
        axes.margins(x=0.15)
        axes.set_yscale("symlog", linthresh=0.1)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(alpha=0.25)
    for line in grid:
        line[0].set_ylabel("nats below log p(x)\n(axis logarithmic above 0.1, linear below)")
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=4, label=label) for _, colour, label in PROPOSALS
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    dataset = sources[0].split("/")[-6]
    figure.suptitle(
        f"Importance-weighted bounds ({dataset}): means over the first {table.images.max():,} test images, "
        "± 1 standard error",
        fontsize=11,
    )
    return figure
