"""What the benchmarks timed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from mnist_vae.figures.style import TRAIN_COLOUR, WARNING_COLOUR
from mnist_vae.files.storage import read_table

RATIOS = ("contest", "contender", "ms_a_unit", "ratio", "lowest", "highest")
FEW_DECADES = 1.5  # along which there is room for the labels 1, 2 and 5 of each


def draw(sources: Sequence[str]) -> Figure:
    """Left, each contender's ratio (median and range), contest by contest; right, seconds of whole processes.

    Sources: the tables of `benchmark`, `benchmark_processes` and `benchmark_commands`.
    """
    *contests, commands = sources
    commands = read_table(commands, ("command", "seconds", "shortest", "longest", "torch"))
    ratios = pd.concat([read_table(path, RATIOS) for path in contests], ignore_index=True)
    starts = ~ratios.contest.duplicated().to_numpy()
    rows = np.arange(len(ratios)) + 1.4 * starts.cumsum()
    figure = Figure(figsize=(10, max(4.0, 0.22 * rows[-1] + 1.4)))
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))

    left.axvline(1, color="0.2", linewidth=0.8)
    reach = abs(ratios[["lowest", "highest"]].sub(ratios.ratio, axis=0)).T
    left.errorbar(ratios.ratio, rows, xerr=reach, fmt="o", color=TRAIN_COLOUR, markersize=4, capsize=2)
    by_height = left.get_yaxis_transform()
    for row, timed in zip(rows, ratios.itertuples(), strict=True):
        left.text(1.02, row, f"{timed.ms_a_unit:.3g} ms", transform=by_height, va="center", fontsize=7)
    for row, contest in zip(rows[starts], ratios.contest[starts], strict=True):
        left.text(
            -0.02, row - 1, contest, transform=by_height, ha="right", va="center", fontsize=7, weight="bold"
        )
    left.set_yticks(rows, ratios.contender, fontsize=7)
    left.set(xscale="log", ylim=(rows[-1] + 0.8, rows[0] - 1.8))
    left.set_xlabel(
        "speed, relative to the first of each contest\n(logarithmic; above 1: faster)", fontsize=8
    )

    places = np.arange(len(commands))
    right.barh(
        places, commands.seconds, color=np.where(commands.torch, WARNING_COLOUR, TRAIN_COLOUR), height=0.6
    )
    right.hlines(places, commands.shortest, commands.longest, color="0.2", linewidth=1)
    right.set_yticks(places, commands.command, fontsize=7)
    right.set(ylim=(len(commands) - 0.5, -0.5))
    red = "\n(red: it imports torch)" if commands.torch.any() else ""
    right.set_xlabel(f"seconds for a whole process{red}", fontsize=8)
    right.tick_params(axis="x", labelsize=8)
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.25)
    decades = np.log10(ratios.highest.max() / ratios.lowest.min())  # of one, 1 would be the single label
    left.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < FEW_DECADES else (1,)))
    left.xaxis.set_major_formatter("{x:g}")
    left.xaxis.set_minor_formatter(NullFormatter())
    left.tick_params(axis="x", labelsize=8)
    machine = ratios.iloc[0]
    figure.suptitle(
        f"Timings: {machine.processor}, {machine.cores} cores, {machine.threads} thread(s) each\n"
        f"{machine.versions}",
        fontsize=10,
    )
    return figure
