"""Names and colours of classes, and the places of their labels in the latent plane."""

import colorsys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mnist_vae.study.images import DIGITS

# Ten colours each, for a light and a dark ground. Any two of them, or one and the ground, are at least 20
# apart in CIE Lab, with full colour vision and with full protanopia, deuteranopia and tritanopia (Machado et
# al. 2009). They are the colours nearest to those of Okabe and Ito (2008) and four more that a search found.
TEN_COLOURS = (
    "#000000", "#D48700", "#5BC4FE", "#089F76", "#E5CA02",
    "#0F5181", "#BC4500", "#D489BA", "#A05DBD", "#7F4A3E",
)  # fmt: skip
TEN_COLOURS_ON_DARK = (
    "#F6F8F2", "#FFD269", "#9EE3FF", "#4CC189", "#AFAE10",
    "#81A6E5", "#D9844C", "#E497BE", "#A26AA3", "#7D7872",
)  # fmt: skip
# In addition to the colours of lines and points, for print and for colour-blind readers.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
LIGHTNESSES = (0.3, 0.5, 0.7)


def class_names(provenance: Mapping[str, Any]) -> Sequence[str]:
    """Return the name of each label: the data set's `classes` where its files state them, else the digits."""
    return provenance.get("classes") or DIGITS


def class_colours(count: int, dark: bool = False) -> Sequence[str]:
    """Return `count` colours as #RRGGBB: of ten for the ground, or for more classes hues around the circle.

    Neighbouring hues differ in lightness too, because hues alone tell about ten classes apart.
    """
    if count <= len(TEN_COLOURS):
        return (TEN_COLOURS_ON_DARK if dark else TEN_COLOURS)[:count]
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
    return np.asarray(points[neighbours.argmax()])
