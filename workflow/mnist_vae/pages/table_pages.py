"""The tables as pages that people read: Markdown, with the sentences that say what the numbers show."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mnist_vae.pages.page import markdown_table, page
from mnist_vae.pages.tables import COVERAGE, REFERENCE_RECIPE, RISE, quoted_stretch

SIGNIFICANCE = 1 - COVERAGE

# The sections of the page of gaps: heading, columns by title, and the text below them.
GAPS_SECTIONS = (
    (
        "From the ELBO to log p(x): the first {images:,} test images",
        {
            "-ELBO": "neg_elbo",
            "-log p(x)": "neg_log_px",
            "log p(x)": "log_px",
            "error of the estimate": "neg_log_px_error",
            "effective draws": "effective_sample_size",
            "amortization gap": "amortization_gap",
            "approximation gap": "approximation_gap",
            "best q": "approximation_gap_of_best",
        },
        "The *amortization gap* is what is gained by fitting q to each image separately, starting from the "
        "encoder's answer; the *approximation gap* is what remains. How the whole gap divides between them "
        "depends on the mode of the posterior in which the fit ends, by up to half a nat. *Best q* is the "
        "gap that remains after the best of several fits, from the encoder's answer and from the posterior's "
        "modes. It does not depend on the encoder: it is what a Gaussian q costs.",
    ),
    (
        "Training images, seen and unseen: up to {images:,} of each",
        {
            "-ELBO, seen": "train_neg_elbo",
            "KL to posterior": "train_kl_to_posterior",
            "-log p(x), seen": "train_neg_log_px",
            "-log p(x), unseen": "unseen_neg_log_px",
            "unseen - seen": "unseen_less_seen",
        },
        "*Seen*: the first images of the training set. *Unseen*: training images that the run did not use, "
        "where the data set has more images than the run took. Their difference is how far the model itself, "
        "not only the encoder, has overfitted; its standard error treats the two samples as independent.",
    ),
    (
        "All test images",
        {"-log p(x)": "full_test_neg_log_px", "largest error": "full_test_largest_error"},
        "*Largest error*: the largest estimated error of log p(x), log p(bottom) or log p(bottom | top), "
        "over all test images and over seeds.",
    ),
    (
        "The bottom half: all test images",
        {
            "given the top": "full_test_neg_log_p_bottom_given_top",
            "bottom alone": "full_test_neg_log_p_bottom",
            "independent pixels": "full_test_neg_log_p_bottom_independent_pixels",
        },
        "-log p(bottom | top), -log p(bottom), and -log p of independent pixels, each at its frequency in "
        "the training images. Where the first exceeds the second, the model predicts the bottom half worse "
        "once it has seen the top: it settles on the z that fits the details of the top, and is then too "
        "sure of the rest.",
    ),
)


def elbo_markdown(elbo: pd.DataFrame, dataset: str) -> str:
    """The table of `tables.elbo_table` as a page: the means, the reference's figures, then every seed."""
    means, runs = _means(elbo), elbo[elbo.seed != "mean"]
    summary = _models(means) | {
        "seeds": means.seeds,
        "test -ELBO": _plus_minus(means.test_neg_elbo, means.test_standard_error),
        "over seeds": means.test_seed_spread.map(_decimals),
        "KL": means.test_kl.map(_decimals),
        "reconstruction": means.test_reconstruction.map(_decimals),
        "train -ELBO": means.train_neg_elbo.map(_decimals),
    }
    every_seed = _models(runs) | {
        "seed": runs.seed,
        "test -ELBO": _plus_minus(runs.test_neg_elbo, runs.test_standard_error),
        "KL": runs.test_kl.map(_decimals),
        "reconstruction": runs.test_reconstruction.map(_decimals),
        "train -ELBO": runs.train_neg_elbo.map(_decimals),
        "first 100": runs.first_100_neg_elbo.map(_decimals),
    }
    return page(
        f"-ELBO on {dataset}",
        "The ELBO (evidence lower bound) is a lower bound on log p(x), the log-probability that the model "
        "gives to an image. -ELBO is in nats, the unit of the natural logarithm, per image; lower is better. "
        "A *recipe* is a way to train the networks, *n* the number of training images, and a *seed* fixes "
        "what is random in a training run.",
        "## Every recipe and training-set size",
        _table(summary),
        "Means over seeds, on all test images. ± is the standard error over the test images, which all seeds "
        "share; *over seeds* is the standard deviation between training runs. -ELBO is the sum of *KL*, the "
        "divergence of the encoder's q(z | x) from the prior, and *reconstruction*, the expected "
        "-log p(x | z) under q. *Train* is the model's own training images.",
        "## What the reference printed",
        *_reference_section(elbo),
        "## Every seed",
        _table(every_seed),
        "*First 100*: the first 100 test images, averaged over many draws of z.",
    )


