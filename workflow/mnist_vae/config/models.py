"""Which models a configuration asks for, and what each is trained with."""

from collections.abc import Mapping
from typing import Any

from mnist_vae.config.sections import LARGEST_SEED, PUBLISHED_IMAGES
from mnist_vae.data.digits import TRAIN_IMAGES
from mnist_vae.errors import InputError
from mnist_vae.parameters import names
from mnist_vae.study.recipe import Recipe

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


def check_dataset(dataset: str) -> None:
    """Raise InputError if a path names a data set that there is not."""
    if dataset not in TRAIN_IMAGES:
        raise InputError(f"there is no data set {dataset!r}; there are {', '.join(TRAIN_IMAGES)}")


def check_model(recipes: Recipes, dataset: str, recipe: str, n: int, seed: int) -> None:
    """Raise InputError if a path names a model that cannot be trained."""
    check_dataset(dataset)
    if recipe not in recipes:
        raise InputError(f"there is no recipe {recipe!r}; configured are {', '.join(recipes)}")
    images = TRAIN_IMAGES[dataset]
    if not 1 <= n <= images:
        raise InputError(f"n{n} names a train size of {n:,}; {dataset} has 1 to {images:,} training images")
    if seed > LARGEST_SEED:
        raise InputError(f"seed{seed} is too large; a seed is 0 to {LARGEST_SEED:,}")


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
