"""The models that a complete configuration asks for, and the options of the jobs that make them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mnist_vae.config.check import check_config
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
from mnist_vae.data.obtain import describe, sources_of
from mnist_vae.data.own import hash_own
from mnist_vae.errors import InputError
from mnist_vae.exact.settings import SUMMED_DIMENSIONS
from mnist_vae.parameters import names, option_words
from mnist_vae.plan.models import Model
from mnist_vae.study.recipe import LARGEST_SEED, FitSettings, Recipe


class Study:
    """The study that a complete configuration describes. Raises InputError if it cannot be run.

    The only files that it reads are those of the user's own data sets. Methods that take the name of a data
    set raise InputError if there is no such data set.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        check_config(config)
        self.recipes = complete_recipes(config)
        figures = config["figures"] | {"seed": pictured_seed(config, self.recipes)}
        self.config = dict(config) | {"figures": figures}
        self._datasets: dict[str, Dataset] = {}
        self._files_of_own: dict[str, dict[str, str]] = {}

    # --- data ---------------------------------------------------------------------------------------------

    def dataset(self, name: str) -> Dataset:
        """The description of a data set. For the user's own, the files' headers are read once."""
        if name not in self._datasets:
            self._datasets[name] = describe(name, self.config["datasets"])
        return self._datasets[name]

    def files_of_own(self, dataset: str) -> dict[str, str]:
        """SHA-256 of each file of the user's own data set, read once; empty for a published set."""
        if self.dataset(dataset).name in DATASETS:
            return {}
        if dataset not in self._files_of_own:
            self._files_of_own[dataset] = hash_own(dataset, self.config["datasets"][dataset]["folder"])
        return self._files_of_own[dataset]

    def folder(self, dataset: str) -> str:
        """The folder that the configuration names for a data set; "" where it names none."""
        return self._sources(dataset)[0]

    def mirrors(self, dataset: str) -> str:
        """The addresses from which a data set may be downloaded, separated by spaces."""
        return " ".join(self._sources(dataset)[1])

    def classes(self, dataset: str) -> str:
        """The names of a data set's labels, as JSON."""
        return json.dumps(self.dataset(dataset).classes)

    def binarization(self, dataset: str) -> list[str]:
        """How a data set's pictures are binarized, as options of the command line."""
        threshold = self.dataset(dataset).threshold
        return ["--draw"] if threshold is None else ["--threshold", str(threshold)]

    def _sources(self, dataset: str) -> tuple[str, Sequence[str]]:
        config = self.config
        return sources_of(dataset, config["mnist_dir"], config["mirrors"], config["datasets"])

    # --- models -------------------------------------------------------------------------------------------

    def models(self, dataset: str) -> list[Model]:
        """Every configured model."""
        return self._models(dataset, slice(None))

    def first_seeds(self, dataset: str) -> list[Model]:
        """The models of each recipe's first seed."""
        return self._models(dataset, slice(1))

    def summed_models(self, dataset: str) -> list[Model]:
        """The models of the first seeds whose log p(x) is a sum rather than an estimate."""
        return [model for model in self.first_seeds(dataset) if self.latent(model) <= SUMMED_DIMENSIONS]

    def pictured_model(self, dataset: str) -> Model:
        """The model that the figures show, at its recipe's largest train size."""
        recipe, seed = self.config["figures"]["recipe"], self.config["figures"]["seed"]
        return Model(dataset, recipe, max(self._sizes(dataset, recipe)), seed)

    def pictured(self, dataset: str) -> list[Model]:
        """The pictured model, as a list of one."""
        return [self.pictured_model(dataset)]

    def models_on_the_page(self, dataset: str) -> list[Model]:
        """The pictured model and, if any, the first one of another recipe of that size with a latent plane.

        Raises InputError if the pictured model has no latent plane.
        """
        pictured = self.pictured_model(dataset)
        self.check_plane(pictured, "the explorer")
        others = [
            model
            for model in self.first_seeds(dataset)
            if model.n == pictured.n and model.recipe != pictured.recipe and self.latent(model) == 2
        ]
        return [pictured, *others[:1]]

    def models_of_the_film(self, dataset: str) -> list[Model]:
        """The models on the page if all are first seeds, since only those keep snapshots; else none."""
        models = self.models_on_the_page(dataset)
        return models if set(models) <= set(self.first_seeds(dataset)) else []

    def timed_models(self, dataset: str) -> list[Model]:
        """The pictured model, and the summed models of its size."""
        pictured = self.pictured_model(dataset)
        others = [model for model in self.summed_models(dataset) if model.n == pictured.n]
        return list(dict.fromkeys([pictured, *others]))

    def compared_models(self, dataset: str) -> list[Model]:
        """The models for comparing methods of inference: first seeds, largest size, two latent dimensions."""
        summed = self.summed_models(dataset)
        largest = max((model.n for model in summed), default=0)
        return [model for model in summed if model.n == largest and self.latent(model) == 2]

    def parity_model(self, dataset: str) -> Model:
        """The reference recipe's model of the first seed and the smallest train size."""
        sizes = self._sizes(dataset, "reference")
        return Model(dataset, "reference", min(sizes), self.recipes["reference"]["seeds"][0])

    def latent(self, model: Model) -> int:
        """The dimensions of a model's latent space."""
        return int(setting_at(self.recipes[model.recipe].get("latent", Recipe.latent), model.n))

    def check_model(self, model: Model) -> None:
        """Raise InputError if the model cannot be trained."""
        if model.recipe not in self.recipes:
            raise InputError(f"there is no recipe {model.recipe!r}; configured are {', '.join(self.recipes)}")
        images = self.dataset(model.dataset).train_images
        if not 1 <= model.n <= images:
            raise InputError(
                f"n{model.n} names a train size of {model.n:,}; {model.dataset} has 1 to {images:,} training "
                "images"
            )
        if model.seed > LARGEST_SEED:
            raise InputError(f"seed{model.seed} is too large; a seed is 0 to {LARGEST_SEED:,}")

    def check_plane(self, model: Model, what: str) -> None:
        """Raise InputError if the model has no latent plane, which `what` shows."""
        if model.recipe in self.recipes and (dimensions := self.latent(model)) != 2:
            raise InputError(
                f"{what} shows a latent plane, and models of the recipe {model.recipe} have latent = "
                f"{dimensions} at n = {model.n:,}; name a recipe with latent = 2 in figures.recipe"
            )

    def _models(self, dataset: str, seeds: slice) -> list[Model]:
        return [
            Model(dataset, recipe, n, seed)
            for recipe, settings in self.recipes.items()
            for n in self._sizes(dataset, recipe)
            for seed in settings["seeds"][seeds]
        ]

    def _sizes(self, dataset: str, recipe: str) -> list[int]:
        return train_sizes(self.recipes[recipe], self.dataset(dataset))

    # --- options of jobs ----------------------------------------------------------------------------------

    def recipe_options(self, model: Model) -> list[str]:
        """The settings with which a model is trained, as options of the command line."""
        return option_words(settings_at(self.recipes[model.recipe], model.n))

    def fit_options(self) -> list[str]:
        """How q is fitted to the top half of an image, as options of the command line."""
        return option_words({name: self.config["top_half"][name] for name in names(FitSettings)})

    def snapshot_epochs(self, model: Model) -> list[int]:
        """The epochs after which a training run keeps its weights; none unless it is of the first seed."""
        is_first = model.seed == self.recipes[model.recipe]["seeds"][0]
        return list(self.config["snapshots"]["epochs"]) if is_first else []

    def first_images(self, dataset: str, section: str) -> int:
        """How many test images a section of the configuration asks for, at most as many as there are."""
        return min(int(self.config[section]["images"]), self.dataset(dataset).test_images)

    def test_images_along_training(self, model: Model) -> int:
        """The number of test images on which a training run is followed.

        For the reference recipe's largest model, which answers the third question, it is all of them.
        """
        if model.recipe == "reference" and model.n == max(self._sizes(model.dataset, "reference")):
            return self.dataset(model.dataset).test_images
        return self.first_images(model.dataset, "snapshots")

    def completed_images(self, dataset: str, split: str) -> list[int]:
        """The images of a split, "test" or "train", whose bottom is inferred."""
        return completed_images(self.config, split, self.dataset(dataset))

    def interpolated_images(self, model: Model) -> list[int]:
        """The training images between which a model interpolates."""
        return interpolated_images(self.config, model.n)

    def priority(self, model: Model) -> int:
        """The priority of a model's jobs: the pictured model comes first, so that its figures are early, then
        the other one that the explorer shows.
        """
        pictured = self.pictured_model(model.dataset)
        if model == pictured:
            return 2
        return int(self.latent(pictured) == 2 and model in self.models_on_the_page(model.dataset))
