"""Shared by all figures: the style, over matplotlib's own defaults, pictures of images, and axes of epochs.

Figures are made without pyplot: no backend is chosen, no window is opened, and no figure is kept in memory.
Every picture is at most 1,600 pixels wide, with type that is readable at a page's width.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from mnist_vae.files.storage import load_provenance

TRAIN_COLOUR, TEST_COLOUR = "#0072B2", "#D55E00"
JOINT_COLOUR, Q_COLOUR = "#0072B2", "#D55E00"
WARNING_COLOUR = "#B00020"
STYLE: Mapping[Any, Any] = {
    "figure.dpi": 160,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 10,
    "figure.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # a class may be called $
}
MOST_COLUMNS = 3  # panels side by side, so that their titles have room
CROWDED = 1.4  # labels of a logarithmic axis closer than this factor would touch


@contextmanager
def study_style() -> Iterator[None]:
    """Draw and save in the study's style, whatever the user's matplotlibrc, style sheets or rcParams say.

    The backend is left alone: setting it would have pyplot load it.
    """
    defaults: dict[Any, Any] = dict(rcParamsDefault)
    del defaults["backend"]
    with rc_context({**defaults, **STYLE}):
        yield


def save(figure: Figure, path: str | Path) -> None:
    """Write a picture without its time or matplotlib's version, so that the same figure is the same bytes."""
    figure.savefig(path, format="png", metadata={"Software": None})


def origin(path: str) -> str:
    """Say which model a file comes from, as titles do: data set, recipe, n, seed."""
    source = load_provenance(path)
    return f"{source['dataset']}, {source['recipe']} recipe, n = {source['n']:,}, seed {source['seed']}"


def seed_count(count: int) -> str:
    """Say how many seeds a mean is over."""
    return "1 seed" if count == 1 else f"{count} seeds"


def picture(pixels: np.ndarray) -> np.ndarray:
    """Arrange a vector (pixels,) in raster order as the square it is."""
    side = math.isqrt(pixels.size)
    return pixels.reshape(side, side)


def top_half_only(pixels: np.ndarray) -> np.ndarray:
    """Blank the lower rows of an image (pixels,): nan, which is drawn as paper."""
    return np.where(np.arange(pixels.size) < pixels.size // 2, pixels, np.nan)


def show_image(axes: Axes, pixels: np.ndarray) -> None:
    """Show a vector (pixels,) of values in [0, 1] as ink on paper, without ticks but with a thin frame."""
    axes.imshow(picture(pixels), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color="0.8", linewidth=0.6)


class Layout(NamedTuple):
    """The row and column of the panel of each (recipe, n)."""

    places: Mapping[tuple[str, int], tuple[int, int]]
    rows: int
    columns: int


def layout_of_models(models: Iterable[tuple[str, int]]) -> Layout:
    """Lay out a panel for each (recipe, n): recipes side by side, each one's n below one another.

    More than MOST_COLUMNS recipes fill several bands of rows.
    """
    models = list(models)
    recipes, sizes = list(dict.fromkeys(recipe for recipe, _ in models)), sorted({n for _, n in models})
    columns = math.ceil(len(recipes) / math.ceil(len(recipes) / MOST_COLUMNS))
    places = {}
    for recipe, n in models:
        band, column = divmod(recipes.index(recipe), columns)
        places[recipe, n] = (band, sizes.index(n)), column
    rows = sorted({row for row, _ in places.values()})  # a band need not have every n
    return Layout(
        {model: (rows.index(row), column) for model, (row, column) in places.items()}, len(rows), columns
    )


def panels_of_models(figure: FigureBase, layout: Layout, ylabel: str) -> dict[tuple[str, int], Axes]:
    """Make the panel of each (recipe, n). They share y, which is labelled at each row's first panel."""
    grid = figure.subplots(layout.rows, layout.columns, sharey=True, squeeze=False)
    panels = {model: grid[place] for model, place in layout.places.items()}
    for axes in grid.flat:
        axes.set_visible(axes in panels.values())  # a recipe need not have every n
    for line in grid:
        first = next(axes for axes in line if axes.get_visible())
        first.set_ylabel(ylabel)
        first.tick_params(labelleft=True)
    return panels


def put_epochs_on_x(axes: Axes, ticks: Iterable[int]) -> None:
    """Make x a logarithmic axis of epochs with these ticks, the last one always labelled."""
    *earlier, last = sorted(ticks)
    shown = [last]
    for tick in reversed(earlier):
        if tick * CROWDED <= shown[0]:
            shown.insert(0, tick)
    axes.set(xlabel="epoch (logarithmic)", xscale="log")
    label_log_axis(axes.xaxis, shown)


def round_epochs(last: int) -> list[int]:
    """Return 1, 2, 5, 10, 20, 50, ... below the last epoch, and it."""
    ticks = [step * 10**decade for decade in range(len(str(last))) for step in (1, 2, 5)]
    return [*(tick for tick in ticks if tick < last), last]


def label_log_axis(axis: Any, ticks: Iterable[float]) -> None:
    """Label a logarithmic axis at these places only: by itself, one of a single decade has a single label."""
    axis.set_ticks(list(ticks), minor=False)
    axis.set_ticks([], minor=True)
    axis.set_major_formatter("{x:,g}")
    axis.set_tick_params(labelsize=8)


def set_range(axes: Axes, table: pd.DataFrame, values: pd.DataFrame) -> None:
    """Choose the range of y, which all panels share, without the first epochs, which are far above the rest.

    At least the second half of a model's epochs counts. `table` has each value's recipe, n and epoch.
    """
    last = table.groupby(["recipe", "n"]).epoch.transform("max")
    late = values[table.epoch >= np.minimum(4, last / 2)].to_numpy()
    margin = 0.05 * (late.max() - late.min()) or 1.0
    axes.set_ylim(late.min() - margin, late.max() + margin)


def announce_cut(axes: Axes, values: pd.DataFrame) -> None:
    """Say in a panel's upper left corner how far its curves go on above it, if they do."""
    if (highest := values.to_numpy().max()) > axes.get_ylim()[1]:
        axes.annotate(
            f"↑ first epochs: up to {highest:.0f}", (0.02, 0.98), xycoords="axes fraction", va="top", size=8,
            color="0.3", bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"},
        )  # fmt: skip
