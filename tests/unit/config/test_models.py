"""What recipes inherit, what changes with the train size, and which images and seeds are selected."""

import pytest

from mnist_vae.config.models import (
    complete_recipes,
    completed_images,
    interpolated_images,
    pictured_seed,
    setting_at,
    settings_at,
    train_sizes,
)
from mnist_vae.data.datasets import DATASETS, Dataset

REFERENCE = {"epochs": 100, "batch_size": 100, "learning_rate": 1e-3}


def test_recipes_inherit_from_the_reference():
    recipes = {
        "reference": REFERENCE,
        "longer": {"epochs": 300},
        "one_seed": {"seeds": [7]},
        "larger": {"train_sizes": {"mnist": [900]}},
    }
    sizes = {"mnist": [500], "mnist5k": [50]}
    found = complete_recipes({"seeds": [1, 2], "train_sizes": sizes, "recipes": recipes})
    assert found == {
        "reference": REFERENCE | {"seeds": [1, 2], "train_sizes": sizes},
        "longer": REFERENCE | {"epochs": 300, "seeds": [1, 2], "train_sizes": sizes},
        "one_seed": REFERENCE | {"seeds": [7], "train_sizes": sizes},
        "larger": REFERENCE | {"seeds": [1, 2], "train_sizes": {"mnist": [900], "mnist5k": [50]}},
    }
    assert recipes["reference"] == {"epochs": 100, "batch_size": 100, "learning_rate": 1e-3}  # left as it was


@pytest.mark.parametrize(("n", "epochs"), [(1, 400), (3_999, 400), (4_000, 75), (60_000, 75)])
def test_a_setting_may_change_with_the_train_size(n, epochs):
    assert setting_at({"1": 400, "4000": 75}, n) == epochs
    assert setting_at(75, n) == 75


def test_settings_are_those_of_training_alone():
    recipe = {"epochs": {"1": 4, "10": 2}, "decay": 0.5, "seeds": [1], "train_sizes": {"mnist": [9]}}
    assert settings_at(recipe, 9) == {"epochs": 4, "decay": 0.5}
    assert settings_at(recipe, 10) == {"epochs": 2, "decay": 0.5}


def test_the_pictured_seed_is_the_recipes_first_unless_named():
    recipes = {"reference": {"seeds": [7, 8]}}
    assert pictured_seed({"figures": {"recipe": "reference", "seed": None}}, recipes) == 7
    assert pictured_seed({"figures": {"recipe": "reference", "seed": 0}}, recipes) == 0


@pytest.mark.parametrize(
    ("named", "n", "images"),
    [
        (None, 1000, [14, 119, 998]),
        (None, 999, [14, 119, 998]),
        (None, 998, [0, 1, 2]),
        (None, 2, [0, 1, 1]),
        ([5, 5, 5], 1000, [5, 5, 5]),
    ],
)
def test_interpolated_images_exist(named, n, images):
    assert interpolated_images({"interpolation": {"images": named}}, n) == images


def test_train_sizes_are_the_named_ones_or_as_many_as_there_are():
    recipe = {"train_sizes": {"mnist": [7]}}
    assert train_sizes(recipe, DATASETS["mnist"]) == [7]
    assert train_sizes(recipe, DATASETS["kmnist"]) == [1_000, 10_000]
    assert train_sizes(recipe, Dataset("letters", 300, 100)) == [300]


@pytest.mark.parametrize(
    ("key", "split", "default", "there", "named"),
    [("images", "test", [0, 1, 2, 3], [0, 1], [9]), ("training_images", "train", [14], [], [20])],
)
def test_completed_images_are_the_defaults_as_far_as_there_are_or_those_named(
    key, split, default, there, named
):
    few, many = Dataset("letters", 14, 2), DATASETS["mnist"]
    assert completed_images({"top_half": {key: default}}, split, many) == default
    assert completed_images({"top_half": {key: default}}, split, few) == there
    assert completed_images({"top_half": {key: named}}, split, few) == named  # the check refuses it
