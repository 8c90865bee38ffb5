"""The explorer: a page in which the decoder itself runs. Imports no torch.

The page is templates/explorer/explorer.html with its style sheet, scripts and data inlined. Weights are
stored as float16, pictures as bits, both in base64; the page states the measured effect of the rounding.
"""

import json
import math
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.special import expit, logsumexp

from mnist_vae.errors import InputError
from mnist_vae.figures.classes import class_colours, class_names, densest_point
from mnist_vae.study.images import DIGITS

TEMPLATES = Path(__file__).parent / "templates/explorer"
# Largest numbers, always of the first pictures: enough dots to see the classes, in a page that loads quickly.
TRAINING_PICTURES = 3_000
TEST_PICTURES = 100
CLASSIFIED = 1_000  # number of test images on which the class probabilities are checked
ROUNDED = 500  # number of pictures, test pictures before training ones, whose log p is compared
GRID_SIZE = 121  # points along a side of the plane
LEAST_REACH = 4.0  # the prior's mass beyond is 1e-4
MARGIN = 1.25  # beyond the outermost training image's code, since posteriors of other images reach further
MOST_NEIGHBOURS = 255  # as many as a byte can count
MOSAIC = 15  # number of pictures along a side, behind the dots
SHRUNK = 2  # number of a picture's pixels, along a side, in one pixel of the film
SHADES = 15  # largest shade of ink in the film, which has four bits
EPOCHS = ("split", "epoch", "images", "elbo", "log_px")  # columns of the table of a training run


class Pictures(NamedTuple):
    """Pictures (count, pixels) in {0, 1} and their labels, if they have any."""

    pictures: np.ndarray
    labels: np.ndarray | None


class Shown(NamedTuple):
    """A model on the page.

    `weights` are its tensors; `latents` the mean, log_std and labels, if any, of all its training images.
    `snapshots` are tensors by epoch, and `epochs` the table of bound and log p(x) at each.
    """

    weights: Mapping[str, np.ndarray]
    latents: Mapping[str, np.ndarray]
    provenance: Mapping[str, Any]
    snapshots: Mapping[str, Mapping[str, np.ndarray]] = {}
    epochs: pd.DataFrame | None = None


def page_data(models: Sequence[Shown], training: Pictures, tests: Pictures) -> dict:
    """Gather the page's data, ready for JSON.

    The training pictures are the first of those that each model was trained on. The classes' names are
    provenance["classes"], or the ten digits. Raises InputError for a model that the page cannot show: with a
    latent dimension other than two, or pictures that are not square.
    """
    provenance = models[0].provenance
    classes = class_names(provenance)
    labelled = training.labels is not None and tests.labels is not None
    return {
        # The user's own data set, whose files are in its provenance, may use 0 to 9 for any classes.
        "noun": "digit" if tuple(classes) == DIGITS and "files" not in provenance else "picture",
        "classes": list(classes) if labelled else [],
        "colours": {
            "light": list(class_colours(len(classes))),
            "dark": list(class_colours(len(classes), dark=True)),
        },
        "pixels": training.pictures.shape[1],
        "grid_size": GRID_SIZE,
        "mosaic": MOSAIC,
        "tile": math.isqrt(training.pictures.shape[1]) // SHRUNK,
        "training": _pictures(training, labelled, TRAINING_PICTURES),
        "tests": _pictures(tests, labelled, TEST_PICTURES),
        "models": [
            model_data(one, training.pictures, tests, len(classes) if labelled else 0) for one in models
        ],
    }


