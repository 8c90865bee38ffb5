"""A study's files, the sources of each figure, and notices before a run."""

import json
from pathlib import Path

import pytest

from mnist_vae.errors import InputError
from mnist_vae.figures.table import FIGURES, STUDY_FIGURES, Source
from mnist_vae.plan.results import Results
from unit.plan.test_study import DEFAULT, SHAPES, study_of

RESULTS = Results(DEFAULT)
LEFT_OUT = {"explorer", "latent_scatter", "latent_manifold", "top_half_posterior"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """What this checkout has computed does not matter: `notices` reads results/ in the current folder."""
    monkeypatch.chdir(tmp_path)


def without_plane(recipe):
    return Results(study_of(SHAPES, f"figures: {{recipe: {recipe}}}"))


def test_every_file_is_listed_once():
    files = RESULTS.all("mnist")
    assert len(files) == len(set(files)) == 2 + 4 * 19 + 2 * 5 + 2 + 6 + 10 + 10 + 5
    assert {*RESULTS.tables("mnist"), *RESULTS.figures("mnist"), *RESULTS.pages("mnist")[:-1]} < set(files)


@pytest.mark.parametrize("figure", STUDY_FIGURES)
def test_a_figure_is_listed_after_the_files_it_is_drawn_from(figure):
    files = RESULTS.all("mnist")
    place = files.index(f"results/mnist/figures/{figure}.png")
    for file in RESULTS.drawn_from("mnist", figure):
        assert files.index(file) < place


@pytest.mark.parametrize(
    ("figure", "count", "first"),
    [
        ("completion", 1, "models/reference/n10000/seed1/top_half.safetensors"),
        ("training_curves", 19, "models/reference/n1000/seed1/history.csv"),
        ("importance_weighted_bound", 5, "models/reference/n1000/seed1/weighted_draws.csv"),
        ("inference_gap", 2, "tables/epochs.csv"),
        ("exactness", 5, "models/reference/n1000/seed1/lattices.csv"),
        ("latents", 1, "tables/latents.csv"),
        ("timings", 3, "benchmarks/ratios.csv"),
    ],
)
def test_what_figures_are_drawn_from(figure, count, first):
    files = RESULTS.drawn_from("mnist", figure)
    assert (len(files), files[0]) == (count, f"results/mnist/{first}")


def test_the_figure_of_parity_belongs_to_no_data_set():
    assert RESULTS.drawn_from("", "parity_ladder") == ["results/parity/ladder.csv"]


def test_lattices_are_compared_of_models_that_have_a_sum():
    files = without_plane("tall").drawn_from("mnist", "exactness")
    assert len(files) == 2 * 4 + 1
    assert not any("tall" in file for file in files)


@pytest.mark.parametrize(
    ("pictured", "dimensions"), [("tall", "3 latent dimensions;"), ("line", "1 latent dimension;")]
)
def test_without_a_plane_what_shows_it_is_left_out_and_said(pictured, dimensions):
    results = without_plane(pictured)
    (notice,) = results.notices("mnist")
    assert f"has {dimensions} left out" in notice
    for name in LEFT_OUT:
        assert name in notice
        assert not any(Path(file).stem == name for file in results.all("mnist"))
    assert len(results.all("mnist")) == len(Results(study_of(SHAPES)).all("mnist")) - 6
    assert results.drawn_from_if_shown("mnist", "latent_scatter") == []
    assert results.drawn_from_if_shown("mnist", "completion") != []
    with pytest.raises(
        InputError, match=f"the figure latent scatter shows a latent plane, .* {pictured} have"
    ):
        results.drawn_from("mnist", "latent_scatter")


def test_estimates_are_compared_where_a_model_has_a_sum():
    latents = ["results/mnist/tables/latents.csv", "results/mnist/figures/latents.png"]
    assert RESULTS.latents("mnist") == [*latents, "results/mnist/tables/estimates.csv"]
    assert Results(study_of("recipes: {reference: {latent: 3}}")).latents("mnist") == latents


def test_labels_name_the_pictured_model():
    labels = RESULTS.labels_of_pictured("mnist5k", "completion")
    assert labels == {"shown": "completion", "recipe": "reference", "n": "4000", "seed": "1"}


def test_figures_in_the_report_have_a_caption():
    for entry in FIGURES.values():
        assert bool(entry.category) == bool(entry.caption) == (entry.target == "figures")
        assert not entry.needs_plane or entry.source is Source.PICTURED_MODEL


# --- the configuration of results, and what differs from it -----------------------------------------------


def test_the_configuration_is_complete_and_of_the_data_set():
    found = RESULTS.configuration("mnist5k")
    assert found["recipes"]["torch_init"]["train_sizes"] == [1000]
    assert found["recipes"]["strong"]["batch_size"] == 100
    assert found["figures"]["seed"] == 1
    assert not {"dataset", "mnist_dir", "mirrors", "seeds", "train_sizes", "benchmarks"} & found.keys()


@pytest.fixture
def earlier(elsewhere):
    """Results of the default study, with their manifest."""
    manifest = Path("results/mnist/manifest.json")
    manifest.parent.mkdir(parents=True)
    content = {"dataset": "mnist", "files": [], "config": RESULTS.configuration("mnist")}
    manifest.write_text(json.dumps(content))


def test_a_run_says_what_it_replaces_and_how_to_come_back(earlier):
    (notice,) = Results(study_of("seeds: [7]")).notices("mnist")
    assert notice.startswith("results/mnist was made with other settings: figures.seed was 1 and is 7; ")
    assert "recipes.reference.seeds was [1, 2, 3, 4, 5] and is [7]" in notice
    assert "; 1 more. This run replaces its tables" in notice
    assert "To come back" in notice


@pytest.mark.parametrize("layer", ["{}", "mirrors: []", "dataset: mnist", "benchmarks: {rounds: 2}"])
def test_a_run_with_the_same_settings_says_nothing(earlier, layer):
    assert Results(study_of(layer)).notices("mnist") == []


@pytest.mark.parametrize(
    ("layer", "change"),
    [
        ("recipes: {torch_init: }", "recipes.torch_init.epochs was 100 and is not set"),
        ("recipes: {brief: {epochs: 1}}", "recipes.brief.epochs was not set and is 1"),
        ("marginal: {window: 9}", "marginal.window was 10.0 and is 9"),
        ("recipes: {strong: {epochs: {1: 9}}}", "recipes.strong.epochs.4000 was 40 and is not set"),
    ],
)
def test_changes_are_named_key_by_key(earlier, layer, change):
    assert change in Results(study_of(layer)).changes("mnist", RESULTS.configuration("mnist"))


def test_another_data_set_is_not_replaced(earlier):
    assert Results(study_of("seeds: [7]")).notices("mnist5k") == []
