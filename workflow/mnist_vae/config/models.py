"""The models that a configuration asks for, and the settings of each."""

from collections.abc import Mapping
from typing import Any

from mnist_vae.config.layers import defaults
from mnist_vae.config.pictures import PUBLISHED_IMAGES
from mnist_vae.data.datasets import Dataset
from mnist_vae.data.obtain import default_train_sizes
from mnist_vae.parameters import names
from mnist_vae.study.recipe import Recipe

Config = Mapping[str, Any]
Recipes = Mapping[str, Mapping[str, Any]]


def complete_recipes(config: Config) -> dict[str, dict[str, Any]]:
    """Complete each recipe with the settings of the reference and the shared seeds and train sizes."""
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
    """A recipe's setting at train size n: {"1": a, "4000": b} is a below 4,000 images, else b."""
    if not isinstance(setting, Mapping):
        return setting
    return setting[str(max(size for size in map(int, setting) if size <= n))]


def train_sizes(recipe: Mapping[str, Any], dataset: Dataset) -> list[int]:
    """The train sizes of a complete recipe's models."""
    return recipe["train_sizes"].get(dataset.name) or default_train_sizes(dataset)


def completed_images(config: Config, split: str, dataset: Dataset) -> list[int]:
    """The test or training images whose bottom is inferred; default images that do not exist are left out."""
    key, count = {
        "test": ("images", dataset.test_images),
        "train": ("training_images", dataset.train_images),
    }[split]
    images: list[int] = config["top_half"][key]
    if images != defaults()["top_half"][key]:
        return images
    return [image for image in images if image < count]


def pictured_seed(config: Config, recipes: Recipes) -> int:
    """The seed of the model that the figures show: its recipe's first, unless another is named."""
    named = config["figures"]["seed"]
    return int(recipes[config["figures"]["recipe"]]["seeds"][0] if named is None else named)


def interpolated_images(config: Config, n: int) -> list[int]:
    """The training images between which a model of train size n interpolates."""
    if (named := config["interpolation"]["images"]) is not None:
        return list(named)
    if max(PUBLISHED_IMAGES) < n:
        return list(PUBLISHED_IMAGES)
    return [min(image, n - 1) for image in range(3)]
