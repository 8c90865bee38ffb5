"""The main table, from metrics with known means and spreads."""

import io
import itertools
import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from mnist_vae.pages import table_pages, tables
from mnist_vae.pages.page import markdown_table

METRICS = {
    # split, metric: value at seeds 1, 2, 3
    ("train", "neg_elbo"): (150.0, 151.0, 152.0),
    ("train", "kl"): (7.0, 7.0, 7.0),
    ("train", "reconstruction"): (143.0, 144.0, 145.0),
    ("train", "neg_elbo_draw_spread"): (0.1, 0.1, 0.1),
    ("test", "neg_elbo"): (180.0, 181.0, 185.0),
    ("test", "kl"): (8.0, 9.0, 10.0),
    ("test", "reconstruction"): (172.0, 172.0, 175.0),
    ("test", "neg_elbo_draw_spread"): (0.2, 0.2, 0.2),
    ("test_first_100", "neg_elbo"): (178.0, 181.0, 184.0),
    ("test_first_100", "kl"): (8.0, 8.0, 8.0),
    ("test_first_100", "reconstruction"): (170.0, 173.0, 176.0),
    ("test_first_100", "neg_elbo_draw_spread"): (3.0, 4.0, 5.0),
}
SEED_SPREAD = 3.0  # of 178, 181, 184


def metrics(sizes=(1_000,), seeds=(1, 2, 3), recipe="reference", shift=0.0):
    rows = []
    for n, seed in itertools.product(sizes, seeds):
        for (split, metric), values in METRICS.items():
            error = None if metric.endswith("spread") else 0.5 * seed
            value = values[seed - 1] + (shift if metric == "neg_elbo" else 0)
            rows.append((recipe, n, seed, split, metric, value, error))
    columns = ["recipe", "n", "seed", "split", "metric", "value", "standard_error"]
    return pd.DataFrame(rows, columns=columns)


def summary(table):
    (row,) = table[table.seed == "mean"].itertuples()
    return row


def test_gather_stacks_and_sorts(tmp_path):
    both = metrics(sizes=(10_000, 1_000))
    paths = []
    for i, (_, model) in enumerate(both.groupby(["n", "seed"], sort=False)):
        paths.append(tmp_path / f"{i}.csv")
        model.to_csv(paths[-1], index=False)
    found = tables.gather(paths[::-1])
    assert list(found.columns) == list(both.columns)
    assert len(found) == len(both)
    assert found.groupby(["recipe", "n", "seed"], sort=False).ngroups == 6
    assert list(found.n.unique()) == [1_000, 10_000]
    pd.testing.assert_frame_equal(
        found.set_index(["n", "seed", "split", "metric"]).sort_index(),
        both.set_index(["n", "seed", "split", "metric"]).sort_index(),
    )


def test_a_row_a_seed_then_its_summary():
    table = tables.elbo_table(metrics(sizes=(1_000, 10_000)), "mnist")
    assert table.seed.tolist() == [1, 2, 3, "mean"] * 2
    assert table.n.tolist() == [1_000] * 4 + [10_000] * 4
    second = table.iloc[1]
    assert (second.test_neg_elbo, second.test_kl, second.test_reconstruction) == (181, 9, 172)
    assert (second.train_neg_elbo, second.first_100_neg_elbo, second.first_100_draw_spread) == (151, 181, 4)
    assert second.test_standard_error == 1.0


def test_means_and_spreads():
    row = summary(tables.elbo_table(metrics(), "mnist"))
    assert row.test_neg_elbo == pytest.approx(182)
    assert row.test_seed_spread == pytest.approx(math.sqrt((4 + 1 + 9) / 2))  # a sample's, n - 1
    assert row.test_standard_error == pytest.approx(1.0)
    assert row.test_kl == pytest.approx(9)
    assert row.test_reconstruction == pytest.approx(173)
    assert row.train_neg_elbo == pytest.approx(151)
    assert row.first_100_neg_elbo == pytest.approx(181)
    assert row.first_100_seed_spread == pytest.approx(SEED_SPREAD)
    assert row.first_100_draw_spread == pytest.approx(4)
    assert row.reference == 181.087


def test_recipes_and_sizes_do_not_mix():
    both = pd.concat([metrics(), metrics(recipe="strong", shift=-10.0)])
    table = tables.elbo_table(both, "mnist")
    means = table[table.seed == "mean"].set_index("recipe").test_neg_elbo
    assert means.to_dict() == pytest.approx({"reference": 182, "strong": 172})


