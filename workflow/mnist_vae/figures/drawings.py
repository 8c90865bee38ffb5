"""The study's figures, each a function from stored files to a matplotlib figure. No torch here.

Every picture is 1,600 pixels wide or less, and its type is sized to be read at a page's width.
"""

from collections.abc import Iterable, Sequence

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from mnist_vae.files.storage import load_arrays, load_provenance

# Ten colours that stay apart in print and for most colour-blind readers (Okabe & Ito 2008, extended).
DIGIT_COLOURS = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#C9B800",
    "#0072B2", "#D55E00", "#CC79A7", "#7F3C8D", "#8C564B",
)  # fmt: skip
JOINT_COLOUR, Q_COLOUR = "#0072B2", "#D55E00"
TRAIN_COLOUR, TEST_COLOUR = "#0072B2", "#D55E00"
WARNING_COLOUR = "#B00020"
MASSES = (0.5, 0.9)
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
    from scipy.spatial import cKDTree  # takes a third of a second, of every figure if it stood above

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
    histories = pd.concat(histories)
    panels = histories.groupby(["recipe", "n"])
    recipes, sizes = (sorted({name[level] for name in panels.groups}) for level in (0, 1))
    figure, grid = plt.subplots(
        len(sizes),
        len(recipes),
        figsize=(min(10.0, 4.8 * len(recipes)), 3.4 * len(sizes)),
        sharey=True,
        squeeze=False,
    )
    for axes in grid.flat:
        axes.set_visible(False)  # a recipe need not have every train size
    for (recipe, size), panel in panels:
        axes = grid[sizes.index(size), recipes.index(recipe)]
        axes.set_visible(True)
        for column, colour, side in (
            ("train_neg_elbo", TRAIN_COLOUR, "top"),
            ("test_neg_elbo", TEST_COLOUR, "bottom"),
        ):
            for _, history in panel.groupby("source"):
                axes.plot(history.epoch, history[column], color=colour, linewidth=0.7, alpha=0.5)
            mean = panel.groupby("epoch")[column].mean()
            axes.plot(mean.index, mean, color=colour, linewidth=2)
            axes.annotate(
                f"{column.split('_')[0]} {mean.iloc[-1]:.1f}", (mean.index[-1], mean.iloc[-1]),
                xytext=(4, 0), textcoords="offset points", color=colour, va=side, annotation_clip=False,
            )  # fmt: skip
        seeds = panel.source.nunique()
        axes.set_title(f"{recipe}, n = {size:,}, {seeds} seeds")
        _put_epochs_on_x(axes)
        axes.grid(alpha=0.25)
    for line in grid:
        _first_shown(line).set_ylabel("-ELBO, nats per image")
    _set_range(_first_shown(grid.flat), histories.epoch, histories[["train_neg_elbo", "test_neg_elbo"]])
    figure.suptitle(f"Training curves ({dataset}; thin: each seed, bold: their mean)")
    return figure


def _put_epochs_on_x(axes: plt.Axes) -> None:
    axes.set(xlabel="epoch", xscale="log")
    _label_log_axis(axes.xaxis)


