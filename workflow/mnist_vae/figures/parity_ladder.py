"""Deviations from the Julia reference."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mnist_vae.files.storage import read_table

CORE_COLOUR, FLUX_COLOUR, FAILED_COLOUR = "#0072B2", "#009E73", "#D55E00"
SOLUTION_COLOUR, SOLUTION_MARKERS = "#CC79A7", "^v<>ph*"


def draw(sources: Sequence[str]) -> Figure:
    """Every check's relative deviation from the Julia reference, and its tolerance; a panel per precision.

    Source: the table of `parity`.
    """
    ladder = read_table(sources[0], ("rung", "quantity", "tier", "dtype", "max_rel", "tolerance", "pass"))
    passed = f"{ladder['pass'].sum()} of {len(ladder)} checks pass"
    # Of checks without numbers only failures are shown, at the right edge.
    ladder = ladder[ladder.max_rel.notna() | ~ladder["pass"]].fillna({"max_rel": np.inf})
    names = list(dict.fromkeys(ladder.quantity))
    rungs = ladder.drop_duplicates("quantity").rung.to_numpy()
    tiers = [("core", "o", CORE_COLOUR), ("flux", "D", FLUX_COLOUR)]
    solutions = sorted(set(ladder.tier) - {"core", "flux"})
    tiers += [
        (name, SOLUTION_MARKERS[n % len(SOLUTION_MARKERS)], SOLUTION_COLOUR)
        for n, name in enumerate(solutions)
    ]
    floor = 1e-18  # where deviations of 0 are shown
    figure = Figure(figsize=(10, 0.17 * len(names) + 1.6))
    grid = figure.subplots(1, 2, sharey=True)
    for axes, dtype in zip(grid, ("float64", "float32"), strict=True):
        checks = ladder[ladder.dtype == dtype]
        rows = checks.quantity.map(names.index)
        axes.vlines(checks.tolerance, rows - 0.5, rows + 0.5, color="0.2", linewidth=1.5)
        for tier, marker, colour in tiers:
            of_tier = checks.tier == tier
            colours = np.where(checks["pass"], colour, FAILED_COLOUR)[of_tier]
            deviation = checks.max_rel[of_tier].clip(floor, 1e2)
            axes.scatter(deviation, rows[of_tier], s=16, marker=marker, c=colours, zorder=3)
        for boundary in np.flatnonzero(np.diff(rungs)) + 0.5:
            axes.axhline(boundary, color="0.85", linewidth=0.8)
        axes.set(xscale="log", title=dtype, xlabel="relative deviation (equal: at the left edge)")
        axes.xaxis.set_major_formatter("{x:.0e}")
        axes.set(xlim=(floor / 3, 3e2), ylim=(len(names) - 0.5, -0.5))
        axes.grid(axis="x", alpha=0.25)
    grid[0].set_yticks(range(len(names)), names, fontsize=7)
    rung_axis = grid[1].secondary_yaxis("right")
    middles = [np.flatnonzero(rungs == rung).mean() for rung in np.unique(rungs)]
    rung_axis.set_yticks(middles, [f"rung {rung}" for rung in np.unique(rungs)])
    rung_axis.tick_params(length=0)
    rung_axis.spines["right"].set_visible(False)
    handles = [Line2D([], [], color="0.2", label="tolerance")]
    for label, marker, colour, shown in (
        ("core tier", "o", CORE_COLOUR, True),
        ("Flux tier", "D", FLUX_COLOUR, "flux" in set(ladder.tier)),
        *((name, marker, colour, True) for name, marker, colour in tiers[2:]),
        ("a failed check", "s", FAILED_COLOUR, not ladder["pass"].all()),
    ):
        if shown:
            handles.append(Line2D([], [], linestyle="", marker=marker, color=colour, label=label))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    julia = f"Julia {ladder.julia_version.iloc[0]}, {ladder.backend.iloc[0]}"
    figure.suptitle(f"Deviations from the Julia reference ({julia}): {passed}")
    return figure
