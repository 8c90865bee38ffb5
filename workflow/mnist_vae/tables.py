"""From the models' numbers to the table people read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

# What the reference printed as final loss: one draw of z on the first 100 test images of mnist (SPEC,
# part 2), by training-set size.
REFERENCE_NEG_ELBO = {1_000: 181.087, 10_000: 152.194}
REFERENCE_DATASET, REFERENCE_RECIPE = "mnist", "reference"
COVERAGE = 0.95  # of the interval in which one more training is expected

ELBO_COLUMNS = {
    ("test", "neg_elbo"): "test_neg_elbo",
    ("test", "kl"): "test_kl",
    ("test", "reconstruction"): "test_reconstruction",
    ("train", "neg_elbo"): "train_neg_elbo",
    ("test_first_100", "neg_elbo"): "first_100_neg_elbo",
    ("test_first_100", "neg_elbo_draw_spread"): "first_100_draw_spread",
}
MODEL = ["recipe", "n", "seed"]


def gather(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Stack the models' metrics into one tidy table, a row a number."""
    metrics = pd.concat([pd.read_csv(path) for path in paths], ignore_index=True)
    return metrics.sort_values(MODEL, kind="stable", ignore_index=True)


def elbo_table(metrics: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """One row a seed, and after each (recipe, n) its summary, whose seed is "mean". All in nats.

    test_standard_error is over the test images; all seeds share these, so the summary's is the seeds' mean.
    The summary's *_seed_spread are standard deviations over seeds. first_100_draw_spread is the standard
    deviation of a figure that uses one draw of z an image, as the reference's does.
    """
    wide = metrics.pivot(index=MODEL, columns=["split", "metric"], values="value")
    seeds = wide[list(ELBO_COLUMNS)].set_axis(ELBO_COLUMNS.values(), axis=1)
    test = metrics.query("split == 'test' and metric == 'neg_elbo'").set_index(MODEL)
    seeds.insert(1, "test_standard_error", test["standard_error"])

    by_size = seeds.groupby(level=["recipe", "n"])
    summary = by_size.mean()
    for column, after in (("test_neg_elbo", "test_standard_error"), ("first_100_neg_elbo",) * 2):
        spread = column.replace("neg_elbo", "seed_spread")
        summary.insert(summary.columns.get_loc(after) + 1, spread, by_size[column].std())
    if dataset == REFERENCE_DATASET:
        summary["reference"] = summary.index.get_level_values("n").map(REFERENCE_NEG_ELBO)

    rows = pd.concat([seeds.reset_index(), summary.reset_index().assign(seed="mean")])
    columns = [*MODEL, *summary.columns]
    return rows.sort_values(["recipe", "n"], kind="stable", ignore_index=True)[columns]


def agreement(elbo: pd.DataFrame) -> list[str]:
    """One sentence for each size the reference reports: whether this pipeline's figure agrees with it.

    The reference's figure is one training and one draw of z on the same 100 images. It agrees if it lies in
    the prediction interval for one more training here: Student's t over the seeds, the draw's variance added.
    """
    if "reference" not in elbo:
        return ["The reference reports figures on MNIST only; this data set has none to compare with."]
    sentences = []
    of_recipe = elbo[elbo.recipe == REFERENCE_RECIPE]
    for row in of_recipe[of_recipe.seed == "mean"].dropna(subset="reference").itertuples():
        seeds = (of_recipe.n == row.n).sum() - 1
        sentence = (
            f"n = {row.n:,}: the reference printed {row.reference:.3f}, one training and one draw on the "
            f"first 100 test images. The same protocol here gives {row.first_100_neg_elbo:.2f} on average"
        )
        if seeds == 1:
            sentences.append(f"{sentence}; one seed cannot say what another would give.")
            continue
        spread = np.hypot(row.first_100_seed_spread * np.sqrt(1 + 1 / seeds), row.first_100_draw_spread)
        reach = t.ppf((1 + COVERAGE) / 2, seeds - 1) * spread
        low, high = row.first_100_neg_elbo - reach, row.first_100_neg_elbo + reach
        verdict = "inside: they agree" if low <= row.reference <= high else "outside: they do not agree"
        sentences.append(
            f"{sentence}, and {seeds} seeds predict {low:.1f} to {high:.1f} for one more training and draw "
            f"({COVERAGE:.0%} interval). The reference is {verdict}, as far as {seeds} seeds can tell. "
            f"On all test images the figure is {row.test_neg_elbo:.2f}."
        )
    return sentences


def elbo_markdown(elbo: pd.DataFrame, dataset: str) -> str:
    """The table as a page: the summaries, what they say of the reference, then every seed."""
    summary = elbo[elbo.seed == "mean"]
    readable = pd.DataFrame(
        {
            "recipe": summary.recipe,
            "n": summary.n.map("{:,}".format),
            "test -ELBO": _plus_minus(summary.test_neg_elbo, summary.test_standard_error),
            "spread over seeds": summary.test_seed_spread.map(_decimals),
            "KL": summary.test_kl.map(_decimals),
            "reconstruction": summary.test_reconstruction.map(_decimals),
            "train -ELBO": summary.train_neg_elbo.map(_decimals),
            "first 100 -ELBO": summary.first_100_neg_elbo.map(_decimals),
            "spread over draws": summary.first_100_draw_spread.map(_decimals),
        }
    )
    if "reference" in summary:
        readable["reference"] = summary.reference.map("{:.3f}".format).replace("nan", "")
    seeds = elbo[elbo.seed != "mean"].dropna(axis=1, how="all")
    return "\n".join(
        [
            f"# -ELBO on {dataset}, in nats per image",
            "",
            readable.to_markdown(index=False, disable_numparse=True),
            "",
            "Means over seeds. ± is the standard error over the test images, which all seeds share. "
            "*First 100* is the reference's protocol: the first 100 test images, here averaged over many "
            "draws of z; *spread over draws* is the standard deviation of a single draw.",
            "",
            *(f"- {sentence}" for sentence in agreement(elbo)),
            "",
            "## Every seed",
            "",
            seeds.to_markdown(index=False, floatfmt=".2f"),
            "",
        ]
    )


def _decimals(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.2f}"


def _plus_minus(values: pd.Series, errors: pd.Series) -> list[str]:
    return [f"{value:.2f} ± {error:.2f}" for value, error in zip(values, errors, strict=True)]