def _means(elbo: pd.DataFrame) -> pd.DataFrame:
    """The mean rows, with the number of seeds behind each."""
    seeds = elbo.groupby(["recipe", "n"]).seed.transform("size") - 1
    return elbo.assign(seeds=seeds)[elbo.seed == "mean"]


def _beside_the_reference(elbo: pd.DataFrame) -> pd.DataFrame:
    means = _means(elbo)
    return means[(means.recipe == REFERENCE_RECIPE) & means.reference.notna()]


def _reference_section(elbo: pd.DataFrame) -> list[str]:
    """The table beside the reference's figures, and a sentence for each."""
    if "reference" not in elbo:
        return agreement(elbo)
    rows = _beside_the_reference(elbo)
    if rows.empty:
        return ["No run has the reference's recipe and one of its training-set sizes."]
    columns = {
        "n": rows.n.map("{:,}".format),
        "the reference": rows.reference.map("{:.3f}".format),
        "here": rows.first_100_neg_elbo.map(_decimals),
        "over seeds": rows.first_100_seed_spread.map(_decimals),
        "over draws": rows.first_100_draw_spread.map(_decimals),
        f"{COVERAGE:.0%} interval": _ranges(rows.predicted_low, rows.predicted_high),
        "p": rows.reference_p_value.map(_p_value),
    }
    return [
        _table(columns),
        "The reference is the assignment's code, and this is its protocol: the first 100 test images, one "
        "draw of z for each. *Here* is the mean over seeds and many draws; *over seeds* and *over draws* are "
        "the standard deviations of what one more training run and one draw would add. The interval and the "
        "p-value are for one more training run and one more draw: Student's t over the seeds, with the "
        "variance of the draw added. Few seeds make a wide interval, so not to contradict it is weak "
        "evidence. That both programs compute the same thing is shown function by function by the comparison "
        "with Julia (`make parity`).",
        "\n".join(f"- {sentence}" for sentence in agreement(elbo)),
    ]


def agreement(elbo: pd.DataFrame) -> list[str]:
    """One sentence per size that the reference reports: whether its figure contradicts this pipeline's."""
    if "reference" not in elbo:
        return ["The reference's figures are for MNIST; this data set has none to compare with."]
    sentences = []
    for row in _beside_the_reference(elbo).itertuples():
        sentence = (
            f"n = {row.n:,}: the reference printed {row.reference:.3f}, from one training run and one draw "
            f"on the first 100 test images. The same protocol here gives {row.first_100_neg_elbo:.2f} on "
            "average"
        )
        if row.seeds == 1:
            sentences.append(f"{sentence}, from one seed, which cannot say what another would give.")
            continue
        contradicts = row.reference_p_value < SIGNIFICANCE
        verdict = "contradicts" if contradicts else "does not contradict"
        sentences.append(
            f"{sentence}, and {row.seeds} seeds predict {row.predicted_low:.1f} to {row.predicted_high:.1f} "
            f"for one more training run and draw ({COVERAGE:.0%} interval). The reference's figure "
            f"{verdict} that (p = {_p_value(row.reference_p_value)}). On all test images the figure here is "
            f"{row.test_neg_elbo:.2f}."
        )
    return sentences


def gaps_markdown(gaps: pd.DataFrame, stretches: pd.DataFrame, dataset: str) -> str:
    """The table of `tables.gaps_table` as a page; below it the third question's measured answer."""
    means = gaps[gaps.seed == "mean"]
    images = int(means.images.iloc[0])
    sections = []
    for heading, columns, note in GAPS_SECTIONS:
        cells = {title: _cells(means, name) for title, name in columns.items() if name in means}
        if cells:
            sections += [f"## {heading.format(images=images)}", _table(_models(means) | cells), note]
    return page(
        f"Bounds and exact log-densities on {dataset}",
        "Nats per image. Means over seeds; ± is the standard error over images, and the standard deviation "
        "over seeds is in parentheses. log p(x) is the log-probability that the model gives to an image; the "
        "ELBO is a lower bound on it, below by KL(q to p(z | x)), where q is the Gaussian that the encoder "
        "gives. log p(x) is exact in one or two latent dimensions, where it is a sum over a grid; from three "
        "on it is an estimate by importance sampling.",
        *sections,
        "## If the ELBO has risen, has KL(q to p(z | x)) fallen?",
        third_question_answer(stretches),
    )


