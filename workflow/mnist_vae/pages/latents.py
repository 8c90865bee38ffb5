"""What latent dimensions buy: the models' numbers over the latent dimension. All in nats per image."""

import pandas as pd

from mnist_vae.pages.page import markdown_table, page
from mnist_vae.pages.tables import MODEL, how_known

COLUMNS = {
    ("test", "latent"): "latent",
    ("test", "neg_elbo"): "neg_elbo",
    ("test", "kl"): "kl",
    ("test", "active_units"): "active_units",
    ("test_subset", "amortization_gap"): "amortization_gap",
    ("test_subset", "approximation_gap_of_best"): "approximation_gap_of_best",
    ("test_subset", "neg_log_px_error"): "neg_log_px_error",
    ("test_subset", "effective_sample_size"): "effective_sample_size",
}
WITH_ERRORS = ("neg_elbo", "kl", "amortization_gap")


def latents_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per (recipe, n), by n and latent dimension, as means over seeds.

    neg_elbo, neg_log_px, kl and active_units are of all test images, the gaps of the first `images`. log_px
    says whether neg_log_px is "exact" or an "estimate"; of this, neg_log_px_estimate_error is the standard
    error. The *_standard_error are over images.
    """
    indexed = metrics.set_index([*MODEL, "split", "metric"])
    wide = indexed[["value", "standard_error"]].unstack(["split", "metric"])
    columns = {name: wide["value", *place] for place, name in COLUMNS.items() if ("value", *place) in wide}
    for (split, metric), name in COLUMNS.items():
        if name in WITH_ERRORS:
            columns[f"{name}_standard_error"] = wide["standard_error", split, metric]
    columns["images"] = wide["value", "test_subset", "images"]
    models = pd.DataFrame(columns).join(log_px_of_test(wide))
    by_size = models.groupby(level=["recipe", "n"])
    means = by_size.mean(numeric_only=True).assign(seeds=by_size.size(), log_px=by_size.log_px.first())
    means = means.astype({"latent": int, "images": int}).reset_index()
    return means.sort_values(["n", "latent", "recipe"], ignore_index=True)


def log_px_of_test(wide: pd.DataFrame) -> pd.DataFrame:
    """-log p(x) of all test images of each model: neg_log_px, neg_log_px_estimate_error and log_px.

    Beyond two latent dimensions log p(x) is estimated for the first test images alone. The bound is known for
    all, and lies below it by much the same for each. So the mean gap of the first images, taken off the bound
    of all, is a difference estimate (Cochran 1977, Sampling Techniques, chapter 7); its error is the mean
    gap's.
    """
    value, error = wide["value"], wide["standard_error"]
    estimated = how_known(value) == "estimate"
    gap = "test_subset", "kl_to_posterior"
    neg_log_px = value["test", "neg_elbo"] - value[gap]
    if ("test", "neg_log_px") in value:
        neg_log_px = neg_log_px.where(estimated, value["test", "neg_log_px"])
    return pd.DataFrame(
        {
            "neg_log_px": neg_log_px,
            "neg_log_px_estimate_error": error[gap].where(estimated),
            "log_px": how_known(value),
        }
    )


def latents_markdown(table: pd.DataFrame, dataset: str) -> str:
    """The table as a page."""

    def with_error(name: str, error: str) -> list[str]:
        pairs = zip(table[name], table[f"{name}_{error}"], strict=True)
        return [f"{value:.2f}" + (f" ± {error:.2f}" if pd.notna(error) else "") for value, error in pairs]

    shown = {
        "n": table.n.map("{:,}".format),
        "latent": table.latent,
        "recipe": table.recipe,
        "-ELBO": with_error("neg_elbo", "standard_error"),
        "-log p(x)": with_error("neg_log_px", "estimate_error"),
        "log p(x)": table.log_px,
        "amortization gap": with_error("amortization_gap", "standard_error"),
        "KL": with_error("kl", "standard_error"),
        "active units": table.active_units.map("{:g}".format),
        "seeds": table.seeds,
    }
    images = f"{table.images.iloc[0]:,}"
    return page(
        f"What latent dimensions buy, on {dataset}",
        "Nats per image; lower is better. Means over seeds.",
        markdown_table(pd.DataFrame(shown)),
        "-ELBO, -log p(x), KL(q to the prior) and active units are of all test images, the amortization gap "
        f"of the first {images}. log p(x) is exact in one or two dimensions. Beyond, its gap to the ELBO is "
        f"estimated on the first {images} test images by importance sampling, and taken off the -ELBO of "
        "all; ± is the standard error of that estimate. Of the other columns ± is the standard error over "
        "images; all models see the same images, so differences between them are better known than that. A "
        "unit is active if the variance of its encoder mean over the images is above 0.01 (Burda, Grosse & "
        "Salakhutdinov 2016).",
    )
