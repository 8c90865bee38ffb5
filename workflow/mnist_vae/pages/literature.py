"""The study's -log p(x) beside figures that others published, each with its protocol. In nats per image."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mnist_vae.pages.latents import log_px_of_test
from mnist_vae.pages.page import markdown_table, page
from mnist_vae.pages.tables import MODEL

PUBLISHED = [  # the columns of a file of published figures
    *("model", "source", "latent", "neg_log_px", "binarization", "training_images", "hidden"),
    *("estimator", "seen_in", "note"),
]
OWN = "this project"


def literature_table(
    models: Sequence[tuple[pd.DataFrame, Mapping[str, Any]]], published: pd.DataFrame
) -> pd.DataFrame:
    """The models and the published figures, one row each, by latent dimension and -log p(x).

    A model is given by its metrics and a mapping with dataset, threshold and hidden. Models that differ only
    in the seed have one row, their mean. neg_log_px is of all test images; estimate_error is its standard
    error if it is an estimate.
    """
    own = pd.DataFrame([_own(metrics, about) for metrics, about in models])
    by_model = own.groupby([column for column in own if column not in ("neg_log_px", "estimate_error")])
    own = by_model.mean().assign(seeds=by_model.size()).reset_index()
    both = pd.concat([own, published[PUBLISHED]], ignore_index=True)
    return both.sort_values(["latent", "neg_log_px"], ignore_index=True)


def _own(metrics: pd.DataFrame, about: Mapping[str, Any]) -> dict[str, Any]:
    wide = metrics.set_index([*MODEL, "split", "metric"])[["value", "standard_error"]]
    wide = wide.unstack(["split", "metric"])
    found = log_px_of_test(wide).iloc[0]
    recipe, n, _ = wide.index[0]
    images = wide["value", "test_subset", "images"].iloc[0]
    estimator = f"2,000 draws, of the first {images:,.0f} images; of the others by their ELBO"
    return {
        "model": f"VAE, recipe {recipe}",
        "source": f"{OWN}, {about['dataset']}",
        "latent": int(wide["value", "test", "latent"].iloc[0]),
        "neg_log_px": found.neg_log_px,
        "estimate_error": found.neg_log_px_estimate_error if found.log_px == "estimate" else 0.0,
        "binarization": "drawn once, by a fixed seed" if about["threshold"] is None else "threshold",
        "training_images": n,
        "hidden": str(about["hidden"]),
        "estimator": "exact" if found.log_px == "exact" else estimator,
    }


def literature_markdown(table: pd.DataFrame) -> str:
    """The table, and for each published figure where it was seen and how comparable it is."""
    published = table.seen_in.notna()
    notes = table[published].groupby(["source", "seen_in", "note"], sort=False)
    number = pd.Series({row: place for place, (_, rows) in enumerate(notes, 1) for row in rows.index})
    error = table.estimate_error
    shown = {
        "latent": table.latent,
        "-log p(x)": [
            f"{value:.2f}" + (f" ± {error:.2f}" if error > 0 else "")
            for value, error in zip(table.neg_log_px, error, strict=True)
        ],
        "model": table.model,
        "by": [
            f"{source} [{number[row]}]" if row in number else f"**{source}**"
            for row, source in table.source.items()
        ],
        "pixels are": table.binarization,
        "training images": table.training_images.map("{:,.0f}".format).replace("nan", "not seen"),
        "hidden units": table.hidden.fillna("not seen"),
        "log p(x) by": table.estimator,
    }
    listed = [
        f"{place}. {source}: {seen_in}. Note: {note}."
        for place, ((source, seen_in, note), _) in enumerate(notes, 1)
    ]
    return page(
        "Beside the literature",
        "-log p(x) of MNIST's 10,000 test images, in nats per image; lower is better. Numbers compare only "
        "where the pixels do: a threshold leaves out what a random draw of a grey pixel costs, and draws "
        "made again at every use are more training images than draws made once. Ours are thresholded "
        "(mnist) or drawn once, by other draws than Larochelle & Murray's (mnist_sampled); where a "
        "recipe deforms the training images, those are drawn again in every epoch. ± is the standard error "
        "of an estimate.",
        markdown_table(pd.DataFrame(shown)),
        "None of the papers themselves was at hand. Each of their figures was seen in the place named here:",
        "\n".join(listed),
    )
