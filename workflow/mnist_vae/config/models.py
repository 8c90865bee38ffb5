"""Which models a configuration asks for, and what each is trained with."""

from collections.abc import Mapping
from typing import Any

from mnist_vae.config.layers import defaults
from mnist_vae.config.pictures import PUBLISHED_IMAGES
from mnist_vae.data.datasets import Dataset
from mnist_vae.data.obtain import default_train_sizes
from mnist_vae.errors import InputError
from mnist_vae.parameters import names
from mnist_vae.study.recipe import LARGEST_SEED, Recipe

Recipes = Mapping[str, Mapping[str, Any]]


def complete_recipes(config: Mapping) -> dict[str, dict]:
    """Give each recipe the seeds and train sizes, and from the reference, what it leaves out."""
    recipes = config["recipes"]
    shared = {"seeds": config["seeds"], "train_sizes": config["train_sizes"]}
    return {
        name: recipes["reference"]
        | shared
        | recipe
        | {"train_sizes": config["train_sizes"] | recipe.get("train_sizes", {})}
        for name, recipe in recipes.items()
    }


def settings_at(recipe: Mapping[str, Any], n: int) -> dict[str, Any]:
    """A complete recipe's own settings, those of `Recipe`, at train size n."""
    return {name: setting_at(recipe[name], n) for name in names(Recipe) if name in recipe}


def setting_at(setting: float | Mapping[str, float], n: int) -> float:
    """A recipe's setting at train size n: {"1": a, "4000": b} is a below 4,000 images and b from there on."""
    if not isinstance(setting, Mapping):
        return setting
    return setting[str(max(size for size in map(int, setting) if size <= n))]


def train_sizes(recipe: Mapping[str, Any], dataset: Dataset) -> list[int]:
    """The numbers of training images for which a complete recipe has models."""
    return recipe["train_sizes"].get(dataset.name) or default_train_sizes(dataset)


def first_images(config: Mapping, section: str, dataset: Dataset) -> int:
    """How many of the first test images a section of the configuration asks for, as far as there are."""
    return min(config[section]["images"], dataset.test_images)


def completed_images(config: Mapping, split: str, dataset: Dataset) -> list[int]:
    """The test or training images whose bottom is inferred; of the defaults, those that a data set has."""
    key, count = {
        "test": ("images", dataset.test_images),
        "train": ("training_images", dataset.train_images),
    }[split]
    images = config["top_half"][key]
    if images != defaults()["top_half"][key]:
        return images
    return [image for image in images if image < count]


def check_model(recipes: Recipes, dataset: Dataset, recipe: str, n: int, seed: int) -> None:
    """Raise InputError if a path names a model that cannot be trained."""
    if recipe not in recipes:
        raise InputError(f"there is no recipe {recipe!r}; configured are {', '.join(recipes)}")
    images = dataset.train_images
    if not 1 <= n <= images:
        raise InputError(
            f"n{n} names a train size of {n:,}; {dataset.name} has 1 to {images:,} training images"
        )
    if seed > LARGEST_SEED:
        raise InputError(f"seed{seed} is too large; a seed is 0 to {LARGEST_SEED:,}")


def latent_dimensions(recipe: Mapping[str, Any], n: int) -> int:
    """The latent dimensions of a complete recipe's models at train size n."""
    return int(setting_at(recipe.get("latent", Recipe.latent), n))


def check_plane(recipes: Recipes, recipe: str, n: int, what: str) -> None:
    """Raise InputError if something that shows a latent plane is asked of a model that has none."""
    if recipe in recipes and (dimensions := latent_dimensions(recipes[recipe], n)) != 2:
        raise InputError(
            f"{what} shows a latent plane, and models of the recipe {recipe} have latent = {dimensions} at "
            f"n = {n:,}; name a recipe with latent = 2 in figures.recipe"
        )


def pictured_seed(config: Mapping, recipes: Recipes) -> int:
    """The seed of the model that the figures show: its recipe's first, unless another is named."""
    named = config["figures"]["seed"]
    return recipes[config["figures"]["recipe"]]["seeds"][0] if named is None else named


def interpolated_images(config: Mapping, n: int) -> list[int]:
    """The training images between which a model of train size n interpolates."""
    if (named := config["interpolation"]["images"]) is not None:
        return named
    if max(PUBLISHED_IMAGES) < n:
        return list(PUBLISHED_IMAGES)
    return [min(image, n - 1) for image in range(3)]