def test_the_reference_is_of_mnist_and_of_its_sizes():
    row = tables.elbo_table(metrics(sizes=(1_000, 4_000, 10_000)), "mnist")
    assert row[row.seed == "mean"].reference.fillna(0).tolist() == [181.087, 0, 152.194]
    assert "reference" not in tables.elbo_table(metrics(), "mnist5k")


@pytest.mark.parametrize("share", [-1.5, -1.01, -0.99, 0.0, 0.99, 1.01, 1.5])
def test_reference_is_compared_by_prediction_interval_and_p_value(share):
    """From three seeds whose bounds have a spread of 3 and whose draws have one of 4."""
    spread = math.hypot(3 * math.sqrt(1 + 1 / 3), 4)
    reach = scipy.stats.t.ppf(0.975, 3 - 1) * spread
    mean = 181.087 + share * reach
    table = tables.elbo_table(metrics(shift=mean - 181), "mnist")
    row = summary(table)
    assert (row.predicted_low, row.predicted_high) == pytest.approx((mean - reach, mean + reach))
    p = 2 * scipy.stats.t.sf(abs(share) * reach / spread, 2)
    assert row.reference_p_value == pytest.approx(p)
    assert table[table.seed != "mean"].reference_p_value.isna().all()
    (sentence,) = table_pages.agreement(table)
    assert "n = 1,000" in sentence
    assert "181.087" in sentence
    assert f"{mean:.2f} on average" in sentence
    assert f"3 seeds predict {mean - reach:.1f} to {mean + reach:.1f}" in sentence
    assert f"(p = {p:.2f})" in sentence
    assert ("figure contradicts" in sentence) == (abs(share) > 1)
    assert ("does not contradict" in sentence) == (abs(share) < 1)
    assert "agree" not in sentence
    assert f"On all test images the figure here is {mean + 1:.2f}" in sentence


def test_a_sentence_for_each_size_of_the_reference():
    table = tables.elbo_table(metrics(sizes=(1_000, 4_000, 10_000)), "mnist")
    first, second = table_pages.agreement(table)
    assert "n = 1,000" in first
    assert "n = 10,000" in second
    assert "figure contradicts" in second  # 181 is not 152.194, whatever the spread


def test_one_seed_claims_nothing():
    table = tables.elbo_table(metrics(seeds=(2,)), "mnist")
    assert table.filter(like="predicted").isna().all(axis=None)
    (sentence,) = table_pages.agreement(table)
    assert "181.087" in sentence
    assert "one seed, which cannot say" in sentence
    assert "contradict" not in sentence


def test_other_recipes_are_not_compared():
    table = tables.elbo_table(metrics(recipe="strong"), "mnist")
    assert table_pages.agreement(table) == []
    assert table.reference_p_value.isna().all()
    assert "No run has the reference's recipe" in table_pages.elbo_markdown(table, "mnist")


def test_mnist5k_has_no_reference():
    (sentence,) = table_pages.agreement(tables.elbo_table(metrics(), "mnist5k"))
    assert "are for MNIST" in sentence


@pytest.mark.parametrize("dataset", ["mnist", "mnist5k"])
@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)])
def test_page(dataset, seeds):
    table = tables.elbo_table(metrics(sizes=(1_000, 10_000), seeds=seeds), dataset)
    page = table_pages.elbo_markdown(table, dataset)
    assert page.startswith(f"# -ELBO on {dataset}\n")
    assert page.endswith("\n")
    assert "nan" not in page
    for sentence in table_pages.agreement(table):
        assert sentence in page.splitlines() or f"- {sentence}" in page.splitlines()
    first = next(line for line in page.splitlines() if " 1,000 |" in line)
    assert ("182.00 ± 1.00" if len(seeds) == 3 else "180.00 ± 0.50") in first
    assert ("181.087 |" in page) == (dataset == "mnist")
    every_seed = [line for line in page.split("## Every seed")[1].splitlines() if "| reference" in line]
    assert len(every_seed) == 2 * len(seeds)


def test_csv_keeps_every_digit():
    table = tables.elbo_table(metrics(shift=1 / 3), "mnist")
    again = pd.read_csv(io.StringIO(table.to_csv(index=False)))
    assert again.test_neg_elbo.tolist() == table.test_neg_elbo.tolist()


