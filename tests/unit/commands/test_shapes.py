"""Every command on models of other shapes than the reference's, and tables and figures of them together."""

import pandas as pd
import pytest
from matplotlib.image import imread
from safetensors.numpy import load_file

from mnist_vae.files.weights import load_snapshots, load_weights
from support.command_line import TRAIN, listing, run_command

pytestmark = pytest.mark.xdist_group("shapes")

SHAPES = {"small": "--hidden 64", "tall": "--latent 3", "line": "--latent 1", "beta4": "--beta 4"}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory, small_digits):
    """A folder of one data set's models, one recipe per shape, with the output of every command for each."""
    folder = tmp_path_factory.mktemp("shapes") / "mnist5k"
    digits, space = small_digits.binarized, "--window 20 --tolerance 0.01"
    for recipe, shape in SHAPES.items():
        model = folder / "models" / recipe / f"n{TRAIN}" / "seed1"
        weights = model / "weights.safetensors"
        for words in (
            f"train {digits} {small_digits.grey} {weights} {model}/history.csv {model}/snapshots.safetensors"
            f" --snapshot-epochs 1 --recipe {recipe} --n {TRAIN} --seed 1 --epochs 2 --batch-size 50 "
            f"--learning-rate 0.002 {shape}",
            f"evaluate {digits} {weights} {model}/metrics.csv --draws 2 --first-100-draws 2 --images 5 "
            f"{space}",
            f"measure_epochs {digits} {model}/snapshots.safetensors {model}/epochs.csv "
            f"--images 5 --test-images 5 {space}",
            *(
                f"compare_{what} {digits} {weights} {model}/{what}.csv --images 5 {space}"
                for what in ("estimate", "lattices")
                if recipe != "tall"
            ),
            f"weigh_draws {digits} {weights} {model}/weighted_draws.csv --images 3 --draws 1 4 {space}",
            f"encode {digits} {weights} {model}/latents.safetensors",
            f"sample_prior {weights} {model}/prior_samples.safetensors --draws 3",
            f"interpolate {digits} {weights} {model}/interpolation.safetensors --images 14 119 98",
            f"reconstruct {digits} {weights} {model}/reconstructions.safetensors",
            f"fit_top_half {digits} {weights} {model}/fit.safetensors --images 0 3 --starts 2 --draws 5 "
            "--steps 20 --learning-rate 0.05",
            f"complete_top_half {weights} {model}/fit.safetensors {model}/top_half.safetensors "
            f"--completions 2 {space}",
        ):
            assert run_command(words) == 0, words
    return folder


@pytest.fixture(scope="module")
def tables(shapes):
    """The study's tables of all shapes together, and that over the latent dimension."""
    folder = shapes / "tables"
    metrics, epochs = (
        " ".join(map(str, sorted(shapes.glob(f"models/**/{name}.csv")))) for name in ("metrics", "epochs")
    )
    files = {name: folder / f"{name}.csv" for name in ("metrics", "elbo", "gaps", "differences", "epochs")}
    files |= {f"{name}_md": folder / f"{name}.md" for name in ("elbo", "gaps", "differences")}
    comparisons = " ".join(map(str, sorted(shapes.glob("models/**/estimate.csv"))))
    for words in (
        f"tabulate {metrics} --epochs {epochs} --metrics {files['metrics']} --elbo {files['elbo']} "
        f"--elbo-markdown {files['elbo_md']} --gaps {files['gaps']} --gaps-markdown {files['gaps_md']} "
        f"--differences {files['differences']} --differences-markdown {files['differences_md']} "
        f"--all-epochs {files['epochs']} --third-question {folder}/third.csv",
        f"tabulate_estimates {comparisons} --table {folder}/estimates.csv --markdown {folder}/estimates.md",
        f"tabulate_latents {metrics} --table {folder}/latents.csv --markdown {folder}/latents.md",
    ):
        assert run_command(f"{words} --dataset mnist5k") == 0, words
    return folder


@pytest.mark.parametrize(("recipe", "hidden", "latent"), [("small", 64, 2), ("tall", 500, 3)])
def test_the_sizes_asked_for_are_trained_and_kept(shapes, recipe, hidden, latent):
    model = shapes / "models" / recipe / f"n{TRAIN}" / "seed1"
    snapshots = dict(load_snapshots(model / "snapshots.safetensors")).values()
    for vae in (load_weights(model / "weights.safetensors"), *snapshots):
        assert (vae.hidden, vae.latent) == (hidden, latent)
    latents, samples, fit = (
        load_file(model / f"{name}.safetensors") for name in ("latents", "prior_samples", "fit")
    )
    assert latents["mean"].shape == latents["log_std"].shape == (TRAIN, latent)
    assert samples["z"].shape == (3, latent)
    assert fit["mean"].shape == (3, latent)  # two test images and a training image


def test_a_latent_plane_needs_two_dimensions(shapes, tmp_path, capsys):
    model = shapes / "models" / "tall" / f"n{TRAIN}" / "seed1"
    files = f"{model}/weights.safetensors {model}/latents.safetensors"
    assert run_command(f"decode_manifold {files} {tmp_path}/manifold --size 3") == 1
    assert "has 3 latent dimensions; a grid of the latent plane needs 2" in capsys.readouterr().err
    assert listing(tmp_path) == []


