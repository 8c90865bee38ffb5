"""The explorer: one page in which the decoder itself runs. No torch here.

The page is templates/explorer.html with its style sheet, its scripts and its data inlined. Weights travel as
float16, pictures as bits, both in base64; what the rounding does to the decoder is measured and said.
"""

import json
import math
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import expit, logsumexp

from mnist_vae.errors import InputError
from mnist_vae.figures.classes import DIGITS, class_colours, class_names, densest_point

TEMPLATES = Path(__file__).parent / "templates"
# At most, the first ones: dots enough to see the classes, pictures few enough to carry.
TRAINING_PICTURES = 3_000
TEST_PICTURES = 100
CLASSIFIED = 1_000  # test images, the first ones, on which the class probabilities are checked
GRID_SIZE = 121  # points along a side of the plane
LEAST_REACH = 4.0  # the prior's mass beyond is 1e-4
MARGIN = 1.25  # beyond the outermost training image's code: posteriors of others, and of halves, lie further
MOST_NEIGHBOURS = 255  # which are counted in a byte


def page_data(
    weights: Mapping[str, np.ndarray],
    latents: Mapping[str, np.ndarray],
    training_pictures: np.ndarray,
    test_pictures: np.ndarray,
    test_labels: np.ndarray | None,
    provenance: Mapping,
) -> dict:
    """Gather what the page holds, as JSON can carry it.

    `weights` are a model's tensors, `latents` its mean, log_std and, where there are any, labels of all its
    training images; pictures are (count, pixels) in {0, 1}, the training ones the first of those. The
    classes' names are provenance["classes"], or the ten digits. Raises InputError for a model that the page
    cannot show: of another latent dimension than two, or of pictures that are not square.
    """
    decoder = {
        layer + kind.title(): weights[f"decoder.{layer}.{kind}"]
        for layer in ("hidden", "output")
        for kind in ("weight", "bias")
    }
    _require_plane_and_square(decoder)
    rounded = {name: tensor.astype(np.float16) for name, tensor in decoder.items()}
    mean, labels = latents["mean"], latents.get("labels")
    count, tests = len(training_pictures), test_pictures[:TEST_PICTURES]
    classes = class_names(provenance)
    reach = plane_reach(mean)

    points = grid_points(reach)
    logits = {name: bernoulli_logits(one, points) for name, one in (("exact", decoder), ("rounded", rounded))}
    errors = rounding_errors(logits["exact"], logits["rounded"], points, tests)
    data: dict[str, Any] = {
        "provenance": dict(provenance),
        # A set of one's own, which states its files, may call anything 0 to 9.
        "noun": "digit" if tuple(classes) == DIGITS and "files" not in provenance else "picture",
        "classes": [],
        "precision": {"weights": "float16"} | errors,
        "reach": reach,
        "grid_size": GRID_SIZE,
        "colours": list(class_colours(len(classes))),
        "decoder": {name: _base64(tensor) for name, tensor in rounded.items()},
        "training": {
            "pictures": _base64(np.packbits(training_pictures.astype(bool))),
            "mean": _base64(mean[:count].astype(np.float16)),
            "log_std": _base64(latents["log_std"][:count].astype(np.float16)),
        },
        "tests": {"pictures": _base64(np.packbits(tests.astype(bool)))},
        "about": _about(provenance, count, len(tests), errors),
        "label_places": {},
    }
    if labels is None or test_labels is None:
        return data
    counts = class_counts(mean, labels, len(classes), points)
    return data | {
        "classes": list(classes),
        "label_places": {int(one): densest_point(mean[labels == one]).tolist() for one in np.unique(labels)},
        "training_labels": _base64(labels[:count].astype(np.uint8)),
        "test_labels": _base64(test_labels[: len(tests)].astype(np.uint8)),
        "class_counts": _base64(counts),
        "classifier": _classifier(counts, logits["rounded"], points, test_pictures, test_labels, len(mean)),
    }


def plane_reach(mean: np.ndarray) -> float:
    """How far the shown plane reaches from 0: past all means (count, 2), to the next half unit."""
    return max(LEAST_REACH, math.ceil(2 * (float(np.abs(mean).max()) + MARGIN)) / 2)


def grid_points(reach: float) -> np.ndarray:
    """The page's grid of the plane, (GRID_SIZE², 2): the first coordinate runs fastest."""
    axis = np.linspace(-reach, reach, GRID_SIZE)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1)


def bernoulli_logits(decoder: Mapping[str, np.ndarray], z: np.ndarray) -> np.ndarray:
    """Decode latents (count, 2) -> logits (count, pixels), float32. Tensors have the page's names."""
    single = {name: tensor.astype(np.float32) for name, tensor in decoder.items()}
    hidden = np.tanh(z.astype(np.float32) @ single["hiddenWeight"].T + single["hiddenBias"])
    return hidden @ single["outputWeight"].T + single["outputBias"]


