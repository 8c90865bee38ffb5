"""What the explorer embeds, for any model and data set that it can show; the page itself: tests/browser."""

import json
import re
from base64 import b64decode

import numpy as np
import pytest
from scipy.special import expit

from mnist_vae.errors import InputError
from mnist_vae.pages import explorer

TRAIN, TEST = 60, 30


def made_up(hidden=7, latent=2, side=28, classes=10, labelled=True, **provenance):
    """The arguments of `page_data`, for a random model of the given shape."""
    generator = np.random.default_rng(0)
    pixels = side * side
    shapes = {
        "hidden.weight": (hidden, latent), "hidden.bias": (hidden,),
        "output.weight": (pixels, hidden), "output.bias": (pixels,),
    }  # fmt: skip
    weights = {
        f"decoder.{name}": generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()
    }
    latents = {
        "mean": generator.normal(size=(TRAIN, latent)).astype(np.float32),
        "log_std": generator.normal(-2, 0.1, (TRAIN, latent)).astype(np.float32),
    }
    if labelled:
        latents["labels"] = generator.integers(0, classes, TRAIN).astype(np.uint8)
    pictures = generator.integers(0, 2, (TRAIN + TEST, pixels)).astype(np.float32)
    test_labels = generator.integers(0, classes, TEST).astype(np.uint8) if labelled else None
    about = {"dataset": "letters", "recipe": "reference", "n": TRAIN, "seed": 1} | provenance
    return weights, latents, pictures[:TRAIN], pictures[TRAIN:], test_labels, about


@pytest.mark.parametrize("latent", [1, 3, 20])
def test_another_latent_dimension_is_one_clear_error(latent):
    with pytest.raises(InputError, match=rf"latent dimension is {latent}: choose a recipe whose .* is 2"):
        explorer.page_data(*made_up(latent=latent))


def test_pictures_that_are_not_square_are_one_clear_error():
    weights, *others = made_up()
    weights["decoder.output.weight"] = weights["decoder.output.weight"][:783]
    weights["decoder.output.bias"] = weights["decoder.output.bias"][:783]
    with pytest.raises(InputError, match=r"square pictures, .* 783 pixels"):
        explorer.page_data(weights, *others)


@pytest.mark.parametrize(("hidden", "side"), [(7, 28), (64, 20), (1, 4)])
def test_any_width_and_side(hidden, side):
    data = explorer.page_data(*made_up(hidden=hidden, side=side))
    weights = np.frombuffer(b64decode(data["decoder"]["outputWeight"]), np.float16)
    assert weights.shape == (side * side * hidden,)
    assert "{" not in re.sub(r"<(style|script).*?</\1>", "", explorer.explorer_page(data), flags=re.DOTALL)


def test_without_labels_nothing_is_coloured_or_classified():
    data = explorer.page_data(*made_up(labelled=False))
    assert data["classes"] == []
    assert data["label_places"] == {}
    assert "classifier" not in data
    assert not {"training_labels", "test_labels", "class_counts"} & set(data)
    json.dumps(data)


@pytest.mark.parametrize("count", [2, 10, 47])
def test_classes_have_their_names_and_a_colour_each(count):
    names = [f"sign {i}" for i in range(count)]
    data = explorer.page_data(*made_up_named(count, names))
    assert data["classes"] == names
    assert data["noun"] == "picture"
    assert len(set(data["colours"])) == count
    assert "A plane of pictures" in explorer.explorer_page(data)


def made_up_named(count, names):
    *others, provenance = made_up(classes=count)
    return *others, provenance | {"classes": names}


def test_digits_are_called_digits_whether_or_not_the_data_set_names_them():
    for *others, provenance in (made_up(), made_up_named(10, list("0123456789"))):
        page = explorer.explorer_page(explorer.page_data(*others, provenance))
        assert "A plane of handwritten digits" in page


@pytest.mark.parametrize("labelled", [True, False])
def test_pictures_of_a_set_of_one_s_own_are_not_taken_for_digits(labelled):
    *others, provenance = made_up(labelled=labelled)
    own = provenance | {"files": {"letters.npz": "0123"}}
    page = explorer.explorer_page(explorer.page_data(*others, own))
    assert "A plane of pictures" in page
    assert "handwritten digits" not in page


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


def test_rounding_is_measured():
    data = explorer.page_data(*made_up())
    precision = data["precision"]
    assert 0 < precision["largest_error_of_a_bernoulli_mean"] < 0.05
    assert precision["largest_error_of_log_px"] > 0
    stated = re.search(r"by more than (0\.\d+) nats", data["about"])[1]
    assert precision["largest_error_of_log_px"] <= float(stated)
