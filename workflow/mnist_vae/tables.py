"""From the models' numbers to the table people read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

# What the reference printed as final loss: one draw of z on the first 100 test images of mnist (SPEC,
# part 2), by training-set size.
REFERENCE_NEG_ELBO = {1_000: 181.087, 10_000: 152.194}
REFERENCE_DATASET, REFERENCE_RECIPE = "mnist", "reference"
AGREEMENT = 2.0  # standard deviations

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

    Both are figures on the same 100 images, so what separates them by chance is the training's seed and the
    one draw of z. Below AGREEMENT standard deviations of the two together they are said to agree.
    """
    if "reference" not in elbo:
        return ["The reference reports figures on MNIST only; this data set has none to compare with."]
    sentences = []
    rows = elbo.query("seed == 'mean' and recipe == @REFERENCE_RECIPE").dropna(subset="reference")
    for row in rows.itertuples():
        chance = np.hypot(row.first_100_draw_spread, row.first_100_seed_spread)
        difference = row.first_100_neg_elbo - row.reference
        sentence = (
            f"n = {row.n:,}: the reference printed {row.reference:.3f} from one draw on the first 100 test "
            f"images; the same protocol here gives {row.first_100_neg_elbo:.2f} on average"
        )
        if np.isnan(chance):
            sentences.append(f"{sentence}. One seed cannot say how far chance separates them.")
            continue
        sigmas = abs(difference) / chance
        sentences.append(
            f"{sentence}, with a standard deviation of {chance:.2f} over draws and seeds. The difference of "
            f"{difference:+.2f} is {sigmas:.1f} standard deviations: the two "
            f"{'agree' if sigmas <= AGREEMENT else 'do not agree'}. "
            f"On the full test set the figure is {row.test_neg_elbo:.2f}."
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
