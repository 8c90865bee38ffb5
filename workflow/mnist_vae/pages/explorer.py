"""The explorer: one page in which the decoder itself runs. No torch here.

The page is templates/explorer.html with its style sheet, its scripts and its data inlined. Weights travel as
float16, pictures as bits, both in base64; what the rounding does to the decoder is measured and said.
"""

import json
import math
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.special import expit

from mnist_vae.figures.classes import TEN_COLOURS, densest_point

TEMPLATES = Path(__file__).parent / "templates"
TRAINING_DIGITS = (
    3_000  # at most, the first ones: dots enough to see the classes, pictures few enough to carry
)
TEST_DIGITS = 100
GRID_SIZE = 121  # along a side: finer grids move log p(x) of the first 100 test images by 0.02 nats at most
LEAST_REACH = 4.0  # the prior's mass beyond is 1e-4
MARGIN = 1.25  # beyond the outermost training image's code: posteriors of others, and of halves, lie further


def half_precision(decoder: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Round every tensor to float16."""
    return {name: tensor.astype(np.float16) for name, tensor in decoder.items()}


def plane_reach(mean: np.ndarray) -> float:
    """How far the shown plane reaches from 0: past all means (count, 2), to the next half unit."""
    return max(LEAST_REACH, math.ceil(2 * (float(np.abs(mean).max()) + MARGIN)) / 2)


def bernoulli_means(decoder: Mapping[str, np.ndarray], z: np.ndarray) -> np.ndarray:
    """Decode latents (count, 2) -> (count, 784), in float64. Tensors are named as in the page's data."""
    exact = {name: tensor.astype(np.float64) for name, tensor in decoder.items()}
    hidden = np.tanh(z @ exact["hiddenWeight"].T + exact["hiddenBias"])
    return expit(hidden @ exact["outputWeight"].T + exact["outputBias"])


def rounding_error(decoder: Mapping[str, np.ndarray], reach: float) -> float:
    """The most that float16 moves any Bernoulli mean on the page's grid of the plane."""
    rounded = half_precision(decoder)
    axis = np.linspace(-reach, reach, GRID_SIZE)
    lines = (np.stack([axis, np.full_like(axis, y)], axis=1) for y in axis)
    return max(
        float(np.abs(bernoulli_means(decoder, line) - bernoulli_means(rounded, line)).max()) for line in lines
    )


def page_data(
    weights: Mapping[str, np.ndarray],
    latents: Mapping[str, np.ndarray],
    training_pictures: np.ndarray,
    test_pictures: np.ndarray,
    test_labels: np.ndarray,
    provenance: Mapping,
) -> dict:
    """Gather what the page holds, as JSON can carry it.

    `weights` are a model's tensors, `latents` its mean, log_std and labels of all its training images;
    pictures are (count, 784) in {0, 1}, the training ones the first of those images.
    """
    decoder = {
        layer + kind.title(): weights[f"decoder.{layer}.{kind}"]
        for layer in ("hidden", "output")
        for kind in ("weight", "bias")
    }
    mean, labels = latents["mean"], latents["labels"]
    count = len(training_pictures)
    reach = plane_reach(mean)
    error = rounding_error(decoder, reach)
    return {
        "provenance": dict(provenance),
        "precision": {"weights": "float16", "largest_error_of_a_bernoulli_mean": error},
        "about": _about(provenance, count, len(test_pictures), error),
        "reach": reach,
        "grid_size": GRID_SIZE,
        "colours": TEN_COLOURS,
        "label_places": {
            int(digit): densest_point(mean[labels == digit]).tolist() for digit in np.unique(labels)
        },
        "decoder": {name: _base64(tensor) for name, tensor in half_precision(decoder).items()},
        "training": {
            "pictures": _base64(np.packbits(training_pictures.astype(bool))),
            "labels": _base64(labels[:count]),
            "mean": _base64(mean[:count].astype(np.float16)),
            "log_std": _base64(latents["log_std"][:count].astype(np.float16)),
        },
        "tests": {
            "pictures": _base64(np.packbits(test_pictures.astype(bool))),
            "labels": _base64(test_labels),
        },
    }


def explorer_page(data: Mapping) -> str:
    """The page, whole: what its tags refer to, put in their place."""
    page = _template("explorer.html")
    for tag, inlined in {
        '<link rel="stylesheet" href="explorer.css">': f"<style>\n{_template('explorer.css')}</style>",
        '<script type="application/json" id="data"></script>': (
            f'<script type="application/json" id="data">{_json_in_html(data)}</script>'
        ),
        '<script id="model" src="model.js"></script>': (
            f'<script id="model">\n{_template("model.js")}</script>'
        ),
        '<script src="explorer.js"></script>': f"<script>\n{_template('explorer.js')}</script>",
    }.items():
        before, after = page.split(tag)
        page = before + inlined + after
    return page


def _about(provenance: Mapping, training: int, tests: int, error: float) -> str:
    """Say what the page shows, and how exactly."""
    bound = math.ceil(error * 1e5) / 1e5
    return (
        f"The model: {provenance['dataset']}, {provenance['n']:,} training images, "
        f"{provenance['recipe']} recipe, seed {provenance['seed']}. The dots are the first {training:,} of "
        f"these images; the test digits are the first {tests}. The decoder runs in this page; its weights "
        f"are rounded to 16 bits, which moves no pixel's probability by more than {bound:.5f} on "
        f"{GRID_SIZE} × {GRID_SIZE} points of the plane. Exact answers are sums over these points, "
        "interpolated. Everything is in this file: it needs no network and asks for nothing."
    )


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _base64(array: np.ndarray) -> str:
    return b64encode(np.ascontiguousarray(array)).decode("ascii")


def _json_in_html(data: Mapping) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(data, sort_keys=True).replace("<", "\\u003c")
