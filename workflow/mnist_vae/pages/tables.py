"""From the models' numbers to the table people read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtrit

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
# Bounds and exact figures. Those of a subset are on the same images, so that differences between them hold.
GAPS_COLUMNS = {
    ("test_subset", "neg_elbo"): "neg_elbo",
    ("test_subset", "neg_elbo_refined"): "neg_elbo_refined",
    ("test_subset", "neg_log_px"): "neg_log_px",
    ("test_subset", "amortization_gap"): "amortization_gap",
    ("test_subset", "approximation_gap"): "approximation_gap",
    ("test_subset", "approximation_gap_of_best"): "approximation_gap_of_best",
    ("train_subset", "neg_elbo"): "train_neg_elbo",
    ("train_subset", "neg_log_px"): "train_neg_log_px",
    ("train_subset", "kl_to_posterior"): "train_kl_to_posterior",
    ("test", "neg_log_px"): "full_test_neg_log_px",
    ("test", "neg_log_p_bottom_given_top"): "full_test_neg_log_p_bottom_given_top",
    ("test", "neg_log_p_bottom_independent_pixels"): "full_test_neg_log_p_bottom_independent_pixels",
    ("test_subset", "grid_error"): "grid_error",
}
RISE = 2.0  # standard errors, above which a change counts as a rise
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
        reach = stdtrit(seeds - 1, (1 + COVERAGE) / 2) * spread
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


def gaps_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a seed, and after each (recipe, n) the seeds' mean, whose seed is "mean". All in nats.

    The standard errors are over images, which all seeds share, so the mean row's are the seeds' means. The
    mean row's *_seed_spread are standard deviations over seeds. Columns without a prefix are on the first
    `images` test images. grid_error is log p(x) by the usual grid less that by the finer, wider one.
    """
    indexed = metrics.set_index([*MODEL, "split", "metric"])
    wide = indexed[["value", "standard_error"]].unstack(["split", "metric"])
    columns = {"images": wide["value", "test_subset", "images"].astype(int)}
    for (split, metric), name in GAPS_COLUMNS.items():
        columns[name] = wide["value", split, metric]
        columns[f"{name}_standard_error"] = wide["standard_error", split, metric]
    seeds = pd.DataFrame(columns)
    by_size = seeds.groupby(level=["recipe", "n"])
    summary = by_size.mean().astype({"images": int})
    for name in GAPS_COLUMNS.values():
        after = summary.columns.get_loc(f"{name}_standard_error") + 1
        summary.insert(after, f"{name}_seed_spread", by_size[name].std())
    rows = pd.concat([seeds.reset_index(), summary.reset_index().assign(seed="mean")])
    return rows.sort_values(["recipe", "n"], kind="stable", ignore_index=True)[[*MODEL, *summary.columns]]


def both_rose(epochs: pd.DataFrame) -> pd.DataFrame:
    """Stretches of training over which the ELBO rose and KL(q || p(z|x)) rose as well (SPEC, part 4).

    Both by more than RISE standard errors of the paired change over the same images; largest rise of the KL
    first. ELBO = log p(x) - KL, so log p(x) rose by the sum of the two.
    """
    before = epochs.groupby([*MODEL, "split"])["epoch"].shift()
    epochs = epochs.assign(from_epoch=before.astype("Int64"), to_epoch=epochs.epoch)
    rose = np.logical_and.reduce(
        [epochs[f"{name}_change"] > RISE * epochs[f"{name}_change_standard_error"] for name in ("elbo", "kl")]
    )
    changes = [
        f"{name}_change{error}" for name in ("elbo", "kl", "log_px") for error in ("", "_standard_error")
    ]
    found = epochs.loc[rose, [*MODEL, "split", "images", "from_epoch", "to_epoch", *changes]]
    return found.sort_values("kl_change", ascending=False, ignore_index=True)


def gaps_markdown(gaps: pd.DataFrame, third_question: pd.DataFrame, dataset: str) -> str:
    """The table as a page: the bounds, how well the bottom half is foretold, and the third question."""
    means = gaps[gaps.seed == "mean"]
    model = {"recipe": means.recipe, "n": means.n.map("{:,}".format)}

    def of(columns: dict[str, str]) -> str:
        cells = {
            title: _plus_minus(means[name], means[f"{name}_standard_error"], means[f"{name}_seed_spread"])
            for title, name in columns.items()
        }
        return pd.DataFrame(model | cells).to_markdown(index=False, disable_numparse=True)

    images = means.images.iloc[0]
    return "\n".join(
        [
            f"# Bounds and exact log-densities on {dataset}, in nats per image",
            "",
            "Means over seeds; ± is the standard error over images, in brackets the standard deviation over "
            "seeds. log p(x) and p(z | x) are sums over a grid of the latent plane.",
            "",
            f"## What lies between the ELBO and log p(x): the first {images:,} test images",
            "",
            of(
                {
                    "-ELBO": "neg_elbo",
                    "-ELBO, refined q": "neg_elbo_refined",
                    "-log p(x)": "neg_log_px",
                    "amortization gap": "amortization_gap",
                    "approximation gap": "approximation_gap",
                    "of the best q": "approximation_gap_of_best",
                }
            ),
            "",
            "Refined: each image's own q, fitted from the encoder's answer. Amortization gap: what that "
            "gains. Approximation gap: what it leaves. Some fits end in a lesser mode of the posterior; the "
            "best q is the better of that fit and one from the posterior's peak.",
            "",
            f"## The same on the first {images:,} training images",
            "",
            of(
                {
                    "-ELBO": "train_neg_elbo",
                    "-log p(x)": "train_neg_log_px",
                    "KL(q to p(z given x))": "train_kl_to_posterior",
                }
            ),
            "",
            "## All test images",
            "",
            of(
                {
                    "-log p(x)": "full_test_neg_log_px",
                    "-log p(bottom given top)": "full_test_neg_log_p_bottom_given_top",
                    "the same, independent pixels": "full_test_neg_log_p_bottom_independent_pixels",
                }
            ),
            "",
            "Independent pixels: each at its frequency in the training images, whatever the top half shows.",
            "",
            "## Has KL(q to p(z given x)) fallen when the ELBO has risen?",
            "",
            third_question_answer(third_question),
            "",
        ]
    )


def third_question_answer(third_question: pd.DataFrame) -> str:
    """The measured counterexample, in a sentence."""
    if third_question.empty:
        return (
            "Not necessarily; but no stretch of the trainings followed here shows both rising beyond chance."
        )
    row = third_question.iloc[0]
    return (
        f"Not necessarily. Between epochs {row.from_epoch} and {row.to_epoch} of the {row.recipe} recipe, "
        f"n = {row.n:,}, seed {row.seed}, the ELBO of {row.images:,} {row.split} images rose by "
        f"{row.elbo_change:.2f} ± {row.elbo_change_standard_error:.2f} nats, and the KL rose too, by "
        f"{row.kl_change:.2f} ± {row.kl_change_standard_error:.2f}: log p(x) had risen by more, "
        f"{row.log_px_change:.2f}."
    )


def _decimals(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.2f}"


def _plus_minus(values: pd.Series, errors: pd.Series, spreads: pd.Series | None = None) -> list[str]:
    """Write value ± standard error, and (spread over seeds) where it is given and there is more than one."""
    cells = [f"{value:.2f} ± {error:.2f}" for value, error in zip(values, errors, strict=True)]
    if spreads is None:
        return cells
    return [
        f"{cell} ({spread:.2f})" if spread >= 0 else cell for cell, spread in zip(cells, spreads, strict=True)
    ]
