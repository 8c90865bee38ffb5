"""Methods of inference against the exact posterior (docs/inference.md). Log-densities are in nats."""

from collections.abc import Sequence

import pandas as pd

from mnist_vae.files.storage import read_table
from mnist_vae.pages.page import page
from mnist_vae.pages.tables import MODEL

COLUMNS = (
    *(*MODEL, "method", "setting", "below_log_px", "below_log_px_standard_error"),
    *(
        "error_mean",
        "error_median",
        "error_largest",
        "kl",
        "kl_standard_error",
        "mean_error",
        "std_error",
        "missed_a_mode",
    ),
    *("evaluations", "milliseconds", "images"),
)


def gather_inference(paths: Sequence[str]) -> pd.DataFrame:
    """One row per model, method and setting, as `infer` stored them."""
    return pd.concat([read_table(path, COLUMNS) for path in paths], ignore_index=True)


def inference_markdown(table: pd.DataFrame, dataset: str) -> str:
    """The table as a page, one section per model."""
    sections = []
    for (recipe, n, seed), rows in table.groupby(MODEL, sort=False):
        shown = {
            "method": rows.method,
            "setting": rows.setting,
            "below log p(x)": _with_error(rows.below_log_px, rows.below_log_px_standard_error),
            "error, median": rows.error_median.map(_short),
            "largest": rows.error_largest.map(_short),
            "KL": _with_error(rows.kl, rows.kl_standard_error),
            "mean": rows.mean_error.map(_short),
            "std": rows.std_error.map(_short),
            "misses a mode": rows.missed_a_mode.map(lambda share: "" if pd.isna(share) else f"{share:.0%}"),
            "evaluations": rows.evaluations.map("{:,.0f}".format),
            "ms": rows.milliseconds.map(_short),
        }
        frame = pd.DataFrame(shown)
        right = ("left", "left", *["right"] * (len(shown) - 2))
        sections += [
            f"## {recipe}, n = {n:,}, seed {seed}",
            frame.to_markdown(index=False, disable_numparse=True, colalign=right),
        ]
    return page(
        f"Methods of inference against the exact posterior, on {dataset}",
        f"Means over the first {table.images.iloc[0]} test images. *Below log p(x)*: exact log p(x) less the "
        "method's answer, ± one standard error over images. *Error*: its absolute value. *KL*: from the "
        "method's distribution to the posterior. *Mean*, *std*: mean absolute errors of the posterior mean "
        "and of its standard deviations, in standard deviations of the posterior. *Misses a mode*: the share "
        "of images of which a mode with more than 5 % of the mass gets less than a tenth of it. "
        "*Evaluations*: points per image at which the decoder was evaluated; a gradient counts as one more, "
        "except for Student's t. Milliseconds are processor time per image.",
        *sections,
    )


def _short(value: float) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.4f}" if abs(value) < 0.1 else f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"


def _with_error(values: pd.Series, errors: pd.Series) -> list[str]:
    pairs = zip(values, errors, strict=True)
    return ["" if pd.isna(value) else f"{value:.3f} ± {error:.3f}" for value, error in pairs]
