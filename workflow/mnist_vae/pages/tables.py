"""From the models' numbers to the study's tables, as data frames. All log-densities are in nats per image.

To show a metric that `evaluate` stores, add a line to a table here, and a line to its page in table_pages.
A column whose metric no model has is left out.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from mnist_vae.errors import InputError
from mnist_vae.files.storage import read_table

# What the reference printed as its final loss, by training-set size: one draw of z for each of the first 100
# test images of mnist (docs/model.md, part 2).
REFERENCE_NEG_ELBO = {1_000: 181.087, 10_000: 152.194}
REFERENCE_DATASET, REFERENCE_RECIPE = "mnist", "reference"
COVERAGE = 0.95  # coverage of every interval

ELBO_COLUMNS = {
    ("test", "neg_elbo"): "test_neg_elbo",
    ("test", "kl"): "test_kl",
    ("test", "reconstruction"): "test_reconstruction",
    ("train", "neg_elbo"): "train_neg_elbo",
    ("test_first_100", "neg_elbo"): "first_100_neg_elbo",
    ("test_first_100", "neg_elbo_draw_spread"): "first_100_draw_spread",
}
# Bounds and exact log-densities. Those of one subset are on the same images and can be compared.
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
    ("unseen_subset", "neg_log_px"): "unseen_neg_log_px",
    ("test", "neg_log_px"): "full_test_neg_log_px",
    ("test", "neg_log_p_bottom"): "full_test_neg_log_p_bottom",
    ("test", "neg_log_p_bottom_given_top"): "full_test_neg_log_p_bottom_given_top",
    ("test", "neg_log_p_bottom_independent_pixels"): "full_test_neg_log_p_bottom_independent_pixels",
    ("test_subset", "neg_log_px_error"): "neg_log_px_error",
    ("test_subset", "effective_sample_size"): "effective_sample_size",
    ("test_subset", "largest_error"): "largest_error",
    ("test", "largest_error"): "full_test_largest_error",
}
# Metrics in which recipes are compared.
COMPARED = [("test", "neg_elbo"), ("test", "neg_log_px"), ("test", "neg_log_p_bottom_given_top")]
RISE = 2.0  # standard errors above which a change counts as a rise
MODEL = ["recipe", "n", "seed"]
METRICS = [*MODEL, "split", "metric", "value", "standard_error"]  # columns of what `evaluate` stores
CHANGES = [f"{name}_change{error}" for name in ("elbo", "kl", "log_px") for error in ("", "_standard_error")]
EPOCHS = [*MODEL, "split", "images", "epoch", *CHANGES]  # columns of the table that `measure_epochs` stores
STRETCHES = [*MODEL, "split", "images", "from_epoch", "to_epoch", *CHANGES, "both_rose"]


def gather(paths: Sequence[str | Path], metric: str = "neg_elbo") -> pd.DataFrame:
    """Stack the models' metrics into one tidy table, one row per number.

    Raises InputError for a file that is not a table of metrics, or lacks this metric.
    """
    found = [read_table(path, METRICS) for path in paths]
    for path, metrics in zip(paths, found, strict=True):
        if metric not in set(metrics.metric):
            raise InputError(f"{path} has no metric {metric}: not the table asked for")
    return _by_model(found)


def gather_epochs(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Stack what `measure_epochs` found of each model. Raises InputError for a file of another kind."""
    return _by_model([read_table(path, EPOCHS) for path in paths])


