"""The models that a configuration asks for, the options of their jobs, and what a path may name."""

import pytest
import yaml

from mnist_vae.config.layers import complete_config, read_config
from mnist_vae.data.own import hash_own
from mnist_vae.errors import InputError
from mnist_vae.plan.models import Model
from mnist_vae.plan.study import Study
from support.project import ROOT
from support.small_mnist import write_idx
from support.strangers import some_digits

FILE = read_config(ROOT / "config/config.yaml")


def study_of(*layers):
    """The study of YAML texts laid over the project's own file."""
    return Study(complete_config(FILE, *(yaml.safe_load(layer) for layer in layers)))


DEFAULT = study_of()
SHAPES = "recipes: {small: {hidden: 64}, tall: {latent: 3}, line: {latent: 1}}"


def options(study, *model):
    words = study.recipe_options(Model(*model))
    return dict(zip(words[::2], words[1::2], strict=True))


def test_a_study_that_cannot_be_run_is_refused():
    with pytest.raises(InputError, match=r"config: seeds is \[\]"):
        study_of("seeds: []")


# --- models -----------------------------------------------------------------------------------------------


def test_models_are_every_recipe_size_and_seed():
    models = DEFAULT.models("mnist")
    assert len(models) == len(set(models)) == 5 * 2 + 3 * 2 + 3
    assert models[0] == Model("mnist", "reference", 1000, 1)
    assert models[-1] == Model("mnist", "torch_init", 1000, 3)
    assert {model.n for model in DEFAULT.models("mnist5k")} == {1000, 4000}


@pytest.mark.parametrize(
    ("file", "count"), [("sweep", 2 * 6 * 20 + 1), ("latents", 2 * 8), ("literature", 4)]
)
def test_models_of_the_configurations_that_come_with_the_project(file, count):
    study = Study(complete_config(FILE, read_config(ROOT / f"config/{file}.yaml")))
    assert len(study.models("mnist")) == count


def test_first_seeds_are_each_recipes_own():
    study = study_of("seeds: [7, 8]\nrecipes: {strong: {seeds: [9]}}")
    assert {(model.recipe, model.seed) for model in study.first_seeds("mnist")} == {
        ("reference", 7),
        ("strong", 9),
        ("torch_init", 7),
    }


def test_models_with_a_sum_have_one_or_two_latent_dimensions():
    recipes = {model.recipe for model in study_of(SHAPES).summed_models("mnist")}
    assert recipes == {"reference", "strong", "torch_init", "small", "line"}


@pytest.mark.parametrize(
    ("layer", "dataset", "pictured", "others"),
    [
        ("{}", "mnist", Model("mnist", "reference", 10_000, 1), [Model("mnist", "strong", 10_000, 1)]),
        (
            "figures: {seed: 2}",
            "mnist5k",
            Model("mnist5k", "reference", 4000, 2),
            [Model("mnist5k", "strong", 4000, 1)],
        ),
        (
            "figures: {recipe: torch_init}",
            "mnist",
            Model("mnist", "torch_init", 1000, 1),
            [Model("mnist", "reference", 1000, 1)],
        ),
        (
            "seeds: [7]",
            "kmnist",
            Model("kmnist", "reference", 10_000, 7),
            [Model("kmnist", "strong", 10_000, 7)],
        ),
        ((SHAPES, "figures: {recipe: tall}"), "mnist", Model("mnist", "tall", 10_000, 1), []),
    ],
)
def test_the_pictured_model_comes_first_and_then_the_other_one_of_the_explorer(
    layer, dataset, pictured, others
):
    study = study_of(*([layer] if isinstance(layer, str) else layer))
    assert study.pictured_model(dataset) == pictured
    priorities = {model: study.priority(model) for model in study.models(dataset)}
    assert {model for model, priority in priorities.items() if priority == 2} == {pictured}
    assert [model for model, priority in priorities.items() if priority == 1] == others


def test_timed_are_the_pictured_model_and_those_of_its_size_that_have_a_sum():
    study = study_of(SHAPES, "figures: {recipe: tall}")
    assert [model.recipe for model in study.timed_models("mnist")] == [
        "tall",
        "reference",
        "strong",
        "small",
        "line",
    ]


def test_parity_is_on_the_smallest_reference_model():
    assert study_of("seeds: [9, 1]").parity_model("mnist") == Model("mnist", "reference", 1000, 9)


# --- what a path may name ---------------------------------------------------------------------------------


def test_a_model_and_its_files():
    model = Model.named("mnist", "strong", "1000", "0")
    assert model == Model("mnist", "strong", 1000, 0)
    assert model.file("metrics.csv") == "results/mnist/models/strong/n1000/seed0/metrics.csv"


@pytest.mark.parametrize(
    ("n", "seed"), [("0100", "1"), ("100", "01"), ("100", "00"), ("\u0661\u0660\u0660", "1")]
)
def test_a_model_has_one_name(n, seed):
    with pytest.raises(InputError, match=r"it is results/mnist/models/strong/n100/seed[01]$"):
        Model.named("mnist", "strong", n, seed)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (("mnist", "foo", 1000, 1), "no recipe 'foo'; configured are reference, strong"),
        (("mnist", "strong", 0, 1), "n0 .* mnist has 1 to 60,000"),
        (("mnist5k", "strong", 4001, 1), "n4001 .* mnist5k has 1 to 4,000"),
        (("mnist", "strong", 10, 2**32), "seed4294967296 is too large"),
        (("cifar", "strong", 10, 1), "no data set 'cifar'; there are mnist, "),
    ],
)
def test_what_a_path_names_in_vain_is_said(model, said):
    with pytest.raises(InputError, match=said):
        DEFAULT.check_model(Model(*model))


