"""The exact latent posterior given the top half of an image, and the Gaussian q fitted to it."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from mnist_vae.figures.classes import class_names, image_title
from mnist_vae.figures.style import JOINT_COLOUR, Q_COLOUR, WARNING_COLOUR, origin, show_image, top_half_only
from mnist_vae.files.storage import load_arrays, load_provenance

CONTOUR_LEVELS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)  # relative to the density's own peak
MARGIN = 0.3  # around the contours, as a share of their extent
OTHERS = {  # prefixes of mean, log_std and kl of further fits, and what they are
    "single_start_": "one random start",
    "assignment_": "as the assignment asks:\none start, 100 steps",
}


def draw(sources: Sequence[str]) -> Figure:
    """A column per image: its top half, contours of both densities, and where most of their mass lies.

    Contours are at levels of each density's own peak (docs/model.md, part 4). If the arrays hold fits from a
    single random start, a further row shows where each of them lies. Source: what `complete_top_half` stored.
    """
    arrays, names = load_arrays(sources[0]), class_names(load_provenance(sources[0]))
    masses, count = arrays["masses"], len(arrays["x"])
    per_image = {name: array for name, array in arrays.items() if name != "masses"}
    others = {prefix: words for prefix, words in OTHERS.items() if f"{prefix}mean" in arrays}
    heights = [0.4, 1, 1, *[1] * len(others)]
    figure = Figure(figsize=(max(2.5 * count, 5.5), 2.6 * sum(heights) + 0.6))
    grid = figure.subplots(len(heights), count, height_ratios=heights, squeeze=False)
    for column, (given, upper, *lower) in enumerate(grid.T):
        image = {name: array[column] for name, array in per_image.items()}
        show_image(given, top_half_only(image["x"]))
        split = "training" if image.get("training", False) else "test"
        name = names[image["labels"]] if "labels" in image else None
        given.set_title(image_title(f"{split} image {image['indices']}", name))
        _contours(upper, image)
        for axes, prefix in zip(lower, ("", *others), strict=True):
            _posterior_regions(axes, image)
            if prefix:
                _ellipses(axes, image[f"{prefix}mean"], np.exp(image[f"{prefix}log_std"]), masses)
            else:
                _q_regions(axes, image, masses)
            axes.set_title(f"KL(q || exact) = {image[f'{prefix}kl']:.2f} nats", fontsize=9)
        lower[-1].set_xlabel("first latent dimension", fontsize=9)
        for axes in (upper, *lower):
            axes.set_box_aspect(1)
            axes.tick_params(labelsize=8)
    shares = " and ".join(f"{mass:.0%}" for mass in sorted(masses))
    best = "best of several starts:\n" if others else ""
    rows = [
        f"{CONTOUR_LEVELS[0]} to {CONTOUR_LEVELS[-1]} of each peak",
        f"{best}{shares} of the mass",
        *(f"{words}:\n{shares} of the mass" for words in others.values()),
    ]
    for line, text in zip(grid[1:], rows, strict=True):
        line[0].set_ylabel(f"{text}\nsecond latent dimension", fontsize=9)
    handles = [
        Line2D([], [], color=JOINT_COLOUR, label="exact, p(z | top half)"),
        Line2D([], [], color=Q_COLOUR, label="fitted q(z)"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(f"The latent posterior given the top half\n{origin(sources[0])}")
    return figure


def _contours(axes: Axes, image: Mapping[str, np.ndarray]) -> None:
    """Draw both densities' contours, and zoom to them; say so where a mode is too low for them."""
    first, second = image["axes"]
    shares = []
    for log_density, colour in ((image["log_joint"], JOINT_COLOUR), (image["log_q"], Q_COLOUR)):
        share = np.exp(log_density - log_density.max())
        axes.contour(first, second, share, levels=CONTOUR_LEVELS, colors=colour, linewidths=0.9)
        shares.append(share)
    shown = np.maximum(*shares) >= CONTOUR_LEVELS[0]
    axes.set(xlim=_around(first[shown.any(0)]), ylim=_around(second[shown.any(1)]))
    missed = len(_mode_masses(image, image["joint_levels"].min())) - len(
        _mode_masses(image, image["log_joint"].max() + np.log(CONTOUR_LEVELS[0]))
    )
    if missed > 0:
        axes.set_title(
            f"{missed} more mode{'s' * (missed > 1)}, too low: see below", fontsize=8, color=WARNING_COLOUR
        )


def _q_regions(axes: Axes, image: Mapping[str, np.ndarray], masses: np.ndarray) -> None:
    """Draw the smallest regions that hold these shares of q's mass."""
    # Of a Gaussian in the plane, what lies above a share s of its peak holds 1 - s of it.
    q = np.exp(image["log_q"] - image["log_q"].max())
    axes.contour(*image["axes"], q, levels=np.sort(1 - masses), colors=Q_COLOUR, linewidths=1.3)


def _ellipses(axes: Axes, mean: np.ndarray, std: np.ndarray, masses: np.ndarray) -> None:
    """Draw the smallest regions that hold these shares of a q outside the tables, and zoom out."""
    for mass in masses:
        size = 2 * std * np.sqrt(-2 * np.log(1 - mass))
        axes.add_patch(Ellipse(tuple(mean), *size, fill=False, edgecolor=Q_COLOUR, linewidth=1.3))
    axes.autoscale_view()


def _posterior_regions(axes: Axes, image: Mapping[str, np.ndarray]) -> None:
    """Draw the smallest regions that hold these shares of the posterior's mass; label its modes."""
    first, second = image["axes"]
    levels = np.sort(image["joint_levels"])
    axes.contourf(
        first,
        second,
        image["log_joint"],
        levels=[*levels, np.inf],
        colors=[JOINT_COLOUR] * 2,
        alpha=[0.25, 0.6],
    )
    modes = _mode_masses(image, levels[0])
    if len(modes) > 1:
        for place, mass in modes:
            side = 1 if place[0] < first.mean() else -1  # towards the middle, where there is room
            axes.annotate(
                f"{mass:.0%}", place, xytext=(16 * side, 0), textcoords="offset points", va="center", size=8,
                ha="left" if side > 0 else "right", color=WARNING_COLOUR, weight="bold",
            )  # fmt: skip
        axes.annotate(
            f"{len(modes)} modes", (0.03, 0.03), xycoords="axes fraction", color=WARNING_COLOUR, weight="bold"
        )


def _mode_masses(image: Mapping[str, np.ndarray], level: float) -> list[tuple[tuple[float, float], float]]:
    """Return the highest point and the mass of each region where the log-joint is above a level."""
    from scipy.ndimage import label, maximum_position, sum_labels  # only here

    log_joint = image["log_joint"]
    density = np.exp(log_joint - log_joint.max())
    parts, count = label(log_joint >= level, structure=np.ones((3, 3)))
    numbers = range(1, count + 1)
    peaks = maximum_position(density, parts, numbers)
    found = sum_labels(density, parts, numbers) / density.sum()
    first, second = image["axes"]
    places = [(float(first[column]), float(second[row])) for row, column in peaks]
    return list(zip(places, found.tolist(), strict=True))


def _around(places: np.ndarray) -> tuple[float, float]:
    """Return the ends of an axis that shows these places with a margin."""
    margin = MARGIN * (places.max() - places.min())
    return places.min() - margin, places.max() + margin