def differences_markdown(differences: pd.DataFrame, dataset: str) -> str:
    """The table of `tables.differences_table` as a page: one section per metric."""
    titles = {
        "neg_elbo": "-ELBO",
        "neg_log_px": "-log p(x)",
        "neg_log_p_bottom_given_top": "-log p(bottom | top)",
    }
    sections = []
    for metric, rows in differences.groupby("metric", sort=False):
        columns = {
            "n": rows.n.map("{:,}".format),
            "difference": rows.recipe + " - " + rows.baseline,
            "nats": rows.difference.map("{:+.2f}".format),
            f"{COVERAGE:.0%} interval": _ranges(rows.low, rows.high, "{:+.1f}"),
            "p": rows.p_value.map(_p_value),
            "seeds": [f"{a} and {b}" for a, b in zip(rows.seeds, rows.baseline_seeds, strict=True)],
        }
        sections += [f"## {titles[metric]}", _table(columns)]
    if differences.empty:
        sections = ["No two recipes were run at the same n."]
    return page(
        f"Differences between recipes on {dataset}",
        "Nats per image, means over seeds, on all test images; a negative difference means that the first "
        "recipe is better. Intervals and p-values are Welch's t over the seeds: they say how far other "
        "training runs may differ, on the same test images. They need two seeds of each recipe, and are not "
        "corrected for multiple comparisons. *Top* and *bottom* are the halves of an image.",
        *sections,
    )


def third_question_answer(stretches: pd.DataFrame) -> str:
    """The measured answer to part 4's third question, from `tables.stretches`."""
    quoted = quoted_stretch(stretches)
    if quoted.empty:
        return "Not necessarily. No stretch of training was measured here: that takes two snapshots."
    row = quoted.iloc[0]
    where = (
        f"from epoch {row.from_epoch} to {row.to_epoch} of the {row.recipe} recipe (n = {row.n:,}, seed "
        f"{row.seed}), on {row.images:,} test images"
    )
    elbo, kl, log_px = (
        f"{row[f'{name}_change']:+.2f} ± {row[f'{name}_change_standard_error']:.2f}"
        for name in ("elbo", "kl", "log_px")
    )
    answer = (
        f"Not necessarily: ELBO = log p(x) - KL, and log p(x) moves as well. Measured {where}: ELBO {elbo} "
        f"nats, KL {kl}, log p(x) {log_px}; ± is the standard error of the paired change. "
    )
    answer += (
        "Both rose: the bound improved while q moved away from the posterior. "
        if row.both_rose
        else f"Here they did not both rise by more than {RISE:.0f} standard errors. "
    )
    return answer + (
        "The stretch is fixed by rule (the last between two snapshots of the reference recipe at its "
        f"largest n), not chosen for what it shows. Of all {len(stretches)} stretches measured, on training "
        f"and test images, {int(stretches.both_rose.sum())} show both rising by more than {RISE:.0f} "
        "standard errors (`tables/third_question.csv`)."
    )


def _table(columns: Mapping[str, Any]) -> str:
    return markdown_table(pd.DataFrame(columns))


def _models(rows: pd.DataFrame) -> dict[str, Any]:
    return {"recipe": rows.recipe, "n": rows.n.map("{:,}".format)}


def _cells(means: pd.DataFrame, name: str) -> list[str]:
    """A column of the page of gaps; an error is one digit, without a standard error."""
    if name == "log_px":
        return list(means[name])
    if f"{name}_standard_error" not in means:
        return ["" if pd.isna(error) else f"{error:.1g}" for error in means[name]]
    return _plus_minus(means[name], means[f"{name}_standard_error"], means[f"{name}_seed_spread"])


def _decimals(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.2f}"


def _p_value(p: float) -> str:
    return "" if pd.isna(p) else "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.01 else f"{p:.2f}"


def _ranges(lows: pd.Series, highs: pd.Series, style: str = "{:.1f}") -> list[str]:
    return [
        "" if pd.isna(low) else f"{style.format(low)} to {style.format(high)}"
        for low, high in zip(lows, highs, strict=True)
    ]


def _plus_minus(values: pd.Series, errors: pd.Series, spreads: pd.Series | None = None) -> list[str]:
    """Write value ± standard error, and (spread over seeds) where it is given and there is more than one."""
    spreads = pd.Series(float("nan"), values.index) if spreads is None else spreads
    return [
        "" if pd.isna(value) else f"{value:.2f} ± {error:.2f}" + (f" ({spread:.2f})" if spread >= 0 else "")
        for value, error, spread in zip(values, errors, spreads, strict=True)
    ]
