"""How classes are shown: their names, their colours, and where in the latent plane they are labelled."""

import colorsys
from collections.abc import Mapping, Sequence

import numpy as np

# Ten colours that stay apart in print and for most colour-blind readers (Okabe & Ito 2008, extended).
TEN_COLOURS = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#C9B800",
    "#0072B2", "#D55E00", "#CC79A7", "#7F3C8D", "#8C564B",
)  # fmt: skip
DIGITS = tuple("0123456789")
LIGHTNESSES = (0.3, 0.5, 0.7)


def class_names(provenance: Mapping) -> Sequence[str]:
    """Return the name of each label: the data set's `classes` where its files state them, else the digits."""
    return provenance.get("classes") or DIGITS


def class_colours(count: int) -> Sequence[str]:
    """Return `count` colours as #RRGGBB: the ten above, or for more classes hues from all around the circle.

    Neighbouring hues differ in lightness too, because hues alone tell about ten classes apart.
    """
    if count <= len(TEN_COLOURS):
        return TEN_COLOURS[:count]
    return [
        "#{:02X}{:02X}{:02X}".format(
            *(round(255 * part) for part in colorsys.hls_to_rgb(label / count, lightness, 0.85))
        )
        for label, lightness in zip(range(count), LIGHTNESSES * count, strict=False)
    ]


def image_title(image: str, name: str | None) -> str:
    """Say which image is shown: its class's name, then in parentheses the image; without a name the image."""
    return image if name is None else f"{name}\n({image})"


def densest_point(points: np.ndarray, radius: float = 0.5) -> np.ndarray:
    """Return the point (2,) among points (count, 2) with the most others within the radius."""
    from scipy.spatial import cKDTree  # its import takes a third of a second, and only some figures need it

    neighbours = cKDTree(points).query_ball_point(points, radius, return_length=True)
    return points[neighbours.argmax()]
