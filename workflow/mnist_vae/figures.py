"""The study's figures, each a function from stored files to a matplotlib figure. No torch here.

Every picture is 1,600 pixels wide or less, and its type is sized to be read at a page's width.
"""

from collections.abc import Sequence

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.spatial import cKDTree

from mnist_vae.storage import load_arrays, load_provenance

# Ten colours that stay apart in print and for most colour-blind readers (Okabe & Ito 2008, extended).
DIGIT_COLOURS = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#C9B800",
    "#0072B2", "#D55E00", "#CC79A7", "#7F3C8D", "#8C564B",
)  # fmt: skip
JOINT_COLOUR, Q_COLOUR = "#0072B2", "#D55E00"
TRAIN_COLOUR, TEST_COLOUR = "#0072B2", "#D55E00"
CORE_COLOUR, FLUX_COLOUR, FAILED_COLOUR = "#0072B2", "#009E73", "#D55E00"
CONTOUR_LEVELS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)  # of the density's own peak
STYLE = {
    "figure.dpi": 160,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 10,
    "figure.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def origin(path: str) -> str:
    """Say which model a file comes from, as titles do: data set, n, seed."""
    source = load_provenance(path)
    recipe = "" if source["recipe"] == "reference" else f", {source['recipe']} recipe"
    return f"{source['dataset']}, n = {source['n']:,}, seed {source['seed']}{recipe}"


def show_digit(axes: plt.Axes, pixels: np.ndarray) -> None:
    """Show a 784-vector as ink on paper, without ticks but with a thin frame."""
    axes.imshow(pixels.reshape(28, 28), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color="0.8", linewidth=0.6)


def densest_point(points: np.ndarray, radius: float = 0.5) -> np.ndarray:
    """The point (2,) among points (count, 2) with the most others within the radius."""
    neighbours = cKDTree(points).query_ball_point(points, radius, return_length=True)
    return points[neighbours.argmax()]


def prior_samples(sources: Sequence[str]) -> Figure:
    """Draws from the prior: upper row Bernoulli means, lower row one binary sample of each."""
    arrays = load_arrays(sources[0])
    rows = (("Bernoulli\nmeans", arrays["means"]), ("one binary\nsample", arrays["samples"]))
    count = len(arrays["z"])
    figure, grid = plt.subplots(2, count, figsize=(count, 2.45), squeeze=False)
    for line, (label, pictures) in zip(grid, rows, strict=True):
        for axes, picture in zip(line, pictures, strict=True):
            show_digit(axes, picture)
        line[0].set_ylabel(label)
    for axes, (first, second) in zip(grid[0], arrays["z"], strict=True):
        axes.set_title(f"({first:.1f}, {second:.1f})", fontsize=8)
    figure.suptitle(f"Draws z ~ N(0, I), decoded ({origin(sources[0])})")
    return figure


def latent_scatter(sources: Sequence[str]) -> Figure:
    """Encoder means of the training images, coloured by digit."""
    arrays = load_arrays(sources[0])
    mean, labels = arrays["mean"], arrays["labels"]
    figure, axes = plt.subplots(figsize=(7.5, 6.6))
    # In random order, so that no digit covers another by its number.
    order = np.random.default_rng(0).permutation(len(mean))
    size = np.clip(40_000 / len(mean), 5, 30)
    axes.scatter(*mean[order].T, s=size, c=np.array(DIGIT_COLOURS)[labels[order]], alpha=0.65, linewidths=0)
    for digit in range(10):
        if (labels == digit).any():
            axes.annotate(
                str(digit), densest_point(mean[labels == digit]), ha="center", va="center", weight="bold",
                size=14, color="white",
                bbox={"boxstyle": "circle,pad=0.15", "fc": DIGIT_COLOURS[digit], "ec": "white"},
            )  # fmt: skip
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=str(digit))
        for digit, colour in enumerate(DIGIT_COLOURS)
    ]
    axes.legend(handles=handles, title="digit", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axes.set_aspect("equal")
    axes.set(xlabel="latent mean, first dimension", ylabel="latent mean, second dimension")
    axes.set_title(f"Where the encoder puts the training images\n{origin(sources[0])}", fontsize=12)
    return figure


def interpolation(sources: Sequence[str]) -> Figure:
    """Bernoulli means between pairs of encoded training images."""
    arrays = load_arrays(sources[0])
    means = arrays["means"]
    figure, grid = plt.subplots(*means.shape[:2], figsize=(means.shape[1], 3.35))
    for line, pictures, labels, images in zip(grid, means, arrays["labels"], arrays["images"], strict=True):
        for axes, picture in zip(line, pictures, strict=True):
            show_digit(axes, picture)
        line[0].set_ylabel(f"{labels[1]}\n(image {images[1]})", rotation=0, ha="right", va="center")
        line[-1].yaxis.set_label_position("right")
        line[-1].set_ylabel(f"{labels[0]}\n(image {images[0]})", rotation=0, ha="left", va="center")
    for axes, weight in zip(grid[0], arrays["weights_of_first"], strict=True):
        axes.set_title(f"{weight:.1f}", fontsize=9)
    figure.suptitle(
        f"Between two encoded images: share of the right-hand one's latent mean ({origin(sources[0])})"
    )
    return figure


def latent_manifold(sources: Sequence[str]) -> Figure:
    """Bernoulli means over a regular grid of the latent plane, as one picture."""
    arrays = load_arrays(sources[0])
    axis, means = arrays["axis"], arrays["means"]
    size = len(axis)
    # Rows run upwards along the second dimension; each digit itself stands upright.
    mosaic = means[::-1].reshape(size, size, 28, 28).transpose(0, 2, 1, 3).reshape(size * 28, size * 28)
    half_step = (axis[1] - axis[0]) / 2
    extent = (axis[0] - half_step, axis[-1] + half_step) * 2
    figure, axes = plt.subplots(figsize=(7.5, 7.6))
    axes.imshow(mosaic, cmap="gray_r", vmin=0, vmax=1, extent=extent)
    angle = np.linspace(0, 2 * np.pi, 200)
    for radius in (1, 2, 3):
        axes.plot(radius * np.cos(angle), radius * np.sin(angle), color=Q_COLOUR, linewidth=1, alpha=0.7)
        axes.annotate(
            f"|z| = {radius}", (0, radius), ha="center", va="center", size=8, color=Q_COLOUR,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"},
        )  # fmt: skip
    axes.set(xlabel="first latent dimension", ylabel="second latent dimension")
    axes.set_title(f"What the decoder draws across the latent plane\n{origin(sources[0])}", fontsize=12)
    return figure


def training_curves(sources: Sequence[str]) -> Figure:
    """-ELBO over epochs, train and test, a panel a (recipe, n); a thin line a seed, a bold one their mean.

    Each source is a history.csv in .../{recipe}/n{n}/seed{seed}/, which says what it is.
    """
    histories = []
    for path in sources:
        dataset, _, recipe, size, _ = path.split("/")[-6:-1]
        history = pd.read_csv(path).dropna(subset="test_neg_elbo")
        histories.append(history.assign(recipe=recipe, n=int(size.removeprefix("n")), source=path))
    panels = list(pd.concat(histories).groupby(["recipe", "n"]))
    figure, grid = plt.subplots(
        1, len(panels), figsize=(max(5.0, 4.6 * len(panels)), 4.2), sharey=True, squeeze=False
    )
    for axes, ((recipe, size), panel) in zip(grid[0], panels, strict=True):
        for column, colour in (("train_neg_elbo", TRAIN_COLOUR), ("test_neg_elbo", TEST_COLOUR)):
            for _, history in panel.groupby("source"):
                axes.plot(history.epoch, history[column], color=colour, linewidth=0.7, alpha=0.5)
            mean = panel.groupby("epoch")[column].mean()
            axes.plot(mean.index, mean, color=colour, linewidth=2)
            axes.annotate(
                f"{column.split('_')[0]} {mean.iloc[-1]:.1f}", (mean.index[-1], mean.iloc[-1]),
                xytext=(4, 0), textcoords="offset points", color=colour, va="center", annotation_clip=False,
            )  # fmt: skip
        axes.set(xlabel="epoch", title=f"{recipe} recipe, n = {size:,}, {panel.source.nunique()} seeds")
        axes.grid(alpha=0.25)
    grid[0, 0].set_ylabel("-ELBO, nats per image")
    figure.suptitle(f"Training curves ({dataset}; thin: each seed, bold: their mean)")
    return figure


def top_half_posterior(sources: Sequence[str]) -> Figure:
    """Contours of exp(top_half_joint) and of the fitted q, per image, each at levels of its own peak."""
    arrays = load_arrays(sources[0])
    count = len(arrays["x"])
    columns = min(count, 4)
    figure, grid = plt.subplots(
        -(-count // columns), columns, figsize=(3.1 * columns, 3.5 * -(-count // columns)), squeeze=False
    )
    for axes in grid.flat[count:]:
        axes.set_visible(False)
    panels = zip(
        *(arrays[name] for name in ("axes", "log_joint", "log_q", "labels", "indices", "x")), strict=True
    )
    for axes, ((first, second), log_joint, log_q, label, index, x) in zip(grid.flat, panels, strict=False):
        for log_density, colour in ((log_joint, JOINT_COLOUR), (log_q, Q_COLOUR)):
            density = np.exp(log_density - log_density.max())
            axes.contour(first, second, density, levels=CONTOUR_LEVELS, colors=colour, linewidths=0.9)
        axes.set(title=f"test image {index}, a {label}", xlabel="first latent dimension")
        axes.set_box_aspect(1)
        inset = axes.inset_axes((0.76, 0.76, 0.22, 0.22))
        show_digit(inset, np.where(np.arange(784) < 392, x, np.nan))
    for line in grid:
        line[0].set_ylabel("second latent dimension")
    handles = [
        Line2D([], [], color=JOINT_COLOUR, label="exact, p(top half, z)"),
        Line2D([], [], color=Q_COLOUR, label="fitted q(z)"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(f"The latent posterior given the top half ({origin(sources[0])})")
    return figure


def completion(sources: Sequence[str]) -> Figure:
    """Original, visible top half, and the top half joined to decoded bottoms; a row an image."""
    arrays = load_arrays(sources[0])
    originals, completions = arrays["x"], arrays["completions"]
    count, draws = completions.shape[:2]
    figure, grid = plt.subplots(
        count, draws + 2, figsize=(1.15 * (draws + 2), 1.15 * count + 0.7), squeeze=False
    )
    for line, x, drawn, label, index in zip(
        grid, originals, completions, arrays["labels"], arrays["indices"], strict=True
    ):
        top = np.where(np.arange(784) < 392, x, np.nan)
        for axes, picture in zip(line, [x, top, *drawn], strict=True):
            show_digit(axes, picture)
        for axes in line[1:]:
            axes.axhline(13.5, color=Q_COLOUR, linewidth=0.8)
        line[0].set_ylabel(f"image {index}\na {label}", rotation=0, ha="right", va="center")
    for axes, title in zip(
        grid[0], ["original", "given", *(f"z {i}" for i in range(1, draws + 1))], strict=True
    ):
        axes.set_title(title)
    figure.suptitle(f"The bottom half, from z ~ q given the top half\n{origin(sources[0])}")
    return figure


def parity_ladder(sources: Sequence[str]) -> Figure:
    """Every check's relative deviation from the Julia reference, and its tolerance; a panel a precision."""
    ladder = pd.read_csv(sources[0])
    names = list(dict.fromkeys(ladder.quantity))
    rungs = ladder.drop_duplicates("quantity").rung.to_numpy()
    floor = 1e-18  # where deviations of 0 are shown
    figure, grid = plt.subplots(1, 2, figsize=(10, 0.17 * len(names) + 1.6), sharey=True)
    for axes, dtype in zip(grid, ("float64", "float32"), strict=True):
        checks = ladder[ladder.dtype == dtype]
        rows = checks.quantity.map(names.index)
        axes.vlines(checks.tolerance, rows - 0.5, rows + 0.5, color="0.2", linewidth=1.5)
        for tier, marker, colour in (("core", "o", CORE_COLOUR), ("flux", "D", FLUX_COLOUR)):
            of_tier = checks.tier == tier
            colours = np.where(checks["pass"], colour, FAILED_COLOUR)[of_tier]
            deviation = checks.max_rel[of_tier].clip(floor, 1e2)
            axes.scatter(deviation, rows[of_tier], s=16, marker=marker, c=colours, zorder=3)
        for boundary in np.flatnonzero(np.diff(rungs)) + 0.5:
            axes.axhline(boundary, color="0.85", linewidth=0.8)
        axes.set(xscale="log", title=dtype, xlabel="relative deviation (equal: at the left edge)")
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
        ("a failed check", "s", FAILED_COLOUR, not ladder["pass"].all()),
    ):
        if shown:
            handles.append(Line2D([], [], linestyle="", marker=marker, color=colour, label=label))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    julia = f"Julia {ladder.julia_version[0]}, {ladder.backend[0]}"
    figure.suptitle(
        f"Deviations from the Julia reference ({julia}): {ladder['pass'].sum()} of {len(ladder)} checks pass"
    )
    return figure


FIGURES = {
    function.__name__: plt.rc_context(STYLE)(function)
    for function in (
        prior_samples,
        latent_scatter,
        interpolation,
        latent_manifold,
        training_curves,
        top_half_posterior,
        completion,
        parity_ladder,
    )
}