def model_data(model: Shown, training: np.ndarray, tests: Pictures, classes: int) -> dict:
    """Gather the page's data of a model; `classes` is 0 if there are no labels."""
    decoder = decoder_of(model.weights)
    _require_plane_and_square(decoder)
    rounded = {name: tensor.astype(np.float16) for name, tensor in decoder.items()}
    mean, count = model.latents["mean"], len(training)
    reach = plane_reach(mean)
    points = grid_points(reach)
    exact, page = (bernoulli_logits(one, points) for one in (decoder, rounded))
    shown_tests = tests.pictures[:TEST_PICTURES]
    compared = np.concatenate([shown_tests, training[: ROUNDED - len(shown_tests)]])
    data: dict[str, Any] = {
        "name": model.provenance["recipe"],
        "reach": reach,
        "decoder": {name: _base64(tensor) for name, tensor in rounded.items()},
        "mean": _base64(mean[:count].astype(np.float16)),
        "log_std": _base64(model.latents["log_std"][:count].astype(np.float16)),
        "label_places": {},
        "about": _about(model.provenance, count, len(shown_tests)),
        "precision": _precision(rounding_errors(exact, page, points, compared), len(compared)),
        "film": _film(model, training, reach),
    }
    if not classes:
        return data
    labels = model.latents["labels"]
    counts = class_counts(mean, labels, classes, points)
    return data | {
        "label_places": {int(one): densest_point(mean[labels == one]).tolist() for one in np.unique(labels)},
        "class_counts": _base64(counts),
        "classifier": _classifier(counts, page, points, tests, len(mean)),
    }


