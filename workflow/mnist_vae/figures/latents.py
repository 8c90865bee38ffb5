"""What latent dimensions buy: the numbers over the latent dimension."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from mnist_vae.figures.style import TEST_COLOUR, TRAIN_COLOUR, label_log_axis

PANELS = (
    ("amortization_gap", "amortization gap, nats per image"),
    ("kl", "KL(q to the prior), nats per image"),
    ("active_units", "active units"),
)


def draw(sources: Sequence[str]) -> Figure:
    """A row for each n: -ELBO and -log p(x), amortization gap, KL and active units over the dimension.

    Source: the table latents.csv of results/{dataset}/tables. Of several recipes with the same n and
    dimension each has its point.
    """
    table = pd.read_csv(sources[0])
    sizes = sorted(table.n.unique())
    figure = Figure(figsize=(12, 2.9 * len(sizes) + 0.8))
    grid = figure.subplots(len(sizes), len(PANELS) + 1, squeeze=False, sharex=True, sharey="col")
    for size, (bounds, *others) in zip(sizes, grid, strict=True):
        rows = table[table.n == size]
        bounds.plot(rows.latent, rows.neg_elbo, "o-", color=TRAIN_COLOUR, label="-ELBO, all test images")
        bounds.errorbar(
            rows.latent, rows.neg_log_px, 2 * rows.neg_log_px_standard_error, fmt="--", color=TEST_COLOUR,
            capsize=2, linewidth=1, label=f"-log p(x), first {rows.images.iloc[0]:,}",
        )  # fmt: skip
        for known, filled in (("exact", TEST_COLOUR), ("estimate", "white")):
            some = rows[rows.log_px == known]
            bounds.plot(
                some.latent, some.neg_log_px, "o", color=TEST_COLOUR, markerfacecolor=filled, label=known
            )
        bounds.set_ylabel(f"n = {size:,}\nnats per image")
        for axes, (name, title) in zip(others, PANELS, strict=True):
            axes.plot(rows.latent, rows[name], "o-", color=TRAIN_COLOUR)
            axes.set_title(title, fontsize=9)
        others[-1].plot(rows.latent, rows.latent, ":", color="0.5", label="all")
        others[-1].set_yscale("log")
        others[-1].legend(fontsize=7, frameon=False)
        bounds.set_title("bound and evidence", fontsize=9)
        bounds.legend(fontsize=7, frameon=False)
    for axes in grid.flat:
        axes.set_xscale("log")
        label_log_axis(axes.xaxis, sorted(table.latent.unique()))
        axes.grid(alpha=0.25)
    for axes in grid[-1]:
        axes.set_xlabel("latent dimensions", fontsize=9)
    dataset = sources[0].split("/")[-3]
    figure.suptitle(
        f"What latent dimensions buy ({dataset}); bars: two standard errors over images", fontsize=11
    )
    return figure