def _label_log_axis(axis: Axis) -> None:
    """At 1, 2, 5, 10, ...: an axis of one decade would else have a single label."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(labelsize=8)


def _set_range(axes: plt.Axes, epochs: pd.Series, values: pd.DataFrame) -> None:
    """Choose the range of y, shared by all panels: the first epochs, far above the rest, would flatten it."""
    late = values[epochs >= min(4, epochs.max())].to_numpy()
    margin = 0.05 * (late.max() - late.min())
    axes.set_ylim(late.min() - margin, late.max() + margin)


def _first_shown(grid: Iterable[plt.Axes]) -> plt.Axes:
    return next(axes for axes in grid if axes.get_visible())


def inference_gap(sources: Sequence[str]) -> Figure:
    """ELBO and exact log p(x) over epochs, a panel a (recipe, n); beside them what the gap is made of.

    Sources: the tables epochs.csv and gaps.csv of results/{dataset}/tables.
    """
    epochs, gaps = (pd.read_csv(path) for path in sources)
    recipes, sizes = epochs.recipe.unique(), epochs.n.unique()
    figure = plt.figure(figsize=(min(10.0, 3.2 * len(recipes) + 3.6), 3.0 * len(sizes) + 0.8))
    columns = figure.add_gridspec(1, 2, width_ratios=(len(recipes), 1.15))
    grid = columns[0].subgridspec(len(sizes), len(recipes)).subplots(sharey=True, squeeze=False)
    for line, size in zip(grid, sizes, strict=True):
        for axes, recipe in zip(line, recipes, strict=True):
            panel = epochs[(epochs.recipe == recipe) & (epochs.n == size)]
            axes.set_visible(not panel.empty)
            for split, colour in (("train", TRAIN_COLOUR), ("test", TEST_COLOUR)):
                curve = panel[panel.split == split]
                axes.plot(curve.epoch, -curve.elbo, color=colour, marker="o", markersize=3)
                axes.plot(curve.epoch, -curve.log_px, color=colour, linestyle="--")
                axes.fill_between(
                    curve.epoch, -curve.elbo, -curve.log_px, color=colour, alpha=0.15, linewidth=0
                )
            axes.set_title(f"{recipe}, n = {size:,}")
            _put_epochs_on_x(axes)
            axes.grid(alpha=0.25)
        _first_shown(line).set_ylabel("nats per image")
    _set_range(_first_shown(grid.flat), epochs.epoch, -epochs[["log_px", "elbo"]])
    handles = [
        Line2D([], [], color=TRAIN_COLOUR, marker="o", markersize=3, label="train, -ELBO"),
        Line2D([], [], color=TRAIN_COLOUR, linestyle="--", label="train, exact -log p(x)"),
        Line2D([], [], color=TEST_COLOUR, marker="o", markersize=3, label="test, -ELBO"),
        Line2D([], [], color=TEST_COLOUR, linestyle="--", label="test, exact -log p(x)"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2, fontsize=8, frameon=False)

    axes = figure.add_subplot(columns[1])
    means = gaps[gaps.seed == "mean"]
    places = np.arange(len(means))
    remaining = means.approximation_gap - means.approximation_gap_of_best
    left = np.zeros(len(means))
    for values, colour, label in (
        (means.approximation_gap_of_best, "#0072B2", "approximation"),
        (remaining, "#56B4E9", "refined into a lesser mode"),
        (means.amortization_gap, "#E69F00", "amortization"),
    ):
        axes.barh(places, values, left=left, color=colour, label=label, height=0.55)
        left = left + values.to_numpy()
    for place, total in zip(places, left, strict=True):
        axes.annotate(f"{total:.1f}", (total, place), xytext=(3, 0), textcoords="offset points", va="center")
    axes.set_yticks(places, [f"{row.recipe}\nn = {row.n:,}" for row in means.itertuples()], fontsize=9)
    axes.set(
        xlabel="nats per test image", title="KL at the end, mean over seeds", xlim=(0, left.max() * 1.15)
    )
    axes.invert_yaxis()
    bars = axes.get_legend_handles_labels()
    figure.legend(*bars, loc="outside lower right", ncols=2, fontsize=8, frameon=False)
    dataset = sources[0].split("/")[-3]
    figure.suptitle(
        f"The gap between ELBO and log p(x) ({dataset}, {epochs.images.max()} images of each split)"
    )
    return figure


def importance_weighted_bound(sources: Sequence[str]) -> Figure:
    """How far the bound lies below exact log p(x), over draws a bound; a panel a (recipe, n)."""
    table = pd.concat([pd.read_csv(path) for path in sources])
    panels = list(table.groupby(["recipe", "n"], sort=False))
    figure, grid = plt.subplots(
        1, len(panels), figsize=(max(5.0, min(10.0, 4.2 * len(panels))), 3.8), sharey=True, squeeze=False
    )
    for axes, ((recipe, size), panel) in zip(grid[0], panels, strict=True):
        for proposal, colour in (("encoder", Q_COLOUR), ("refined", JOINT_COLOUR)):
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
        axes.set(xscale="log", xlabel="draws k a bound", title=f"{recipe}, n = {size:,}")
        axes.margins(x=0.12)
        axes.set_yscale("symlog", linthresh=0.1)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.grid(alpha=0.25)
    grid[0, 0].set_ylabel("nats below exact log p(x)")
    handles = [
        Line2D([], [], color=Q_COLOUR, marker="o", markersize=4, label="draws from the encoder's q"),
        Line2D(
            [],
            [],
            color=JOINT_COLOUR,
            marker="o",
            markersize=4,
            label="from q refined at the posterior's peak",
        ),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    dataset = sources[0].split("/")[-6]
    figure.suptitle(f"Importance-weighted bounds ({dataset}, {table.images.max()} test images)")
    return figure


def top_half_posterior(sources: Sequence[str]) -> Figure:
    """The exact posterior given the top half, and the fitted q; a column an image.

    Middle row: contours of both, each at levels of its own peak (SPEC, part 4). Lower row: the regions that
    hold MASSES of either.
    """
    arrays = load_arrays(sources[0])
    count = len(arrays["x"])
    figure, grid = plt.subplots(
        3, count, figsize=(2.5 * count, 6.8), height_ratios=(0.35, 1, 1), squeeze=False
    )
    for column, given, upper, lower in zip(range(count), *grid, strict=True):
        image = {name: array[column] for name, array in arrays.items()}
        (first, second), log_joint, log_q = image["axes"], image["log_joint"], image["log_q"]
        density, q = np.exp(log_joint - log_joint.max()), np.exp(log_q - log_q.max())
        upper.contour(first, second, density, levels=CONTOUR_LEVELS, colors=JOINT_COLOUR, linewidths=0.9)
        upper.contour(first, second, q, levels=CONTOUR_LEVELS, colors=Q_COLOUR, linewidths=0.9)
        half, most = image["joint_levels"]
        lower.contourf(
            first,
            second,
            log_joint,
            levels=[most, half, np.inf],
            colors=[JOINT_COLOUR] * 2,
            alpha=[0.25, 0.6],
        )
        # Of a Gaussian in the plane, what lies above a share s of its peak holds 1 - s of it.
        lower.contour(
            first, second, q, levels=[1 - share for share in MASSES[::-1]], colors=Q_COLOUR, linewidths=1.3
        )
        for axes in (upper, lower):
            axes.set_box_aspect(1)
            axes.tick_params(labelsize=8)
        show_digit(given, np.where(np.arange(784) < 392, image["x"], np.nan))
        given.set_title(f"test image {image['indices']}, a {image['labels']}")
        lower.set_xlabel("first latent dimension", fontsize=9)
        lower.set_title(f"KL(q to exact) = {image['kl']:.2f}", fontsize=9)
        if image["modes"] > 1:
            lower.annotate(
                f"{image['modes']} modes",
                (0.03, 0.03),
                xycoords="axes fraction",
                color=WARNING_COLOUR,
                weight="bold",
            )
    for line, text in zip(grid[1:], ("levels of the peak", "50 % and 90 % of the mass"), strict=True):
        line[0].set_ylabel(f"{text}\nsecond latent dimension", fontsize=9)
    handles = [
        Line2D([], [], color=JOINT_COLOUR, label="exact, p(z given top half)"),
        Line2D([], [], color=Q_COLOUR, label="fitted q(z)"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(f"The latent posterior given the top half ({origin(sources[0])})")
    return figure


def completion(sources: Sequence[str]) -> Figure:
    """Original, visible top half, and the top half joined to decoded bottoms; a row an image.

    The bottoms: Bernoulli means at draws z ~ q, their mean under q, and under the exact posterior.
    """
    arrays = load_arrays(sources[0])
    count, draws = arrays["completions"].shape[:2]
    titles = ["original", "given", *(f"z{i} ~ q" for i in range(1, draws + 1)), "mean\nof q", "mean,\nexact"]
    figure, grid = plt.subplots(
        count, len(titles), figsize=(1.05 * len(titles) + 0.9, 1.05 * count + 0.9), squeeze=False
    )
    for row, line in enumerate(grid):
        image = {name: array[row] for name, array in arrays.items()}
        top = np.where(np.arange(784) < 392, image["x"], np.nan)
        pictures = [image["x"], top, *image["completions"], image["q_completion"], image["exact_completion"]]
        for axes, picture in zip(line, pictures, strict=True):
            show_digit(axes, picture)
        for axes in line[1:]:
            axes.axhline(13.5, color=Q_COLOUR, linewidth=0.8)
        line[0].set_ylabel(
            f"image {image['indices']}\na {image['labels']}", rotation=0, ha="right", va="center"
        )
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=9)
    figure.suptitle(f"The bottom half, given the top half\n{origin(sources[0])}")
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


def timings(sources: Sequence[str]) -> Figure:
    """Left, each contender's ratio (median and range), contest by contest; right, seconds of whole processes.

    Sources: the tables of `benchmark`, `benchmark_processes` and `benchmark_commands`.
    """
    *contests, commands = map(pd.read_csv, sources)
    ratios = pd.concat(contests, ignore_index=True)
    starts = ~ratios.contest.duplicated().to_numpy()
    rows = np.arange(len(ratios)) + 1.4 * starts.cumsum()
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, max(4.0, 0.22 * rows[-1] + 1.4)), width_ratios=(1.15, 1)
    )

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
        "time of the contest's first, over this one's\n(below 1: the first is faster)", fontsize=8
    )

    places = np.arange(len(commands))
    right.barh(
        places, commands.seconds, color=np.where(commands.torch, WARNING_COLOUR, TRAIN_COLOUR), height=0.6
    )
    right.hlines(places, commands.shortest, commands.longest, color="0.2", linewidth=1)
    right.set_yticks(places, commands.command, fontsize=7)
    right.set(ylim=(len(commands) - 0.5, -0.5))
    right.set_xlabel(f"seconds, whole processes\n({commands.torch.sum()} import torch)", fontsize=8)
    right.tick_params(axis="x", labelsize=8)
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.25)
    _label_log_axis(left.xaxis)
    machine = ratios.iloc[0]
    figure.suptitle(
        f"Timings: {machine.processor}, {machine.cores} cores, {machine.threads} thread(s) each\n"
        f"{machine.versions}",
        fontsize=10,
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
        inference_gap,
        importance_weighted_bound,
        top_half_posterior,
        completion,
        parity_ladder,
        timings,
    )
}