def log_joint(logits: np.ndarray, points: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """log p(x, z) of pictures (count, pixels) at points with logits (points, pixels) -> (count, points).

    Pictures of fewer pixels are the first rows; they are summed over those alone.
    """
    seen = logits[:, : pictures.shape[1]]
    log_prior = -(points**2).sum(1) / 2 - math.log(2 * math.pi)
    return pictures.astype(np.float32) @ seen.T - np.logaddexp(0, seen).sum(1) + log_prior


def rounding_errors(exact: np.ndarray, rounded: np.ndarray, points: np.ndarray, pictures: np.ndarray) -> dict:
    """The most that float16 moves any Bernoulli mean on the grid, and log p(x) of any of the pictures."""
    evidence, other = (logsumexp(log_joint(logits, points, pictures), axis=1) for logits in (exact, rounded))
    return {
        "largest_error_of_a_bernoulli_mean": float(np.abs(expit(exact) - expit(rounded)).max()),
        "largest_error_of_log_px": float(np.abs(evidence - other).max(initial=0)),
    }


def neighbour_count(images: int) -> int:
    """How many nearest training codes are counted at a point: the root of their number, a rule of thumb."""
    return min(round(math.sqrt(images)), MOST_NEIGHBOURS, images)


def class_counts(mean: np.ndarray, labels: np.ndarray, classes: int, points: np.ndarray) -> np.ndarray:
    """Of the training codes nearest to each point, how many are of each class: uint8 (points, classes)."""
    _, nearest = cKDTree(mean).query(points, k=np.arange(1, neighbour_count(len(mean)) + 1))
    counts = np.zeros((len(points), classes), np.uint8)
    for found in labels[nearest].T:
        counts[np.arange(len(points)), found] += 1
    return counts


def class_probabilities(joint: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """p(class | rows) from log p(rows, z) (count, points): the classes' shares, averaged over z."""
    posterior = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    return posterior @ (counts / counts.sum(1, keepdims=True))


def explorer_page(data: Mapping) -> str:
    """The page, whole: what its tags refer to, put in their place."""
    title = "handwritten digits" if data["noun"] == "digit" else "pictures"
    page = _template("explorer.html").replace("{noun}", data["noun"]).replace("{title}", title)
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


def _require_plane_and_square(decoder: Mapping[str, np.ndarray]) -> None:
    dimensions, pixels = decoder["hiddenWeight"].shape[1], len(decoder["outputBias"])
    if dimensions != 2:
        raise InputError(
            f"the explorer shows a plane, and this model's latent dimension is {dimensions}: "
            "choose a recipe whose latent dimension is 2 (figures.recipe)"
        )
    if math.isqrt(pixels) ** 2 != pixels:
        raise InputError(f"the explorer shows square pictures, and this model's have {pixels} pixels")


def _classifier(
    counts: np.ndarray,
    logits: np.ndarray,
    points: np.ndarray,
    pictures: np.ndarray,
    labels: np.ndarray,
    images: int,
) -> dict:
    """How often the likeliest class is right, for whole pictures and for their top halves."""
    pixels = pictures.shape[1]
    right = [
        int((class_probabilities(log_joint(logits, points, seen), counts).argmax(1) == labels).sum())
        for seen in (pictures, pictures[:, : pixels // 2])
    ]
    return {
        "neighbours": neighbour_count(images),
        "images": len(pictures),
        "right_whole": right[0],
        "right_top_half": right[1],
    }


def _about(provenance: Mapping, training: int, tests: int, errors: Mapping[str, float]) -> str:
    """Say what the page shows, and how exactly."""
    of_mean, of_log_px = errors["largest_error_of_a_bernoulli_mean"], errors["largest_error_of_log_px"]
    return (
        f"The model: {provenance['dataset']}, {provenance['n']:,} training images, {provenance['recipe']} "
        f"recipe, seed {provenance['seed']}. The dots are the first {training:,} of these images; the test "
        f"pictures are the first {tests}. The decoder runs in this page. Its weights are rounded to 16 "
        f"bits, which moves no pixel's probability by more than {_round_up(of_mean, 5):.5f} on {GRID_SIZE} "
        f"× {GRID_SIZE} points of the plane, and log p of no test picture shown by more than "
        f"{_round_up(of_log_px, 3):.3f} nats. Everything is in this file: it needs no network and asks for "
        "nothing."
    )


def _round_up(value: float, digits: int) -> float:
    return math.ceil(value * 10**digits) / 10**digits


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _base64(array: np.ndarray) -> str:
    return b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _json_in_html(data: Mapping) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(data, sort_keys=True).replace("<", "\\u003c")