def gap_metrics():
    """Two seeds, whose amortization gaps are 2 and 4 nats."""
    rows = []
    for seed in (1, 2):
        for split, metric in tables.GAPS_COLUMNS:
            value = 2.0 * seed if metric == "amortization_gap" else 100.0
            rows.append(("reference", 1_000, seed, split, metric, value, 0.5 * seed))
        rows.append(("reference", 1_000, seed, "test_subset", "images", 70, None))
    columns = ["recipe", "n", "seed", "split", "metric", "value", "standard_error"]
    return pd.DataFrame(rows, columns=columns)


def test_gaps_table_has_a_row_a_seed_then_their_mean():
    table = tables.gaps_table(gap_metrics())
    assert table.seed.tolist() == [1, 2, "mean"]
    assert table.images.tolist() == [70] * 3
    assert table.amortization_gap.tolist() == [2, 4, 3]
    assert table.amortization_gap_standard_error.tolist() == [0.5, 1, 0.75]
    assert table.amortization_gap_seed_spread.tolist()[-1] == pytest.approx(2**0.5)
    page = table_pages.gaps_markdown(table, NO_STRETCH, "mnist")
    assert "3.00 ± 0.75 (1.41)" in page  # the spread over seeds in brackets
    one_seed = tables.gaps_table(gap_metrics().query("seed == 1"))
    page = table_pages.gaps_markdown(one_seed, NO_STRETCH, "mnist")
    assert "2.00 ± 0.50 " in page
    assert "2.00 ± 0.50 (" not in page
    assert "the first 70 test images" in page
    assert "mode of the posterior in which the fit ends" in page


def test_largest_error_over_images_is_the_largest_over_seeds():
    both = gap_metrics()
    chosen = (both.split == "test") & (both.metric == "largest_error")
    both.loc[chosen, "value"] = [2e-4, 9e-4]
    both.loc[chosen, "standard_error"] = None
    table = tables.gaps_table(both)
    assert table.full_test_largest_error.tolist() == [2e-4, 9e-4, 9e-4]
    assert not [name for name in table if "largest_error_" in name]
    assert " 0.0009 |" in table_pages.gaps_markdown(table, NO_STRETCH, "mnist")


def test_unseen_training_images_less_seen_ones():
    both = gap_metrics()
    both.loc[both.split == "unseen_subset", "value"] = [103.0, 105.0]
    table = tables.gaps_table(both)
    assert table.unseen_less_seen.tolist() == [3, 5, 4]
    assert table.unseen_less_seen_standard_error.tolist()[:2] == pytest.approx([0.5**0.5, 2**0.5])
    of_one_image = tables.gaps_table(both[both.split != "train_subset"])  # too few for a standard error
    assert "unseen_less_seen" not in of_one_image
    assert "| seen" not in table_pages.gaps_markdown(of_one_image, NO_STRETCH, "mnist")


@pytest.mark.parametrize(
    ("split", "metric", "title"),
    [
        ("unseen_subset", "neg_log_px", "unseen - seen"),
        ("test", "neg_log_p_bottom", "bottom alone"),
        ("test", "largest_error", "largest error"),
    ],
)
def test_column_appears_with_its_metric(split, metric, title):
    both = gap_metrics()
    without = both[(both.split != split) | (both.metric != metric)]
    pages = [
        table_pages.gaps_markdown(tables.gaps_table(some), NO_STRETCH, "mnist") for some in (both, without)
    ]
    assert [f" {title} " in page for page in pages] == [True, False]


def both_recipes(strong=(170.0, 171.0, 175.0), sizes=(1_000,)):
    reference, other = metrics(sizes=sizes), metrics(sizes=sizes, recipe="strong")
    chosen = (other.split == "test") & (other.metric == "neg_elbo")
    other.loc[chosen, "value"] = np.tile(strong, len(sizes))
    return pd.concat([reference, other[~chosen | other.value.notna()]])


def test_differences_between_recipes_are_welchs():
    (row,) = tables.differences_table(both_recipes()).itertuples()
    assert (row.metric, row.n, row.recipe, row.baseline) == ("neg_elbo", 1_000, "strong", "reference")
    assert (row.seeds, row.baseline_seeds) == (3, 3)
    assert row.difference == pytest.approx(172 - 182)
    # By the formula: both have variance 7, so 4 degrees of freedom.
    error = math.sqrt(7 / 3 + 7 / 3)
    reach = scipy.stats.t.ppf(0.975, 4) * error
    assert (row.low, row.high) == pytest.approx((-10 - reach, -10 + reach))
    assert row.p_value == pytest.approx(2 * scipy.stats.t.sf(10 / error, 4))
    page = table_pages.differences_markdown(tables.differences_table(both_recipes()), "mnist")
    assert "strong - reference" in page
    assert f"{-10 - reach:+.1f} to {-10 + reach:+.1f}" in page


