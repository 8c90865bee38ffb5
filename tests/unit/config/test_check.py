"""A wrong configuration gives one line that names the key, its value and what is allowed."""

import copy

import pytest
import yaml

from mnist_vae.config.check import check_config
from mnist_vae.config.layers import complete_config, read_config
from mnist_vae.errors import InputError
from support.project import ROOT
from support.small_mnist import write_idx
from support.strangers import some_digits

DEFAULT = complete_config(read_config(ROOT / "config/config.yaml"))
DELETED = object()


def config_with(changes):
    config = copy.deepcopy(DEFAULT)
    for path, value in changes.items():
        *sections, key = path.split(".")
        section = config
        for name in sections:
            section = section[name]
        if value is DELETED:
            del section[key]
        else:
            section[key] = yaml.safe_load(value) if isinstance(value, str) else value
    return config


def message(changes):
    with pytest.raises(InputError) as caught:
        check_config(config_with(changes))
    text = str(caught.value)
    assert text.startswith("config: ")
    assert "\n" not in text
    return text


def test_the_default_is_right():
    check_config(DEFAULT)


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": "mnist5k"},
        {"seeds": [0]},
        {"mirrors": []},
        {"recipes.strong": {"epochs": 600}},
        {"recipes.strong": {}},
        {"train_sizes.mnist": [2], "train_sizes.mnist5k": [1]},
        {"recipes.strong": {"seeds": [9]}, "figures.recipe": "'strong'"},
        {"recipes.strong": {"train_sizes": {"mnist": [9]}}},
        {"recipes.strong": {"decay": 1, "latent_layer_rate": 0.5, "augmentation": 0}},
        {"recipes.strong": {"epochs": {"1": 9, "4000": 2}, "augmentation": {"1": 1.5}}},
        {"recipes.strong": {"seeds": [9]}, "figures.recipe": "'strong'", "figures.seed": 9},
        {"recipes.strong": {"train_sizes": {"mnist": [9], "mnist5k": [9]}, "initialization": "pytorch"}},
        {"recipes.reference.learning_rate": "1.0e-3"},
        {"recipes.reference.learning_rate": 1},
        {"train_sizes.mnist": [60_000], "interpolation.images": [0, 1, 59_999], "dataset": "mnist"},
        {"dataset": "mnist", "top_half.images": [9_999]},
    ],
)
def test_what_is_right_passes(changes):
    check_config(config_with(changes))


REFERENCE = "recipes.reference"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        # an unknown key
        ({"colour": "red"}, ["colour", "'red'", "top level", "one of dataset, mnist_dir, mirrors"]),
        ({"evaluation.drws": 20}, ["drws", "20", "in evaluation", "one of draws, first_100_draws"]),
        ({"recipes.strong": {"epoch": 600}}, ["epoch", "600", "recipes.strong", "epochs, batch_size"]),
        ({"train_sizes.cifar": [10]}, ["cifar", "[10]", "train_sizes", "one of mnist, mnist5k"]),
        # a missing one
        ({"seeds": DELETED}, ["seeds is missing", "top level"]),
        ({f"{REFERENCE}.epochs": DELETED}, ["epochs is missing", REFERENCE]),
        ({"recipes.reference": DELETED}, ["reference is missing", "recipes"]),
        # a wrong type
        ({"seeds": "5"}, ["seeds is 5;", "a list"]),
        ({"seeds": "[1.0]"}, ["seeds[0] is 1.0", "whole number"]),
        ({"evaluation": 3}, ["evaluation is 3", "section"]),
        ({"mnist_dir": 5}, ["mnist_dir is 5", "text", "empty"]),
        ({"dataset": "cifar"}, ["dataset is 'cifar'", "one of auto, mnist, mnist5k"]),
        ({"mirrors": "[somewhere]"}, ["mirrors[0] is 'somewhere'", "matching https?://"]),
        ({"recipes.Strong": {}}, ["'Strong'", "recipes", "[a-z]", "a lower-case letter"]),
        ({f"recipes.{'x' * 256}": {}}, ["in recipes", "up to 39"]),
        # n larger than the data
        ({"train_sizes.mnist": [1_000, 60_001]}, ["train_sizes.mnist[1] is 60001", "at most 60000"]),
        ({"train_sizes.mnist5k": [4_001]}, ["train_sizes.mnist5k[0] is 4001", "at most 4000"]),
        # seeds
        ({"seeds": []}, ["seeds is []", "1 entries or more"]),
        ({"seeds": [1, 1]}, ["seeds is [1, 1]", "all different"]),
        ({"figures.seed": 9}, ["figures.seed is 9", "one of 1, 2, 3"]),
        ({"figures.recipe": "weak"}, ["figures.recipe is 'weak'", "one of 'reference', 'strong'"]),
        # rates
        ({f"{REFERENCE}.learning_rate": ".nan"}, ["learning_rate is nan", "finite"]),
        ({"recipes.strong": {"decay": 1.5}}, ["recipes.strong.decay is 1.5", "at most 1"]),
        ({"recipes.strong": {"initialization": "he"}}, ["initialization is 'he'", "one of glorot, pytorch"]),
        (
            {
                "recipes.strong": {"seeds": [1], "train_sizes": {"mnist": [500], "mnist5k": [500]}},
                "figures.recipe": "strong",
                "interpolation.images": [14, 119, 998],
            },
            ["interpolation.images has 998", "500 images"],
        ),
        ({"recipes.strong": {"seeds": []}}, ["recipes.strong.seeds is []", "1 entries or more"]),
        (
            {"recipes.strong": {"seeds": [9]}, "figures.recipe": "strong", "figures.seed": 1},
            ["figures.seed is 1", "one of 9"],
        ),
        # grids and images for the exact figures
        ({"marginal.fine_window": 10}, ["marginal.fine_window (here 10) is gone", "marginal.tolerance"]),
        ({"marginal.size": 251}, ["marginal.size (here 251) is gone", "marginal.tolerance"]),
        ({"gaps.images": 1_001}, ["gaps.images is 1001", "at most 1000", "mnist5k"]),
        (
            {"importance_weighting.draws": [1, 7, 10]},
            ["importance_weighting.draws is [1, 7, 10]", "a divisor of the largest"],
        ),
        # indices out of range
        ({"interpolation.images": [14, 119]}, ["interpolation.images is [14, 119]", "3 entries"]),
        (
            {"dataset": "mnist", "interpolation.images": [14, 119, 10_000]},
            ["interpolation.images has 10000", "10,000 images of mnist", "0 to 9999"],
        ),
        (
            {"dataset": "mnist5k", "interpolation.images": [14, 119, 4_000]},
            ["interpolation.images has 4000", "4,000 images of mnist5k", "0 to 3999"],
        ),
        ({"interpolation.images": [14, 119, 4_000]}, ["interpolation.images has 4000", "mnist5k"]),
        ({"dataset": "mnist", "top_half.images": [10_000]}, ["top_half.images has 10000", "0 to 9999"]),
        ({"top_half.images": [1_000]}, ["top_half.images has 1000", "1,000 images of mnist5k", "0 to 999"]),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_named(changes, said):
    text = message(changes)
    for words in said:
        assert words in text