def test_what_can_be_trained_passes():
    DEFAULT.check_model(Model("mnist", "reference", 60_000, 2**32 - 1))


def test_what_shows_a_plane_is_refused_to_a_model_that_has_none():
    study = study_of(SHAPES, "figures: {recipe: tall}")
    with pytest.raises(
        InputError, match=r"the explorer shows a latent plane, .* tall have latent = 3 at n = 10,000"
    ):
        study.models_on_the_page("mnist")
    study.check_plane(Model("mnist", "small", 9, 1), "the latent manifold")


@pytest.mark.parametrize(
    ("layer", "page", "film"),
    [
        ("{}", [("reference", 1), ("strong", 1)], 2),
        ("figures: {recipe: strong, seed: 2}", [("strong", 2), ("reference", 1)], 0),
        ("figures: {recipe: torch_init}", [("torch_init", 1), ("reference", 1)], 2),
        ("recipes: {strong: {latent: 3}}", [("reference", 1)], 1),
    ],
)
def test_the_explorer_shows_a_second_model_of_the_same_size(layer, page, film):
    study = study_of(layer)
    assert [(model.recipe, model.seed) for model in study.models_on_the_page("mnist")] == page
    assert len(study.models_of_the_film("mnist")) == film


# --- options of jobs --------------------------------------------------------------------------------------


def test_options_are_those_of_the_recipe_at_the_train_size():
    small, large = (options(DEFAULT, "mnist", "strong", n, 1) for n in (3_999, 4_000))
    assert (small["--epochs"], large["--epochs"]) == ("200", "40")
    assert (small["--augmentation"], large["--augmentation"]) == ("1.0", "0.5")
    assert small["--batch-size"] == "100"  # the reference's
    assert options(DEFAULT, "mnist", "torch_init", 1000, 1)["--initialization"] == "pytorch"


def test_of_a_setting_by_train_size_the_last_layer_counts_whole():
    first, second = "recipes: {strong: {epochs: {1: 9, 500: 3}}}", "recipes: {strong: {epochs: {1: 7}}}"
    assert options(study_of(first, second), "mnist", "strong", 1000, 1)["--epochs"] == "7"
    assert options(study_of(second, first), "mnist", "strong", 1000, 1)["--epochs"] == "3"


def test_snapshots_are_kept_of_first_seeds():
    assert DEFAULT.snapshot_epochs(Model("mnist", "strong", 1000, 1)) == [5, 10, 20, 50, 100]
    assert DEFAULT.snapshot_epochs(Model("mnist", "strong", 1000, 2)) == []


def test_a_fit_has_its_own_settings_alone():
    assert DEFAULT.fit_options() == [
        *("--starts", "12", "--draws", "50", "--steps", "1000", "--learning-rate", "0.01")
    ]


def test_images_are_the_first_ones_as_far_as_there_are():
    assert DEFAULT.first_images("mnist", "gaps") == 1000
    assert study_of("gaps: {images: 7}").first_images("mnist", "gaps") == 7
    assert DEFAULT.completed_images("mnist", "train") == [14]
    assert DEFAULT.interpolated_images(Model("mnist", "strong", 500, 1)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("model", "images"),
    [
        (("mnist", "reference", 10_000, 1), 10_000),
        (("mnist", "reference", 1000, 1), 500),
        (("mnist", "strong", 10_000, 1), 500),
        (("mnist5k", "reference", 4000, 1), 1000),
    ],
)
def test_the_model_of_the_third_question_is_followed_on_all_test_images(model, images):
    assert DEFAULT.test_images_along_training(Model(*model)) == images


# --- data sets --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dataset", "words"), [("mnist", ["--threshold", "128"]), ("mnist_sampled", ["--draw"])]
)
def test_how_pictures_become_binary(dataset, words):
    assert DEFAULT.binarization(dataset) == words


def test_where_published_files_may_lie():
    study = study_of("mnist_dir: here\ndatasets: {kmnist: {folder: there}}")
    assert [study.folder(name) for name in ("mnist", "mnist_sampled", "kmnist", "mnist5k")] == [
        *("here", "here", "there", "")
    ]
    assert study.mirrors("mnist") == " ".join(FILE["mirrors"])
    assert study.files_of_own("mnist") == {}
    assert study.classes("mnist").startswith('["0", "1"')


@pytest.fixture
def letters(tmp_path):
    """A folder of 120 training and 60 test pictures, and a study of them."""
    folder = write_idx(tmp_path / "my données", some_digits(120, 60))
    own = f"{{folder: '{folder}', threshold: 90, classes: [a, b]}}"
    return folder, study_of(f"dataset: letters\ndatasets: {{letters: {own}}}")


def test_a_set_of_ones_own_is_described_by_its_files(letters):
    folder, study = letters
    assert {model.n for model in study.models("letters")} == {120}
    assert study.first_images("letters", "gaps") == 60
    assert study.binarization("letters") == ["--threshold", "90"]
    assert study.classes("letters") == '["a", "b"]'
    assert study.folder("letters") == str(folder)
    assert study.mirrors("letters") == ""
    assert study.files_of_own("letters") == hash_own("letters", str(folder))
