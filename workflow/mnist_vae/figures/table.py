"""The table of figures: what each is drawn from, which target asks for it, and how the report shows it.

The figure NAME is drawn by the module `mnist_vae.figures.NAME`. To add one: a module, an entry here, a test.
"""

from enum import Enum
from typing import NamedTuple


class Source(Enum):
    """Whose files a figure is drawn from."""

    PICTURED_MODEL = "the model that the configuration's section `figures` names"
    EVERY_MODEL = "every configured model"
    FIRST_SEEDS = "the model of each recipe's first seed, at every train size"
    SUMMED_MODELS = "those of the first seeds whose log p(x) is a sum"
    COMPARED_MODELS = "those with which methods of inference are compared"
    FILES = "files that belong to no single model, given by their whole paths"


PART_2 = "Part 2: training"
PART_3 = "Part 3: pictures of the model"
PART_4 = "Part 4: the bottom, given the top"
PART_5 = "Part 5: beyond the reference"


class FigureEntry(NamedTuple):
    """A figure: the files that it is drawn from, and its label, category and caption in the report.

    `needs_plane` means that it shows the latent space itself, and so needs two latent dimensions. `target` is
    the rule that asks for it, and `path` its path. Only figures with a category are in the report.
    """

    source: Source
    files: tuple[str, ...]
    shown: str
    category: str = ""
    caption: str = ""
    needs_plane: bool = False
    target: str = "figures"
    path: str = "results/{dataset}/figures/{figure}.png"


PICTURED, FILES = Source.PICTURED_MODEL, Source.FILES
FIGURES = {
    "prior_samples": FigureEntry(
        PICTURED,
        ("prior_samples.safetensors",),
        "prior samples",
        PART_3,
        "Ten latents drawn from the prior, *z* ~ N(0, I), and decoded. Upper row: the Bernoulli "
        "means, which is what the decoder believes; lower row: one binary sample of each. Pixels are "
        "independent given *z*, so samples look like means with salt and pepper.",
    ),
    "reconstructions": FigureEntry(
        PICTURED,
        ("reconstructions.safetensors",),
        "reconstructions",
        PART_3,
        "The first test image of each class, or without labels the first ten; the Bernoulli means "
        "decoded at the mean of the encoder's *q*; and a sample: a latent drawn from *q*, and from it "
        "every pixel.",
    ),
    "latent_scatter": FigureEntry(
        PICTURED,
        ("latents.safetensors",),
        "latent scatter",
        PART_3,
        "The encoder's mean for each training image, coloured by its class, which training never saw. "
        "Classes that share shapes, such as the digits 4, 7 and 9, share ground.",
        needs_plane=True,
    ),
    "interpolation": FigureEntry(
        PICTURED,
        ("interpolation.safetensors",),
        "interpolation",
        PART_3,
        "Decoded mixtures along straight lines between the encoder's means of pairs of training "
        "images, which stand at the two ends. Above each column, the share *a* of the image on the "
        "right; latents are mixed, never pixels.",
    ),
    "latent_manifold": FigureEntry(
        PICTURED,
        ("latent_manifold.safetensors",),
        "latent manifold",
        PART_3,
        "Bernoulli means over a regular grid of the latent plane, as far as the training images' "
        "codes reach unless the configuration says otherwise. The circles hold 39 %, 86 % and 99 % of "
        "the prior's mass.",
        needs_plane=True,
    ),
    "top_half_posterior": FigureEntry(
        PICTURED,
        ("top_half.safetensors",),
        "latent posterior",
        PART_4,
        "For each image, of which only the top half is seen: contours of the joint density of the top "
        "half and *z*, and of the Gaussian *q* fitted to it by stochastic variational inference, at "
        "0.2, 0.3, ... 0.9 and 0.99 of each density's own peak. Below them, the smallest regions that "
        "hold most of each density's mass; where the posterior has several modes, each says its "
        "share. Where blue is not an ellipse along the axes, no *q* of this family can fit.",
        needs_plane=True,
    ),
    "completion": FigureEntry(
        PICTURED,
        ("top_half.safetensors",),
        "completion",
        PART_4,
        "A row per image: the original, the top half that inference sees, and that top half joined to "
        "the Bernoulli means of the bottom half: for draws *z* ~ *q*, averaged over *q*, and averaged "
        "over the exact posterior or, from three latent dimensions on, over weighted draws of it.",
    ),
    "training_curves": FigureEntry(
        Source.EVERY_MODEL,
        ("history.csv",),
        "training curves",
        PART_2,
        "Negative ELBO over epochs on the model's own first training images and on the first test "
        "images, at the same noise each time; the title says how many. Thin lines: each seed; bold: "
        "their mean. Where the test curve turns up while the training curve still falls, the model "
        "overfits.",
    ),
    "inference_gap": FigureEntry(
        FILES,
        ("results/{dataset}/tables/epochs.csv", "results/{dataset}/tables/gaps.csv"),
        "inference gap",
        PART_5,
        "Left: -ELBO and -log *p(x)* along one training run per recipe and size, on training and on "
        "test images. log *p(x)* is exact in one or two latent dimensions, and from three on an "
        "estimate. The shaded gap is the KL from *q* to the posterior. Right: that KL at the end of "
        "training, on test images, in parts, as means over seeds: what refining *q* image by image "
        "gains (amortization), what a better mode would gain beyond that, and what the best *q* found "
        "leaves (approximation).",
    ),
    "importance_weighted_bound": FigureEntry(
        Source.FIRST_SEEDS,
        ("weighted_draws.csv",),
        "importance-weighted bound",
        PART_5,
        "How far the importance-weighted bound lies below log *p(x)*, over the number *k* of draws "
        "per bound, for draws from the encoder's *q* and from the refined one. log *p(x)* is exact in "
        "one or two latent dimensions, and from three on an estimate. Bars: one standard error over "
        "images.",
    ),
    "exactness": FigureEntry(
        Source.SUMMED_MODELS, ("lattices.csv",), "sums over lattices", target="exactness"
    ),
    "inference": FigureEntry(
        Source.COMPARED_MODELS, ("inference.csv", "inference.safetensors"), "inference", target="inference"
    ),
    "latents": FigureEntry(
        FILES, ("results/{dataset}/tables/latents.csv",), "latent dimensions", target="latents"
    ),
    "timings": FigureEntry(
        FILES,
        tuple(f"results/{{dataset}}/benchmarks/{table}.csv" for table in ("ratios", "processes", "commands")),
        "timings",
        target="benchmarks",
        path="results/{dataset}/benchmarks/{figure}.png",
    ),
    "parity_ladder": FigureEntry(
        FILES,
        ("results/parity/ladder.csv",),
        "parity ladder",
        target="parity",
        path="results/parity/ladder.png",
    ),
}
STUDY_FIGURES = tuple(name for name, entry in FIGURES.items() if entry.target == "figures")