def test_differences_need_two_seeds_for_an_interval_and_the_same_n():
    one_seed = both_recipes(strong=(170.0, np.nan, np.nan))
    (row,) = tables.differences_table(one_seed).itertuples()
    assert row.difference == pytest.approx(170 - 182)
    assert pd.isna([row.low, row.high, row.p_value]).all()
    assert "nan" not in table_pages.differences_markdown(tables.differences_table(one_seed), "mnist").lower()
    apart = pd.concat([metrics(sizes=(1_000,)), metrics(sizes=(10_000,), recipe="strong")])
    assert tables.differences_table(apart).empty
    assert "No two recipes" in table_pages.differences_markdown(tables.differences_table(apart), "mnist")


def epochs(elbo_changes, kl_changes, errors=0.1):
    """One training run, measured at 5, 10, 20, ... on test images."""
    return pd.DataFrame(
        {
            "recipe": "reference", "n": 1_000, "seed": 1, "split": "test", "images": 500,
            "epoch": [5, 10, 20, 30][: len(elbo_changes)],
            "elbo_change": elbo_changes, "elbo_change_standard_error": errors,
            "kl_change": kl_changes, "kl_change_standard_error": errors,
            "log_px_change": [e + k for e, k in zip(elbo_changes, kl_changes, strict=True)],
            "log_px_change_standard_error": errors,
        }
    )  # fmt: skip


NO_STRETCH = tables.stretches(epochs([float("nan")], [float("nan")]))
NAN = float("nan")


def test_a_stretch_shows_both_rising_only_beyond_chance():
    found = tables.stretches(epochs([NAN, 3.0, 2.0, 1.0], [NAN, -1.0, 0.15, 0.3]))
    assert found[["from_epoch", "to_epoch"]].to_numpy().tolist() == [[5, 10], [10, 20], [20, 30]]
    assert found.both_rose.tolist() == [False, False, True]  # 0.15 is within 2 errors


def test_quoted_stretch_is_fixed_by_rule_whatever_it_shows():
    """The last one of the reference recipe at its largest n, on test images."""
    many = pd.concat(
        [
            epochs([NAN, 3.0, 1.0], [NAN, 9.0, 0.3]).assign(n=10_000, split="train"),
            epochs([NAN, 3.0, 1.0], [NAN, 9.0, 0.3]).assign(n=10_000),
            epochs([NAN, 9.0, 9.0], [NAN, 9.0, 9.0]),
            epochs([NAN, 9.0, 9.0], [NAN, 9.0, 9.0]).assign(n=60_000, recipe="strong"),
        ]
    )
    (row,) = tables.quoted_stretch(tables.stretches(many)).itertuples()
    assert (row.recipe, row.n, row.split) == ("reference", 10_000, "test")
    assert (row.from_epoch, row.to_epoch, row.kl_change) == (10, 20, 0.3)


def test_third_question_is_answered_with_images_and_errors():
    found = tables.stretches(epochs([NAN, 3.0, 2.0, 1.0], [NAN, -1.0, 0.15, 0.3]))
    sentence = table_pages.third_question_answer(found)
    for words in ("Not necessarily", "epoch 20 to 30", "500 test images", "+1.00 ± 0.10", "+0.30 ± 0.10",
                  "+1.30 ± 0.10", "Both rose", "Of all 3 stretches", "1 show both"):  # fmt: skip
        assert words in sentence


def test_third_question_without_an_example_claims_none():
    sentence = table_pages.third_question_answer(tables.stretches(epochs([NAN, 3.0], [NAN, -1.0])))
    assert "did not both rise" in sentence
    assert "0 show both" in sentence
    assert "No stretch of training was measured" in table_pages.third_question_answer(NO_STRETCH)


def test_numbers_are_aligned_to_the_right():
    table = pd.DataFrame(
        {
            "recipe": ["strong", "1"],
            "n": ["1,000", "10,000"],
            "nats": ["-24.87 ± 0.1", "+5"],
            "interval": ["-26.7 to -23.1", ""],
            "p": ["< 0.001", "0.04"],
            "seeds": ["3 and 5", "1"],
        }
    )
    rule = markdown_table(table).splitlines()[1]
    assert [cell.endswith(":") for cell in rule.strip("|").split("|")] == [False, *[True] * 5]
