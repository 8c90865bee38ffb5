"""What the explorer embeds, for any model and data set; the page itself is tested in tests/browser."""

import json
import re
from base64 import b64decode

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logsumexp

from mnist_vae.errors import InputError
from mnist_vae.pages import explorer

TRAIN, TEST = 60, 30


def made_up(hidden=7, latent=2, side=28, kinds=10, labelled=True, epochs=(), **provenance):
    """The arguments of `page_data`, for a random model of the given shape."""
    generator = np.random.default_rng(0)
    pixels = side * side
    shapes = {
        "encoder.hidden.weight": (hidden, pixels), "encoder.hidden.bias": (hidden,),
        "encoder.output.weight": (2 * latent, hidden), "encoder.output.bias": (2 * latent,),
        "decoder.hidden.weight": (hidden, latent), "decoder.hidden.bias": (hidden,),
        "decoder.output.weight": (pixels, hidden), "decoder.output.bias": (pixels,),
    }  # fmt: skip
    weights = {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    labels = [
        generator.integers(0, kinds, count).astype(np.uint8) if labelled else None for count in (TRAIN, TEST)
    ]
    latents = {
        "mean": generator.normal(size=(TRAIN, latent)).astype(np.float32),
        "log_std": generator.normal(-2, 0.1, (TRAIN, latent)).astype(np.float32),
    } | ({"labels": labels[0]} if labelled else {})
    training, tests = (
        generator.integers(0, 2, (count, pixels)).astype(np.float32) for count in (TRAIN, TEST)
    )
    about = {"dataset": "letters", "recipe": "reference", "n": TRAIN, "seed": 1} | provenance
    numbers = pd.DataFrame(
        [("train", epoch, 5, -200 - epoch, -100.0) for epoch in epochs]
        + [("test", epoch, 7, -100.0 - epoch, -90.0 - epoch) for epoch in epochs],
        columns=explorer.EPOCHS,
    )
    film = (dict.fromkeys(map(str, epochs), weights), numbers) if epochs else ()
    model = explorer.Shown(weights, latents, about, *film)
    return [model], explorer.Pictures(training, labels[0]), explorer.Pictures(tests, labels[1])


@pytest.mark.parametrize("latent", [1, 3, 20])
def test_another_latent_dimension_is_one_clear_error(latent):
    with pytest.raises(InputError, match=rf"latent dimension is {latent}: choose a recipe whose .* is 2"):
        explorer.page_data(*made_up(latent=latent))


def test_pictures_that_are_not_square_are_one_clear_error():
    (model,), *pictures = made_up()
    cut = {name: array[:783] if "decoder.output" in name else array for name, array in model.weights.items()}
    with pytest.raises(InputError, match=r"square pictures, .* 783 pixels"):
        explorer.page_data([model._replace(weights=cut)], *pictures)


@pytest.mark.parametrize(("hidden", "side"), [(7, 28), (64, 20), (1, 4), (3, 5)])
def test_any_width_and_side(hidden, side):
    models, training, tests = made_up(hidden=hidden, side=side, epochs=(1,))
    data = explorer.page_data(models, training, tests)
    weights = np.frombuffer(b64decode(data["models"][0]["decoder"]["outputWeight"]), np.float16)
    assert weights.shape == (side * side * hidden,)
    packed = np.frombuffer(b64decode(data["tests"]["pictures"]), np.uint8).reshape(TEST, -1)
    assert np.array_equal(np.unpackbits(packed, axis=1)[:, : side * side], tests.pictures)
    assert "{" not in re.sub(r"<(style|script).*?</\1>", "", explorer.explorer_page(data), flags=re.DOTALL)


def test_without_labels_nothing_is_coloured_or_classified():
    data = explorer.page_data(*made_up(labelled=False))
    (model,) = data["models"]
    assert data["classes"] == []
    assert model["label_places"] == {}
    assert not {"classifier", "class_counts"} & set(model)
    assert "labels" not in data["training"] | data["tests"]
    json.dumps(data)


@pytest.mark.parametrize("count", [2, 10, 47])
def test_classes_have_their_names_and_a_colour_each(count):
    names = [f"sign {i}" for i in range(count)]
    data = explorer.page_data(*made_up(kinds=count, classes=names))
    assert data["classes"] == names
    assert data["noun"] == "picture"
    assert [len(set(data["colours"][ground])) for ground in ("light", "dark")] == [count, count]
    assert "A plane of pictures" in explorer.explorer_page(data)


def test_digits_are_called_digits():
    assert "A plane of handwritten digits" in explorer.explorer_page(explorer.page_data(*made_up()))


@pytest.mark.parametrize("labelled", [True, False])
def test_pictures_of_a_set_of_one_s_own_are_not_taken_for_digits(labelled):
    own = made_up(labelled=labelled, files={"letters.npz": "0123"})
    page = explorer.explorer_page(explorer.page_data(*own))
    assert "A plane of pictures" in page
    assert "handwritten digits" not in page


def test_film_has_codes_pictures_and_numbers_of_each_snapshot():
    models, training, tests = made_up(epochs=(10, 9))
    (model,) = explorer.page_data(models, training, tests)["models"]
    assert [(frame["epoch"], frame["images"]) for frame in model["film"]] == [(9, 7), (10, 7)]
    assert [(frame["neg_elbo"], frame["neg_log_px"]) for frame in model["film"]] == [(109, 99), (110, 100)]
    weights, x = models[0].weights, training.pictures
    codes = np.tanh(x @ weights["encoder.hidden.weight"].T + weights["encoder.hidden.bias"])
    codes = codes @ weights["encoder.output.weight"][:2].T + weights["encoder.output.bias"][:2]
    found = np.frombuffer(b64decode(model["film"][0]["mean"]), np.float16).reshape(TRAIN, 2)
    assert np.allclose(found, codes, atol=0.01)
    packed = np.frombuffer(b64decode(model["film"][0]["pictures"]), np.uint8)
    shades = np.stack([packed >> 4, packed & 15], axis=1).reshape(explorer.MOSAIC**2, 14, 14) / 15
    decoder = explorer.decoder_of(weights)
    means = expit(explorer.bernoulli_logits(decoder, explorer.mosaic_points(model["reach"])))
    shrunk = means.reshape(-1, 14, 2, 14, 2).mean((2, 4))
    assert np.abs(shades - shrunk).max() <= 0.5 / 15 + 1e-6


def test_a_model_that_was_not_followed_has_no_film():
    (model,) = explorer.page_data(*made_up())["models"]
    assert model["film"] == []


def test_grid_runs_along_the_first_coordinate_fastest():
    points = explorer.grid_points(4.0)
    assert points.shape == (explorer.GRID_SIZE**2, 2)
    assert points[0].tolist() == [-4, -4]
    assert points[1].tolist() == pytest.approx([-4 + 8 / (explorer.GRID_SIZE - 1), -4])


def test_log_joint_is_the_definition():
    generator = np.random.default_rng(1)
    logits, points = generator.normal(size=(5, 16)), generator.normal(size=(5, 2))
    x = generator.integers(0, 2, (3, 16)).astype(float)
    p = expit(logits)
    for pixels in (16, 8):
        bernoulli = x[:, None, :pixels] * np.log(p[:, :pixels]) + (1 - x)[:, None, :pixels] * np.log(
            1 - p[:, :pixels]
        )
        prior = np.log(np.exp(-(points**2).sum(1) / 2) / (2 * np.pi))
        found = explorer.log_joint(logits, points, x[:, :pixels])
        assert np.allclose(found, bernoulli.sum(2) + prior, atol=1e-5)


def test_nearest_codes_are_counted_by_class():
    mean = np.array([[0.0, 0], [0.1, 0], [5, 5], [5.1, 5]])
    counts = explorer.class_counts(mean, np.array([1, 1, 0, 2]), 3, np.array([[0.0, 0], [5.2, 5]]))
    assert explorer.neighbour_count(4) == 2
    assert counts.tolist() == [[0, 2, 0], [1, 0, 1]]


@pytest.mark.parametrize(
    ("images", "count"), [(1, 1), (2, 1), (10_000, 100), (60_000, 245), (1_000_000, 255)]
)
def test_neighbours_are_the_root_of_the_images_and_fit_a_byte(images, count):
    assert explorer.neighbour_count(images) == count


def test_class_probabilities_are_averaged_over_the_posterior():
    joint = np.log([[0.2, 0.6, 0.2], [1e-9, 1e-9, 1.0]])
    counts = np.array([[4, 0], [1, 3], [2, 2]])
    assert explorer.class_probabilities(joint, counts) == pytest.approx(
        np.array([[0.2 + 0.15 + 0.1, 0.45 + 0.1], [0.5, 0.5]]), abs=1e-6
    )


def test_rounding_is_measured_and_rounded_upwards():
    models, training, tests = made_up(hidden=3)
    (model,) = explorer.page_data(models, training, tests)["models"]
    log_p, probability = map(float, re.findall(r"up to (0\.\d+)", model["precision"]))
    decoder = explorer.decoder_of(models[0].weights)
    rounded = {name: array.astype(np.float16) for name, array in decoder.items()}
    points = explorer.grid_points(model["reach"])
    exact, page = (explorer.bernoulli_logits(one, points) for one in (decoder, rounded))
    moved = np.abs(expit(exact) - expit(page)).max()
    assert 0 < moved <= probability < moved + 1e-5
    pictures = np.concatenate([tests.pictures, training.pictures])
    joints = (explorer.log_joint(logits, points, pictures) for logits in (exact, page))
    of_whole = np.abs(np.subtract(*(logsumexp(joint, axis=1) for joint in joints))).max()
    assert 0 < of_whole <= log_p
