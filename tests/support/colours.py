"""Colour contrast as defined by WCAG 2.2."""

import numpy as np


def linear(colour) -> np.ndarray:
    """Linear sRGB of a colour, or colours, whose channels are 0 to 1."""
    shares = np.asarray(colour)
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def luminance(colour) -> float:
    """The relative luminance of a colour (red, green, blue)."""
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one, other) -> float:
    """The contrast of two colours (red, green, blue)."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def channels(colour: str) -> np.ndarray:
    """#RRGGBB as (red, green, blue)."""
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
