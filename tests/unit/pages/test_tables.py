"""The table people read, from metrics whose every mean and spread is known beforehand."""

import io
import itertools
import math

import pandas as pd
import pytest
import scipy.stats

from mnist_vae.pages import tables

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
def test_agreement_is_a_prediction_interval(share):
    """Half its width, from three seeds whose figures spread by 3 and whose draws spread by 4."""
    reach = scipy.stats.t.ppf(0.975, 3 - 1) * math.hypot(3 * math.sqrt(1 + 1 / 3), 4)
    mean = 181.087 + share * reach
    (sentence,) = tables.agreement(tables.elbo_table(metrics(shift=mean - 181), "mnist"))
    assert "n = 1,000" in sentence
    assert "181.087" in sentence
    assert f"{mean:.2f} on average" in sentence
    assert f"3 seeds predict {mean - reach:.1f} to {mean + reach:.1f}" in sentence
    assert ("do not agree" in sentence) == (abs(share) > 1)
    assert "agree" in sentence
    assert f"On all test images the figure is {mean + 1:.2f}" in sentence


def test_a_sentence_for_each_size_of_the_reference():
    table = tables.elbo_table(metrics(sizes=(1_000, 4_000, 10_000)), "mnist")
    first, second = tables.agreement(table)
    assert "n = 1,000" in first
    assert "n = 10,000" in second
    assert "do not agree" in second  # 181 is not 152.194, whatever the spread


def test_one_seed_claims_nothing():
    (sentence,) = tables.agreement(tables.elbo_table(metrics(seeds=(2,)), "mnist"))
    assert "181.087" in sentence
    assert "one seed cannot say" in sentence
    assert "agree" not in sentence


def test_other_recipes_are_not_compared():
    assert tables.agreement(tables.elbo_table(metrics(recipe="strong"), "mnist")) == []


def test_mnist5k_has_no_reference():
    (sentence,) = tables.agreement(tables.elbo_table(metrics(), "mnist5k"))
    assert "MNIST only" in sentence


@pytest.mark.parametrize("dataset", ["mnist", "mnist5k"])
@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)])
def test_page(dataset, seeds):
    table = tables.elbo_table(metrics(sizes=(1_000, 10_000), seeds=seeds), dataset)
    page = tables.elbo_markdown(table, dataset)
    assert page.startswith(f"# -ELBO on {dataset}, in nats per image\n")
    assert page.endswith("\n")
    assert "nan" not in page
    for sentence in tables.agreement(table):
        assert f"\n- {sentence}\n" in page
    first = next(line for line in page.splitlines() if "| 1,000" in line)
    assert ("182.00 ± 1.00" if len(seeds) == 3 else "180.00 ± 0.50") in first
    assert ("181.087" in first) == (dataset == "mnist")
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
    page = tables.gaps_markdown(table, pd.DataFrame(), "mnist")
    assert "3.00 ± 0.75 (1.41)" in page  # the spread over seeds in brackets
    one_seed = tables.gaps_table(gap_metrics().query("seed == 1"))
    page = tables.gaps_markdown(one_seed, pd.DataFrame(), "mnist")
    assert "2.00 ± 0.50 " in page
    assert "2.00 ± 0.50 (" not in page
    assert "the first 70 test images" in page


def epochs(elbo_changes, kl_changes, errors=0.1):
    """One training, measured at 5, 10, 20, ... on test images."""
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


def test_third_question_is_answered_where_both_rose_beyond_chance():
    nan = float("nan")
    found = tables.both_rose(epochs([nan, 3.0, 2.0, 1.0], [nan, -1.0, 0.15, 0.3]))
    assert found[["from_epoch", "to_epoch"]].to_numpy().tolist() == [[20, 30]]  # 0.15 is within 2 errors
    sentence = tables.third_question_answer(found)
    for words in ("Not necessarily", "epochs 20 and 30", "1.00 ± 0.10", "0.30 ± 0.10", "1.30"):
        assert words in sentence
    both = tables.both_rose(epochs([nan, 3.0, 2.0, 1.0], [nan, 0.5, 0.9, 0.3]))
    assert both.kl_change.tolist() == [0.9, 0.5, 0.3]


def test_third_question_without_an_example_claims_none():
    nan = float("nan")
    found = tables.both_rose(epochs([nan, 3.0], [nan, -1.0]))
    assert found.empty
    assert "no stretch" in tables.third_question_answer(found)
