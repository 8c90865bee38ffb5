"""What latent dimensions buy: the models' numbers over the latent dimension. All in nats per image."""

import pandas as pd

from mnist_vae.pages.tables import MODEL, how_known

COLUMNS = {
    ("test", "latent"): "latent",
    ("test", "neg_elbo"): "neg_elbo",
    ("test_subset", "neg_log_px"): "neg_log_px",
    ("test_subset", "neg_log_px_error"): "neg_log_px_error",
    ("test_subset", "effective_sample_size"): "effective_sample_size",
    ("test_subset", "amortization_gap"): "amortization_gap",
    ("test_subset", "approximation_gap_of_best"): "approximation_gap_of_best",
    ("test", "kl"): "kl",
    ("test", "active_units"): "active_units",
}
WITH_ERRORS = ("neg_elbo", "neg_log_px", "amortization_gap", "kl")


def latents_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per (recipe, n), by n and latent dimension, as means over seeds.

    neg_elbo, kl and active_units are of all test images, the rest of the first `images`; log_px says whether
    log p(x) there is "exact" or an "estimate". *_standard_error are over images.
    """
    indexed = metrics.set_index([*MODEL, "split", "metric"])
    wide = indexed[["value", "standard_error"]].unstack(["split", "metric"])
    columns = {name: wide["value", *place] for place, name in COLUMNS.items() if ("value", *place) in wide}
    for (split, metric), name in COLUMNS.items():
        if name in WITH_ERRORS:
            columns[f"{name}_standard_error"] = wide["standard_error", split, metric]
    columns["images"] = wide["value", "test_subset", "images"]
    models = pd.DataFrame(columns)
    by_size = models.groupby(level=["recipe", "n"])
    means = by_size.mean().assign(
        seeds=by_size.size(), log_px=how_known(wide["value"]).groupby(level=[0, 1]).first()
    )
    means = means.astype({"latent": int, "images": int}).reset_index()
    return means.sort_values(["n", "latent", "recipe"], ignore_index=True)


def latents_markdown(table: pd.DataFrame, dataset: str) -> str:
    """The table as a page."""

    def with_error(name: str) -> list[str]:
        pairs = zip(table[name], table[f"{name}_standard_error"], strict=True)
        return [f"{value:.2f} ± {error:.2f}" for value, error in pairs]

    shown = {
        "n": table.n.map("{:,}".format),
        "latent": table.latent,
        "recipe": table.recipe,
        "-ELBO": with_error("neg_elbo"),
        "-log p(x)": with_error("neg_log_px"),
        "log p(x)": table.log_px,
        "amortization gap": with_error("amortization_gap"),
        "KL": with_error("kl"),
        "active units": table.active_units.map("{:g}".format),
        "seeds": table.seeds,
    }
    images = int(table.images.iloc[0])
    return (
        "\n\n".join(
            [
                f"# What latent dimensions buy, on {dataset}",
                "Nats per image; lower is better. Means over seeds; ± is the standard error over images.",
                pd.DataFrame(shown).to_markdown(index=False, disable_numparse=True),
                "-ELBO, KL(q to the prior) and active units are of all test images, -log p(x) and the "
                f"amortization gap of the first {images:,}. log p(x) is exact in one or two dimensions, "
                "and an estimate by importance sampling beyond. A unit is active if the variance of its "
                "encoder mean over the images is above 0.01 (Burda, Grosse & Salakhutdinov 2016).",
            ]
        )
        + "\n"
    )
