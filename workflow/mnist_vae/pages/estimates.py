"""The estimate of log p(x) against the sum, where both exist (docs/exactness.md). In nats per image."""

import pandas as pd

from mnist_vae.pages.page import markdown_table, page
from mnist_vae.pages.tables import MODEL

COLUMNS = [
    *("latent", "images", "difference", "largest_difference", "root_mean_square_in_errors"),
    *("largest_in_errors", "images_beyond_4_errors", "effective_draws_median", "effective_draws_fewest"),
]


def estimates_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per model that has both an estimate and a sum of log p(x), from `compare_estimate`'s rows."""
    wide = metrics.pivot(index=MODEL, columns="metric", values="value")[COLUMNS]
    wide = wide.rename(columns={"difference": "mean_difference"})
    mean = metrics[metrics.metric == "difference"].set_index(MODEL).standard_error
    wide.insert(wide.columns.get_loc("mean_difference") + 1, "mean_difference_standard_error", mean)
    whole = ["latent", "images", "images_beyond_4_errors"]
    return wide.astype(dict.fromkeys(whole, int)).reset_index()


def estimates_markdown(table: pd.DataFrame, dataset: str) -> str:
    """The table as a page."""
    mean = zip(table.mean_difference, table.mean_difference_standard_error, strict=True)
    shown = {
        "model": [f"{row.recipe}, n = {row.n:,}, seed {row.seed}" for row in table.itertuples()],
        "latent": table.latent,
        "images": table.images,
        "mean difference": [f"{value:.4f} ± {error:.4f}" for value, error in mean],
        "largest": table.largest_difference.map("{:.3f}".format),
        "root mean square, in errors": table.root_mean_square_in_errors.map("{:.2f}".format),
        "largest, in errors": table.largest_in_errors.map("{:.2f}".format),
        "beyond 4 errors": table.images_beyond_4_errors,
        "effective draws, median": table.effective_draws_median.map("{:.0f}".format),
        "fewest": table.effective_draws_fewest.map("{:.0f}".format),
    }
    return page(
        f"The estimate of log p(x) against the sum, on {dataset}",
        "The estimate by importance sampling less the sum, in nats per image, on the first test images: "
        "where both exist. An error is the estimate's own standard error for that image.",
        markdown_table(pd.DataFrame(shown)),
    )