def test_the_first_of_several_errors_is_enough():
    assert message({"seeds": [], "colour": "red"}).count("must be") == 1


# --- the user's own data sets ------------------------------------------------------------------------------


@pytest.fixture
def letters(tmp_path):
    """A folder of 200 training and 100 test pictures."""
    return str(write_idx(tmp_path / "letters", some_digits()))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dataset": "letters"},
        {"dataset": "letters", "train_sizes.letters": [200, 10]},
        {"dataset": "letters", "recipes.strong": {"train_sizes": {"letters": [20]}}},
        {"dataset": "letters", "datasets.letters.threshold": 255, "datasets.letters.classes": ["a", 2]},
        {"dataset": "fashion_mnist"},
        {"dataset": "mnist_sampled", "train_sizes.mnist_sampled": [60_000]},
        {"datasets.kmnist": {"folder": "somewhere"}},
        {"datasets.letters.folder": "nowhere"},  # another data set is asked for
    ],
)
def test_what_a_data_set_of_one_s_own_may_be(letters, changes):
    check_config(config_with({"datasets.letters": {"folder": letters}} | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dataset": "leters"}, ["dataset is 'leters'", "one of auto, mnist, ", "letters"]),
        ({"dataset": "letters", "datasets.letters.folder": "nowhere"}, ["there is no /", "nowhere"]),
        ({"dataset": "letters", "train_sizes.letters": [201]}, ["letters is 201", "200 training images"]),
        ({"dataset": "letters", "gaps.images": 999}, ["gaps.images is 999", "at most 100", "letters"]),
        ({"dataset": "letters", "top_half.images": [100]}, ["top_half.images has 100", "0 to 99"]),
        ({"datasets.letters": {}}, ["folder is missing in datasets.letters"]),
        ({"datasets.letters.treshold": 3}, ["treshold", "is not a key", "folder, threshold, classes"]),
        ({"datasets.Letters": {"folder": "x"}}, ["the name 'Letters' in datasets", "matching"]),
        ({f"datasets.{'x' * 41}": {"folder": "x"}}, ["in datasets", "it names a folder", "up to 39"]),
        ({"datasets.letters.classes": ["x" * 25]}, ["datasets.letters.classes[0] is 'xxx", ".{0,24}"]),
        ({"datasets.mnist": {"folder": "x"}}, ["datasets.mnist is a name that is taken", "mnist_dir"]),
        ({"datasets.auto": {"folder": "x"}}, ["datasets.auto is a name that is taken"]),
        ({"datasets.kmnist": {"folder": "x", "threshold": 9}}, ["kmnist.threshold", "only the folder"]),
        ({"train_sizes.kmnist": [60_001]}, ["train_sizes.kmnist[0] is 60001", "at most 60000"]),
    ],
)
def test_what_is_wrong_with_a_data_set_is_named(letters, changes, said):
    text = message({"datasets.letters": {"folder": letters}} | changes)
    for words in said:
        assert words in text


def test_of_few_images_the_defaults_take_those_that_are_there(tmp_path):
    few = str(write_idx(tmp_path / "few", some_digits(14, 3)))
    asked = {"datasets.few": {"folder": few}, "dataset": "few"}
    check_config(config_with(asked))
    assert "top_half.training_images has 13; " not in message(asked | {"top_half.training_images": [13, 14]})
    assert "top_half.training_images has 14; " in message(asked | {"top_half.training_images": [13, 14]})
