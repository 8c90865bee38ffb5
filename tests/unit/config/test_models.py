"""Which models are asked for, what each is trained with, and which can be pictured."""

import pytest

from mnist_vae.config.models import (
    check_model,
    complete_recipes,
    completed_images,
    first_images,
    interpolated_images,
    pictured_seed,
    setting_at,
    settings_at,
    train_sizes,
)
from mnist_vae.data.datasets import DATASETS, Dataset
from mnist_vae.errors import InputError

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


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (("mnist", "foo", 1000, 1), "no recipe 'foo'; configured are reference, strong"),
        (("mnist", "strong", 0, 1), "n0 .* mnist has 1 to 60,000"),
        (("mnist5k", "strong", 4001, 1), "n4001 .* mnist5k has 1 to 4,000"),
        (("mnist", "strong", 10, 2**32), "seed4294967296 is too large"),
    ],
)
def test_what_a_path_names_in_vain_is_said(model, said):
    with pytest.raises(InputError, match=said):
        check_model({"reference": {}, "strong": {}}, DATASETS[model[0]], *model[1:])


def test_what_can_be_trained_passes():
    check_model({"reference": {}}, DATASETS["mnist"], "reference", 60_000, 2**32 - 1)


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


def test_the_first_images_as_far_as_there_are():
    config = {"gaps": {"images": 1_000}}
    assert first_images(config, "gaps", DATASETS["mnist"]) == 1_000
    assert first_images(config, "gaps", Dataset("letters", 300, 100)) == 100


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
