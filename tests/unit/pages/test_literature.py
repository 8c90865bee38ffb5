"""The study's numbers beside published ones."""

from pathlib import Path

import pandas as pd
import pytest

import mnist_vae
from mnist_vae.pages.literature import PUBLISHED, literature_markdown, literature_table

FIGURES = Path(mnist_vae.__file__).parents[2] / "config/published.csv"


def metrics(recipe: str, seed: int, latent: int, exact: float | None) -> pd.DataFrame:
    """`evaluate`'s table for a model with a bound of 100 + seed and a gap of 3 on the first images."""
    rows = [
        ("test", "latent", latent, None),
        ("test", "neg_elbo", 100.0 + seed, 0.5),
        ("test_subset", "images", 200, None),
        ("test_subset", "kl_to_posterior", 3.0, 0.25),
        *([("test_subset", "effective_sample_size", 900.0, 1.0)] if exact is None else []),
        *([("test", "neg_log_px", exact, 0.5)] if exact is not None else []),
    ]
    model = {"recipe": recipe, "n": 60_000, "seed": seed}
    return pd.DataFrame(
        [model | dict(zip(("split", "metric", "value", "standard_error"), row, strict=True)) for row in rows]
    )


@pytest.fixture
def table():
    drawn, thresholded = (
        {"dataset": name, "threshold": threshold, "hidden": 500}
        for name, threshold in (("mnist_sampled", None), ("mnist", 128))
    )
    models = [
        (metrics("strong", 1, 2, 90.0), thresholded),
        (metrics("strong", 2, 2, 92.0), thresholded),
        (metrics("strong_50", 1, 50, None), drawn),
    ]
    return literature_table(models, pd.read_csv(FIGURES))


def test_models_stand_beside_published_figures_by_dimension(table):
    assert table.latent.is_monotonic_increasing
    own = table[table.seen_in.isna()].set_index("latent")
    assert own.neg_log_px.to_dict() == {2: 91.0, 50: 98.0}
    assert own.seeds.to_dict() == {2: 2, 50: 1}
    assert own.estimate_error.to_dict() == {2: 0.0, 50: 0.25}
    assert own.binarization.to_dict() == {2: "threshold", 50: "drawn once, by a fixed seed"}
    assert own.estimator[2] == "exact"
    assert "first 200 images" in own.estimator[50]
    assert len(table) == 2 + len(pd.read_csv(FIGURES))


def test_page_says_of_each_published_figure_where_it_was_seen(table):
    page = literature_markdown(table)
    assert "98.00 ± 0.25" in page
    assert "nan" not in page
    for row in table[table.seen_in.notna()].itertuples():
        assert f"{row.source}: {row.seen_in}" in page
        assert f"{row.neg_log_px:.2f}" in page


def test_every_published_figure_states_its_protocol_and_source():
    published = pd.read_csv(FIGURES)
    assert list(published) == PUBLISHED
    always = [name for name in PUBLISHED if name not in ("training_images", "hidden")]
    assert published[always].notna().all(axis=None)
    assert published.neg_log_px.between(70, 250).all()
