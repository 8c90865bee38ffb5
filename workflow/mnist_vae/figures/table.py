"""The table of the study's figures: what each is drawn from, and how the report shows it.

The figure NAME is drawn by `mnist_vae.figures.NAME`, captioned by workflow/report/NAME.rst, and made by the
rule NAME as results/{dataset}/figures/NAME.png. To add one: its module, a line here, its caption, its test.
"""

from enum import Enum
from typing import NamedTuple


class Source(Enum):
    """Whose files a figure is drawn from."""

    PICTURED_MODEL = "the model that the configuration's section `figures` names"
    EVERY_MODEL = "every configured model"
    FIRST_SEEDS = "the model of each recipe's first seed, at every train size"
    TABLES = "the study's tables"


PART_2 = "Part 2: training"
PART_3 = "Part 3: pictures of the model"
PART_4 = "Part 4: the bottom, given the top"
PART_5 = "Part 5: beyond the reference"


class FigureEntry(NamedTuple):
    """A figure: whose files it is drawn from, which, where the report has it, under which label.

    `needs_plane` says that it shows the latent space itself, and so needs two latent dimensions.
    """

    source: Source
    files: tuple[str, ...]
    category: str
    shown: str
    needs_plane: bool = False


MODEL, TABLES = Source.PICTURED_MODEL, Source.TABLES
FIGURES = {
    "prior_samples": FigureEntry(MODEL, ("prior_samples.safetensors",), PART_3, "prior samples"),
    "reconstructions": FigureEntry(MODEL, ("reconstructions.safetensors",), PART_3, "reconstructions"),
    "latent_scatter": FigureEntry(
        MODEL, ("latents.safetensors",), PART_3, "latent scatter", needs_plane=True
    ),
    "interpolation": FigureEntry(MODEL, ("interpolation.safetensors",), PART_3, "interpolation"),
    "latent_manifold": FigureEntry(
        MODEL, ("latent_manifold.safetensors",), PART_3, "latent manifold", needs_plane=True
    ),
    "top_half_posterior": FigureEntry(
        MODEL, ("top_half.safetensors",), PART_4, "latent posterior", needs_plane=True
    ),
    "completion": FigureEntry(MODEL, ("top_half.safetensors",), PART_4, "completion"),
    "training_curves": FigureEntry(Source.EVERY_MODEL, ("history.csv",), PART_2, "training curves"),
    "inference_gap": FigureEntry(TABLES, ("epochs.csv", "gaps.csv"), PART_5, "inference gap"),
    "importance_weighted_bound": FigureEntry(
        Source.FIRST_SEEDS, ("weighted_draws.csv",), PART_5, "importance-weighted bound"
    ),
}