def decoder_of(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The decoder's tensors under the page's names."""
    return {
        layer + kind.title(): tensors[f"decoder.{layer}.{kind}"]
        for layer in ("hidden", "output")
        for kind in ("weight", "bias")
    }


def encoder_means(tensors: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """The latent means (count, latent) of pictures (count, pixels), by a model's encoder."""
    hidden = np.tanh(
        x.astype(np.float32) @ tensors["encoder.hidden.weight"].T + tensors["encoder.hidden.bias"]
    )
    outputs = hidden @ tensors["encoder.output.weight"].T + tensors["encoder.output.bias"]
    return outputs[:, : outputs.shape[1] // 2]


def plane_reach(mean: np.ndarray) -> float:
    """How far the shown plane reaches from 0: past all means (count, 2), to the next half unit."""
    return max(LEAST_REACH, math.ceil(2 * (float(np.abs(mean).max()) + MARGIN)) / 2)


def grid_points(reach: float) -> np.ndarray:
    """The page's grid of the plane, (GRID_SIZE², 2): the first coordinate runs fastest."""
    return _square(np.linspace(-reach, reach, GRID_SIZE))


def mosaic_points(reach: float) -> np.ndarray:
    """Where pictures behind the dots are decoded, (MOSAIC², 2): the middles of equal squares of the plane."""
    return _square(((2 * np.arange(MOSAIC) + 1) / MOSAIC - 1) * reach)


def _square(axis: np.ndarray) -> np.ndarray:
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1)


def shaded(means: np.ndarray) -> np.ndarray:
    """Bernoulli means (count, pixels) of square pictures, shrunk and in 16 shades, two of them in a byte."""
    count, side = len(means), math.isqrt(means.shape[1])
    tile = side // SHRUNK
    kept = means.reshape(count, side, side)[:, : SHRUNK * tile, : SHRUNK * tile]
    small = kept.reshape(count, tile, SHRUNK, tile, SHRUNK).mean((2, 4)).ravel()
    first, second = np.pad(np.rint(SHADES * small).astype(np.uint8), (0, small.size % 2)).reshape(-1, 2).T
    return first << 4 | second


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


def rounding_errors(
    exact: np.ndarray, rounded: np.ndarray, points: np.ndarray, pictures: np.ndarray
) -> tuple[float, float]:
    """The most that float16 moves a Bernoulli mean on the grid, and log p of a picture or its top half."""
    moved = [0.0]
    for seen in (pictures, pictures[:, : pictures.shape[1] // 2]):
        evidence, other = (logsumexp(log_joint(logits, points, seen), axis=1) for logits in (exact, rounded))
        moved.append(float(np.abs(evidence - other).max(initial=0)))
    return float(np.abs(expit(exact) - expit(rounded)).max()), max(moved)


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
    """The page, with the files that its tags refer to inlined."""
    title = "handwritten digits" if data["noun"] == "digit" else "pictures"
    page = _template("explorer.html").replace("{noun}", data["noun"]).replace("{title}", title)
    page = re.sub(
        '<link rel="stylesheet" href="(.*?)">', lambda tag: f"<style>\n{_template(tag[1])}</style>", page
    )
    page = re.sub('<script(.*?) src="(.*?)">', lambda tag: f"<script{tag[1]}>\n{_template(tag[2])}", page)
    before, after = page.split('id="data">')
    return f'{before}id="data">{_json_in_html(data)}{after}'


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
    counts: np.ndarray, logits: np.ndarray, points: np.ndarray, tests: Pictures, images: int
) -> str:
    """Say where class probabilities come from, and how often the likeliest class is right."""
    pixels = tests.pictures.shape[1]
    whole, half = (
        int((class_probabilities(log_joint(logits, points, seen), counts).argmax(1) == tests.labels).sum())
        for seen in (tests.pictures, tests.pictures[:, : pixels // 2])
    )
    return (
        "The bars: no classifier was trained. At each point of the plane, the classes of the "
        f"{neighbour_count(images)} training pictures placed nearest are counted. Their shares, averaged "
        f"over the blue, are the probabilities. The likeliest class is right for {whole} of the first "
        f"{len(tests.pictures):,} test pictures seen whole, and for {half} seen by their top half."
    )


def _precision(errors: tuple[float, float], pictures: int) -> str:
    """Say how far the page's numbers lie from those of the unrounded model."""
    of_mean, of_log_p = errors
    return (
        "These numbers are those of the model in this page, whose weights have 16 bits. With the study's, "
        f"which have 32, log p of {pictures} pictures compared, or of their top halves, differs by up to "
        f"{_round_up(of_log_p, 3):.3f} nats, and a pixel's probability by up to {_round_up(of_mean, 5):.5f}."
    )


def _about(provenance: Mapping, training: int, tests: int) -> str:
    """Say what the page shows."""
    return (
        f"The model: {provenance['dataset']}, {provenance['n']:,} training images, {provenance['recipe']} "
        f"recipe, seed {provenance['seed']}. The dots are the first {training:,} of these images; the test "
        f"pictures are the first {tests}. Everything is in this file: it needs no network and asks for "
        "nothing."
    )


def _film(model: Shown, training: np.ndarray, reach: float) -> list[dict]:
    """A frame for each snapshot: codes, pictures from all over the plane, and the numbers of test images."""
    if model.epochs is None:
        return []
    numbers = model.epochs[model.epochs.split == "test"].set_index("epoch")
    return [
        {
            "epoch": epoch,
            "images": int(numbers.images[epoch]),
            "neg_elbo": -float(numbers.elbo[epoch]),
            "neg_log_px": -float(numbers.log_px[epoch]),
            "mean": _base64(encoder_means(tensors, training).astype(np.float16)),
            "pictures": _base64(shaded(expit(bernoulli_logits(decoder_of(tensors), mosaic_points(reach))))),
        }
        for epoch, tensors in sorted((int(epoch), tensors) for epoch, tensors in model.snapshots.items())
    ]


def _pictures(some: Pictures, labelled: bool, most: int) -> dict:
    packed = {"pictures": _base64(np.packbits(some.pictures[:most].astype(bool), axis=1))}
    if labelled and some.labels is not None:
        packed["labels"] = _base64(some.labels[:most].astype(np.uint8))
    return packed


def _round_up(value: float, digits: int) -> float:
    return math.ceil(value * 10**digits) / 10**digits


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _base64(array: np.ndarray) -> str:
    return b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _json_in_html(data: Mapping) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(data, sort_keys=True).replace("<", "\\u003c")
