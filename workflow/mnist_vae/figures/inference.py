"""Methods of inference against the exact posterior: what log p(x) costs, and what posteriors they find."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure, FigureBase
from matplotlib.ticker import NullFormatter

from mnist_vae.figures.style import show_image
from mnist_vae.files.storage import Arrays, load_arrays, read_table

COLUMNS = ("recipe", "n", "seed", "images", "method", "setting", "evaluations", "error_mean")
MARKERS = "osD^v<>PX*ph"
UPPER_BOUND = "upper bound"  # in the settings of methods that also give one
MASSES = (0.5, 0.9, 0.99)  # posterior mass inside each contour


def draw(sources: Sequence[str]) -> Figure:
    """Above, a panel per model: the mean error of log p(x) over decoder evaluations, a line per method.

    Below, a row per image of the first model: its exact posterior, and draws of some methods.

    Sources: inference.csv and inference.safetensors of models in results/{dataset}/models/....
    """
    tables = [path for path in sources if path.endswith(".csv")]
    arrays = next(path for path in sources if path not in tables)
    table = pd.concat([read_table(path, COLUMNS) for path in tables])
    figure = Figure(figsize=(10, 13))
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(5, 8))[:, 0]
    _draw_costs(above, table)
    _draw_posteriors(below, load_arrays(arrays))
    dataset = tables[0].split("/")[-6]
    images = f"first {table.images.max()} test images"
    figure.suptitle(f"Inference against the exact posterior ({dataset}, {images})")
    return figure


def _draw_costs(figure: FigureBase, table: pd.DataFrame) -> None:
    models = list(table.groupby(["recipe", "n", "seed"], sort=False))
    panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    for axes, ((recipe, n, seed), rows) in zip(panels, models, strict=True):
        shown = rows[rows.error_mean.notna()]
        for number, (method, lines) in enumerate(shown.groupby("method", sort=False)):
            above = lines.setting.str.contains(UPPER_BOUND)
            style = {"marker": MARKERS[number % len(MARKERS)], "markersize": 5, "color": f"C{number % 10}"}
            for line, dashes, name in (
                (lines[~above], "-", method),
                (lines[above], ":", f"{method}, {UPPER_BOUND}"),
            ):
                if len(line):
                    axes.plot(line.evaluations, line.error_mean, dashes, label=name, **style)
        axes.set(xscale="log", yscale="log", title=f"{recipe}, n = {n:,}, seed {seed}")
        axes.set_xlabel("decoder evaluations per image")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:,g}")
            axis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("mean error of log p(x), in nats")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8)


def _draw_posteriors(figure: FigureBase, arrays: Arrays) -> None:
    methods = arrays["methods"].tobytes().decode().split("\n")
    grid = figure.subplots(len(arrays["indices"]), 2 + len(methods), squeeze=False)
    for row, (line, index) in enumerate(zip(grid, arrays["indices"], strict=True)):
        show_image(line[0], arrays["images"][row])
        line[0].set_title(f"test image {index}", fontsize=8)
        (x, y), log_density = arrays["axes"][row], arrays["log_density"][row]
        density = np.exp(log_density - log_density.max())
        mass = np.sort(density, axis=None)[::-1].cumsum() / density.sum()
        levels = sorted(np.sort(density, axis=None)[::-1][np.searchsorted(mass, MASSES)])
        for column, axes in enumerate(line[1:]):
            axes.contour(x, y, density, levels=levels, colors="0.4", linewidths=0.7)
            axes.set(xticks=[], yticks=[], xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
            if column:
                axes.plot(*arrays["draws"][column - 1, row].T, ".", markersize=2, color="#D55E00")
            if row == 0:
                axes.set_title(methods[column - 1] if column else "exact posterior", fontsize=8)
