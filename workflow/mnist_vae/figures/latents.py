"""What latent dimensions buy: the numbers over the latent dimension."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from mnist_vae.figures.style import TEST_COLOUR, TRAIN_COLOUR, label_log_axis
from mnist_vae.files.storage import read_table

PANELS = (
    ("amortization_gap", "amortization gap"),
    ("kl", "KL(q to the prior)"),
    ("active_units", "active units"),
)


def draw(sources: Sequence[str]) -> Figure:
    """A row for each n: -ELBO and -log p(x), amortization gap, KL and active units over the dimension.

    Source: the table latents.csv of results/{dataset}/tables. Of several recipes with the same n and
    dimension, the lines pass through the one with the lowest -ELBO; each other has a cross and its name.
    """
    table = read_table(
        sources[0], ("n", "latent", "recipe", "neg_elbo", "log_px", *(name for name, _ in PANELS))
    )
    table = table.sort_values(["n", "latent", "neg_elbo"])
    sizes = sorted(table.n.unique())
    figure = Figure(figsize=(13, 2.9 * len(sizes) + 0.9))
    grid = figure.subplots(len(sizes), len(PANELS) + 1, squeeze=False, sharex=True, sharey="col")
    for size, (bounds, *others) in zip(sizes, grid, strict=True):
        rows = table[table.n == size]
        best = rows.drop_duplicates("latent")
        rest = rows.drop(best.index)
        bounds.plot(best.latent, best.neg_elbo, "o-", color=TRAIN_COLOUR, label="-ELBO")
        bounds.plot(best.latent, best.neg_log_px, "-", color=TEST_COLOUR)
        for known, filled in (("exact", TEST_COLOUR), ("estimate", "white")):
            some = best[best.log_px == known]
            bounds.errorbar(
                some.latent, some.neg_log_px, 2 * some.neg_log_px_estimate_error.fillna(0), fmt="o",
                color=TEST_COLOUR, markerfacecolor=filled, linewidth=1, label=f"-log p(x), {known}",
            )  # fmt: skip
        bounds.plot(rest.latent, rest.neg_elbo, "x", color=TRAIN_COLOUR)
        bounds.plot(rest.latent, rest.neg_log_px, "x", color=TEST_COLOUR)
        for row in rest.itertuples():
            bounds.annotate(
                row.recipe, (row.latent, row.neg_elbo), xytext=(5, 2), textcoords="offset points", fontsize=7
            )
        bounds.set_ylabel(f"n = {size:,}\nnats per image")
        bounds.legend(fontsize=7, frameon=False)
        for axes, (name, _) in zip(others, PANELS, strict=True):
            axes.plot(best.latent, best[name], "o-", color=TRAIN_COLOUR)
            axes.plot(rest.latent, rest[name], "x", color=TRAIN_COLOUR)
        for axes in others[:-1]:
            axes.set_ylabel("nats per image", fontsize=8)
            axes.set_ylim(bottom=0)
        others[-1].plot(rows.latent, rows.latent, ":", color="0.5", label="all there are")
        others[-1].set_yscale("log")
        label_log_axis(others[-1].yaxis, sorted(table.latent.unique()))
        others[-1].legend(fontsize=7, frameon=False)
    for axes, title in zip(grid[0], ["bound and evidence", *(title for _, title in PANELS)], strict=True):
        axes.set_title(title, fontsize=10)
    for axes in grid.flat:
        axes.set_xscale("log")
        label_log_axis(axes.xaxis, sorted(table.latent.unique()))
        axes.grid(alpha=0.25)
    for axes in grid[-1]:
        axes.set_xlabel("latent dimensions", fontsize=9)
    dataset = sources[0].split("/")[-3]
    figure.suptitle(
        f"What latent dimensions buy ({dataset}, test images)\nbars: two standard errors of the estimate",
        fontsize=11,
    )
    return figure