def _by_model(found: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(found, ignore_index=True).sort_values(MODEL, kind="stable", ignore_index=True)


def elbo_table(metrics: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """One row per seed, and after each (recipe, n) its summary, whose seed is "mean".

    test_standard_error is over the test images; all seeds share these, so the summary's is the seeds' mean.
    The summary's *_seed_spread are standard deviations over seeds. first_100_draw_spread is the standard
    deviation of a figure that uses one draw of z per image, as the reference's does. On mnist, `reference` is
    what the reference printed, and the columns after it are `prediction`'s.
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
        of_recipe = summary.index.get_level_values("recipe") == REFERENCE_RECIPE
        predicted = prediction(summary, by_size.size()).where(of_recipe & summary.reference.notna())
        summary = summary.join(predicted)

    rows = pd.concat([seeds.reset_index(), summary.reset_index().assign(seed="mean")])
    columns = [*MODEL, *summary.columns]
    return rows.sort_values(["recipe", "n"], kind="stable", ignore_index=True)[columns]


def prediction(summary: pd.DataFrame, seeds: pd.Series) -> pd.DataFrame:
    """What the seeds predict for one more training run and one draw of z on the first 100 test images.

    The interval is Student's t over the seeds, the draw's variance added; reference_p_value is the two-sided
    probability, under that distribution, of a figure at least as far from the mean as the reference's. Empty
    where there is one seed.
    """
    spread = np.hypot(summary.first_100_seed_spread * np.sqrt(1 + 1 / seeds), summary.first_100_draw_spread)
    freedom = (seeds - 1).where(seeds > 1)
    reach = stdtrit(freedom, (1 + COVERAGE) / 2) * spread
    distance = np.abs(summary.reference - summary.first_100_neg_elbo) / spread
    return pd.DataFrame(
        {
            "predicted_low": summary.first_100_neg_elbo - reach,
            "predicted_high": summary.first_100_neg_elbo + reach,
            "reference_p_value": 2 * stdtr(freedom, -distance),
        }
    )


def gaps_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per seed, and after each (recipe, n) the seeds' mean, whose seed is "mean".

    The standard errors are over images, which all seeds share, so the mean row's are the seeds' means. The
    mean row's *_seed_spread are standard deviations over seeds. Columns without a prefix are on the first
    `images` test images, on which log p(x) is `exact`, a sum, or an `estimate` by draws, from three latent
    dimensions on; neg_log_px_error is then an image's standard error, on average. unseen_less_seen is
    -log p(x) of training images that the run did not use, less that of the images it used. largest_error is
    the largest estimated error of log p(x) over images; the mean row holds the largest over seeds.
    """
    indexed = metrics.set_index([*MODEL, "split", "metric"])
    wide = indexed[["value", "standard_error"]].unstack(["split", "metric"])
    columns = {"images": wide["value", "test_subset", "images"].astype(int)}
    columns["log_px"] = how_known(wide["value"])
    names = [name for place, name in GAPS_COLUMNS.items() if ("value", *place) in wide]
    for (split, metric), name in GAPS_COLUMNS.items():
        if name in names:
            columns[name] = wide["value", split, metric]
            columns[f"{name}_standard_error"] = wide["standard_error", split, metric]
    seeds = pd.DataFrame(columns)
    if {"unseen_neg_log_px", "train_neg_log_px"} <= set(names):
        names.append("unseen_less_seen")
        seeds["unseen_less_seen"] = seeds.unseen_neg_log_px - seeds.train_neg_log_px
        seeds["unseen_less_seen_standard_error"] = np.hypot(
            seeds.unseen_neg_log_px_standard_error, seeds.train_neg_log_px_standard_error
        )
    by_size = seeds.groupby(level=["recipe", "n"])
    summary = by_size.mean(numeric_only=True).astype({"images": int})
    summary.insert(1, "log_px", by_size["log_px"].first())
    for name in names:
        if name.endswith("largest_error"):
            summary[name] = by_size[name].max()
            continue
        after = summary.columns.get_loc(f"{name}_standard_error") + 1
        summary.insert(after, f"{name}_seed_spread", by_size[name].std())
    rows = pd.concat([seeds.reset_index(), summary.reset_index().assign(seed="mean")])
    rows = rows.sort_values(["recipe", "n"], kind="stable", ignore_index=True)[[*MODEL, *summary.columns]]
    return rows.drop(columns=[f"{name}_standard_error" for name in names if name.endswith("largest_error")])


def how_known(wide: pd.DataFrame) -> pd.Series:
    """Whether each model's log p(x) is "exact" or an "estimate", which alone has an effective sample size."""
    place = ("test_subset", "effective_sample_size")
    estimated = wide[place].notna() if place in wide else pd.Series(False, wide.index)
    return estimated.map({True: "estimate", False: "exact"})


def differences_table(metrics: pd.DataFrame) -> pd.DataFrame:
    """Differences between recipes at the same n, one row per metric of COMPARED and pair of recipes.

    `difference` is the mean over the seeds of `recipe` less that of `baseline`; low, high and p_value are
    Welch's t over the seeds, which is about training runs: the test images are the same. Empty where a recipe
    has one seed.
    """
    from scipy.stats import ttest_ind  # its import takes half a second, and only this function needs it

    recipes = [REFERENCE_RECIPE, *sorted(set(metrics.recipe) - {REFERENCE_RECIPE})]
    rows = []
    for (split, metric), n in itertools.product(COMPARED, sorted(metrics.n.unique())):
        chosen = metrics[(metrics.split == split) & (metrics.metric == metric) & (metrics.n == n)]
        values = {recipe: chosen.value[chosen.recipe == recipe].dropna() for recipe in recipes}
        for baseline, recipe in itertools.combinations(recipes, 2):
            one, other = values[recipe], values[baseline]
            if min(len(one), len(other)) == 0:
                continue
            row = {"split": split, "metric": metric, "n": n, "recipe": recipe, "baseline": baseline}
            row |= {"difference": one.mean() - other.mean(), "low": None, "high": None, "p_value": None}
            if min(len(one), len(other)) > 1:
                test = ttest_ind(one, other, equal_var=False)
                low, high = test.confidence_interval(COVERAGE)
                row |= {"low": low, "high": high, "p_value": test.pvalue}
            rows.append(row | {"seeds": len(one), "baseline_seeds": len(other)})
    columns = ["split", "metric", "n", "recipe", "baseline", "difference", "low", "high", "p_value"]
    return pd.DataFrame(rows, columns=[*columns, "seeds", "baseline_seeds"])


def stretches(epochs: pd.DataFrame) -> pd.DataFrame:
    """Every stretch of training between two snapshots: how ELBO, KL(q || p(z|x)) and log p(x) changed.

    Changes are paired over the same images. both_rose says whether ELBO and KL rose, each by more than RISE
    standard errors; ELBO = log p(x) - KL, so log p(x) then rose by the sum of the two.
    """
    before = epochs.groupby([*MODEL, "split"])["epoch"].shift()
    found = epochs.assign(from_epoch=before.astype("Int64"), to_epoch=epochs.epoch)[before.notna()]
    rose = np.logical_and.reduce(
        [found[f"{name}_change"] > RISE * found[f"{name}_change_standard_error"] for name in ("elbo", "kl")]
    )
    return found.assign(both_rose=rose)[STRETCHES].reset_index(drop=True)


def quoted_stretch(found: pd.DataFrame) -> pd.DataFrame:
    """The row of `stretches` that is quoted, or none.

    It is fixed by a rule, not by what it shows: the reference recipe, its largest n, on test images, from the
    last snapshot but one to the last.
    """
    chosen = found[(found.recipe == REFERENCE_RECIPE) & (found.split == "test")]
    chosen = chosen[chosen.n == chosen.n.max()]
    return chosen[chosen.to_epoch == chosen.to_epoch.max()].head(1)
