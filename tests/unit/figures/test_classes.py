"""Colours of classes are distinguishable, with full and with deficient colour vision."""

import numpy as np
import pytest

from mnist_vae.figures.classes import MARKERS, class_colours
from support.colours import channels, linear

LEAST = 20  # in CIE Lab, of two colours of ten: several times the difference that is just noticed
GROUNDS = {False: "#FFFFFF", True: "#1C2024"}  # the explorer's, light and dark
# Of linear sRGB, as full protanopia, deuteranopia and tritanopia see it (Machado et al. 2009, severity 1).
VISION = {
    "all colours": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ],
}  # fmt: skip
XYZ = np.array([[0.41246, 0.35758, 0.18044], [0.21267, 0.71515, 0.07218], [0.01933, 0.11919, 0.95030]])


def lab(colours, vision) -> np.ndarray:
    """CIE Lab (D65) of colours #RRGGBB, as they are seen."""
    seen = np.clip(linear([*map(channels, colours)]) @ np.transpose(vision), 0, 1) @ XYZ.T / XYZ.sum(1)
    x, y, z = np.where(seen > 0.008856, np.cbrt(seen), 7.787 * seen + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("dark", GROUNDS)
def test_ten_colours_and_their_ground_stay_apart(dark, vision):
    seen = lab([*class_colours(10, dark), GROUNDS[dark]], VISION[vision])
    distances = np.linalg.norm(seen[:, None] - seen, axis=2) + np.diag([np.inf] * 11)
    assert distances.min() >= LEAST


def test_lab_is_the_published_one():
    """Red, green and blue of sRGB."""
    found = lab(["#FF0000", "#00FF00", "#0000FF"], VISION["all colours"])
    assert np.allclose(found, [[53.2, 80.1, 67.2], [87.7, -86.2, 83.2], [32.3, 79.2, -107.9]], atol=0.1)


@pytest.mark.parametrize(("count", "least"), [(15, 15), (26, 15), (47, 8)])
def test_more_colours_differ_visibly(count, least):
    seen = lab(class_colours(count), VISION["all colours"])
    assert (np.linalg.norm(seen[:, None] - seen, axis=2) + np.diag([np.inf] * count)).min() > least


@pytest.mark.parametrize("dark", GROUNDS)
@pytest.mark.parametrize("count", [1, 10, 11, 47])
def test_each_class_has_a_colour_of_its_own(count, dark):
    assert len(set(class_colours(count, dark))) == count
    assert len(set(MARKERS)) == 10