def test_tables_say_which_log_px_is_exact(tables):
    gaps = pd.read_csv(tables / "gaps.csv").query("seed == 'mean'").set_index("recipe")
    known = {"small": "exact", "tall": "estimate", "line": "exact", "beta4": "exact"}
    assert gaps.log_px.to_dict() == known
    assert gaps.effective_sample_size.notna().to_dict() == {name: name == "tall" for name in SHAPES}
    # The estimate's own, which few effective draws make large; not the ELBO's, which may be larger.
    assert gaps.neg_log_px_error["tall"] < 3 / gaps.effective_sample_size["tall"] ** 0.5
    flagged = pd.read_csv(tables / "metrics.csv").query(
        "metric == 'flagged_images' and split == 'test_subset'"
    )
    assert flagged.recipe.tolist() == ["tall"]
    assert flagged.value.between(0, 5).all()
    page = (tables / "gaps.md").read_text()
    assert "| estimate" in page
    assert "nan" not in page


def test_latents_table_is_by_dimension(tables):
    table = pd.read_csv(tables / "latents.csv")
    assert list(table.latent) == [1, 2, 2, 3]
    assert table.set_index("recipe").log_px["tall"] == "estimate"
    assert (table.active_units <= table.latent).all()
    assert (table.neg_elbo > 0).all()
    assert "nan" not in (tables / "latents.md").read_text()


def test_log_px_of_all_test_images_is_the_sum_or_the_bound_less_the_mean_gap(tables):
    metrics = pd.read_csv(tables / "metrics.csv").set_index(["recipe", "split", "metric"])
    table = pd.read_csv(tables / "latents.csv").set_index("recipe")
    assert table.neg_log_px["line"] == metrics.value["line", "test", "neg_log_px"]
    bound, gap = (
        metrics.loc["tall", split, name]
        for split, name in (("test", "neg_elbo"), ("test_subset", "kl_to_posterior"))
    )
    assert table.neg_log_px["tall"] == pytest.approx(bound.value - gap.value)
    assert table.neg_log_px_estimate_error["tall"] == gap.standard_error
    assert table.neg_log_px_estimate_error.drop("tall").isna().all()


def test_estimates_are_compared_where_there_is_a_sum(tables):
    table = pd.read_csv(tables / "estimates.csv").set_index("recipe")
    assert table.latent.to_dict() == {"beta4": 2, "line": 1, "small": 2}
    assert (table.images == 5).all()
    assert (table.mean_difference.abs() < 4 * table.mean_difference_standard_error + 0.01).all()
    assert (table.largest_in_errors < 4).all()
    assert (table.images_beyond_4_errors == 0).all()
    assert "beta4, n = 200, seed 1" in (tables / "estimates.md").read_text()


def test_lattices_come_nearer_to_the_sum_as_they_get_finer(shapes):
    """The error falls below the tolerance, unless a briefly trained model has codes beyond the lattice."""
    for recipe in set(SHAPES) - {"tall"}:
        (path,) = shapes.glob(f"models/{recipe}/*/seed1/lattices.csv")
        table = pd.read_csv(path)
        assert list(table.spacing) == [0.64, 0.32, 0.16, 0.08, 0.04]
        assert (table.images == 5).all()
        assert (table.points == table.points[0]).sum() == 1
        assert table.largest_difference.iloc[-1] <= table.largest_difference.iloc[0] + 0.01  # the tolerance
        assert table.largest_difference.iloc[-2:].diff().abs().max() < 0.01  # what is left, no spacing mends
        assert (table.mean_absolute_difference <= table.largest_difference).all()
        assert (table.mean_absolute_difference >= table.largest_difference / 5).all()  # of 5 images


@pytest.mark.parametrize("command", ["compare_estimate", "compare_lattices"])
def test_there_is_no_sum_to_compare_with_beyond_two_dimensions(
    shapes, small_digits, tmp_path, capsys, command
):
    weights = next((shapes / "models/tall").glob("*/seed1")) / "weights.safetensors"
    words = f"{command} {small_digits.binarized} {weights} {tmp_path}/none --images 5 --window 20"
    assert run_command(f"{words} --tolerance 0.01") != 0
    assert "3 latent dimensions; only in 1 or 2" in capsys.readouterr().err


@pytest.mark.parametrize("recipe", SHAPES)
def test_what_shows_no_plane_is_drawn(shapes, tables, recipe):
    model = next((shapes / "models" / recipe).glob("*/seed1"))
    stored = load_file(model / "top_half.safetensors")
    assert ("weighted_completion" in stored) == (recipe == "tall")
    assert ("log_joint" in stored) == (recipe not in ("tall", "line"))
    for figure, source in (
        ("prior_samples", "prior_samples"),
        ("reconstructions", "reconstructions"),
        ("interpolation", "interpolation"),
        ("completion", "top_half"),
    ):
        picture = model / f"{figure}.png"
        assert run_command(f"draw {figure} {picture} {model}/{source}.safetensors") == 0
        assert imread(picture)[..., :3].std() > 0.02


def test_figures_of_all_models_are_drawn(shapes, tables, tmp_path):
    models = sorted(shapes.glob("models/*/*/seed1"))
    for figure, sources in (
        ("training_curves", [model / "history.csv" for model in models]),
        ("importance_weighted_bound", [model / "weighted_draws.csv" for model in models]),
        ("inference_gap", [tables / "epochs.csv", tables / "gaps.csv"]),
        ("latents", [tables / "latents.csv"]),
    ):
        assert run_command(f"draw {figure} {tmp_path}/{figure}.png {' '.join(map(str, sources))}") == 0
        assert imread(tmp_path / f"{figure}.png")[..., :3].std() > 0.02


def test_a_manifold_of_three_dimensions_is_refused_in_one_line(shapes, capsys):
    model = next((shapes / "models/tall").glob("*/seed1"))
    words = f"decode_manifold {model}/weights.safetensors {model}/latents.safetensors {model}/m --size 3"
    assert run_command(words) != 0
    assert "needs 2" in capsys.readouterr().err
