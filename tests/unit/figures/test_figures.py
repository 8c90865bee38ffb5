"""Each figure from small synthetic files: what it shows, its texts, and that it is drawn without torch."""

import itertools
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb, to_rgba
from matplotlib.text import Text

import mnist_vae
from mnist_vae.commands.draw import FIGURES
from mnist_vae.figures import parity_ladder
from mnist_vae.figures import table as figures_table
from mnist_vae.figures.classes import TEN_COLOURS
from mnist_vae.figures.style import JOINT_COLOUR, Q_COLOUR, WARNING_COLOUR, layout_of_models, study_style
from mnist_vae.files.storage import save_arrays
from support.colours import contrast
from support.command_line import run_command

PROVENANCE = {"dataset": "mnist", "recipe": "reference", "n": 1000, "seed": 3}
WEIGHTS_OF_FIRST = np.arange(11) / 10
STD = 0.5  # of the synthetic densities, so that their contours are circles of known radius


def arrays_of_each_figure():
    generator = np.random.default_rng(0)
    pictures = lambda *shape: generator.random((*shape, 784), dtype=np.float32)  # noqa: E731
    axis = np.linspace(-2, 2, 121, dtype=np.float32)
    first, second = np.meshgrid(axis, axis, indexing="xy")
    top_half = {
        "x": np.round(pictures(2)),
        "completions": pictures(2, 3),
        "labels": np.uint8([7, 2]),
        "indices": np.int64([0, 11]),
        "axes": np.stack([np.stack([axis, axis])] * 2),
        # Log-densities as low as a real image's, whose exp is 0 in float32.
        "log_joint": np.stack([-(first**2 + second**2) / (2 * STD**2) - 300] * 2),
        "log_q": np.stack([-((first - 1) ** 2 + second**2) / (2 * STD**2) + 0.3] * 2),
        "joint_levels": np.log([[0.5, 0.1]] * 2) - 300,  # of a Gaussian: half and nine tenths of its mass
        "kl": np.float64([0.123, 4.5]),
        "masses": np.float64([0.5, 0.9]),
        "q_completion": pictures(2),
        "exact_completion": pictures(2),
    }
    return {
        "prior_samples": {
            "z": generator.normal(size=(4, 2)),
            "means": pictures(4),
            "samples": np.round(pictures(4)),
        },
        "latent_scatter": {
            "mean": generator.normal(size=(30, 2)),
            "labels": np.arange(30, dtype=np.uint8) % 9,
        },
        "interpolation": {
            "means": pictures(3, 11),
            "originals": np.round(pictures(3, 2)),
            "weights_of_first": WEIGHTS_OF_FIRST,
            "images": np.int64([[14, 119], [119, 998], [14, 998]]),
            "labels": np.uint8([[1, 0], [0, 3], [1, 3]]),
        },
        "reconstructions": {
            "x": np.round(pictures(4)),
            "means": pictures(4),
            "samples": np.round(pictures(4)),
            "labels": np.uint8([0, 1, 5, 9]),
            "indices": np.int64([3, 2, 8, 7]),
        },
        "latent_manifold": {
            "axis": np.float32([-1, 0, 1]),
            "means": np.broadcast_to(np.arange(9, dtype=np.float32).reshape(3, 3, 1) / 9, (3, 3, 784)),
        },
        "top_half_posterior": top_half,
        "completion": top_half,
    }


ARRAYS = arrays_of_each_figure()
LADDER = pd.DataFrame(
    [
        (2, "log_prior", "core", "float64", 1e-15, 1e-12, True),
        (2, "log_prior", "core", "float32", 1e-7, 1e-4, True),
        (4, "loss", "core", "float64", 1e-3, 1e-12, False),
        (4, "loss", "flux", "float64", 0.0, 1e-12, True),
    ],
    columns=["rung", "quantity", "tier", "dtype", "max_rel", "tolerance", "pass"],
).assign(backend="executable", julia_version="1.5.3")


def histories(folder):
    """Two seeds of one size, one of another, measured every second epoch."""
    paths = []
    for n, seed in ((1000, 1), (1000, 2), (10000, 1)):
        epochs = np.arange(1, 7)
        history = pd.DataFrame({"epoch": epochs, "loss": 200.0 - epochs})
        history = history.assign(train_images=1000, test_images=800)
        for column, offset in (("train_neg_elbo", 0), ("test_neg_elbo", 10)):
            history[column] = np.where(epochs % 2 == 0, 200.0 - epochs + offset + seed, np.nan)
        paths.append(folder / f"mnist/models/reference/n{n}/seed{seed}/history.csv")
        paths[-1].parent.mkdir(parents=True)
        history.to_csv(paths[-1], index=False)
    return paths


def gap_tables(folder):
    """Two sizes: one training run's epochs, the gaps at its end, and importance-weighted bounds."""
    epochs, gaps, weighted = [], [], []
    for n in (1000, 10000):
        for epoch in (5, 10, 100):
            for split, kl in (("train", 1.0), ("test", 3.0)):
                log_px = -150.0 - 100 / epoch
                epochs.append(
                    {"recipe": "reference", "n": n, "seed": 1, "epoch": epoch, "split": split, "images": 500}
                    | {"elbo": log_px - kl, "log_px": log_px, "kl": kl}
                )
        gaps.extend(
            {"recipe": "reference", "n": n, "seed": seed, "amortization_gap": 2.0, "approximation_gap": 1.0}
            | {"approximation_gap_of_best": 0.25, "images": 1000, "log_px": "exact"}
            for seed in ("1", "2", "mean")
        )
        bounds = [
            {"recipe": "reference", "n": n, "seed": 1, "proposal": proposal, "k": k, "images": 100}
            | {"below_log_px": 2 / k, "standard_error": 0.1}
            for proposal in ("encoder", "refined")
            for k in (1, 10)
        ]
        weighted.append(folder / f"mnist/models/reference/n{n}/seed1/weighted_draws.csv")
        pd.DataFrame(bounds).to_csv(weighted[-1], index=False)
    tables = folder / "mnist/tables"
    tables.mkdir()
    pd.DataFrame(epochs).to_csv(tables / "epochs.csv", index=False)
    pd.DataFrame(gaps).to_csv(tables / "gaps.csv", index=False)
    return [str(tables / "epochs.csv"), str(tables / "gaps.csv")], [str(path) for path in weighted]


MACHINE = {"processor": "a Z80", "cores": 2, "threads": 1, "versions": "python 3.11.7, torch 2.13.0"}


def timing_tables(folder):
    """Two tables of ratios, three contests in all, and one of whole processes."""
    rows = [
        ("a step", "this package", 2.0, 1.0, 1.0, 1.0),
        ("a step", "another", 4.0, 0.5, 0.4, 0.7),
        ("an image", "here", 8.0, 1.0, 1.0, 1.0),
        ("two trainings", "side by side", 3.0, 1.0, 1.0, 1.0),
    ]
    columns = ["contest", "contender", "ms_a_unit", "ratio", "lowest", "highest"]
    ratios = pd.DataFrame(rows, columns=columns).assign(**MACHINE)
    commands = pd.DataFrame(
        {"command": ["python", "slow"], "seconds": [0.1, 2.0], "shortest": [0.1, 1.5], "longest": [0.2, 3.0]}
    ).assign(torch=[False, True], **MACHINE)
    tables = {"ratios": ratios[:3], "processes": ratios[3:].assign(memory_mb=500), "commands": commands}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return [str(folder / f"{name}.csv") for name in tables]


def lattice_tables(folder):
    """Tables of two models as `compare_lattices` writes them; the first one's posteriors are narrower."""
    paths = []
    for recipe, n, shrunk in (("strong", 10_000, 1), ("reference", 1_000, 10)):
        path = folder / f"mnist/models/{recipe}/n{n}/seed1/lattices.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pd.DataFrame(
            {
                "recipe": recipe,
                "n": n,
                "seed": 1,
                "spacing": [0.16, 0.08, 0.04],
                "points": [15625, 62500, 250000],
                "mean_absolute_difference": [0.2 / shrunk, 0.004 / shrunk, 0.0001 / shrunk],
                "largest_difference": [5.0 / shrunk, 0.5 / shrunk, 0.03 / shrunk],
                "images": 300,
                "estimated_error": 0.0006,
            }
        )
        table.to_csv(path, index=False)
        paths.append(str(path))
    return paths


def inference_files(folder):
    """`infer`'s files for two models and two methods, with three posteriors of the first model."""
    tables = []
    for recipe, error in (("reference", 1.0), ("strong", 3.0)):
        path = folder / f"mnist/models/{recipe}/n10000/seed1/inference.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        methods = {"method": ["encoder's q", "encoder's q", "NUTS"], "setting": ["k = 1", "k = 10", "300"]}
        numbers = {"evaluations": [1, 10, 500], "error_mean": [error, error / 2, np.nan], "images": 20}
        pd.DataFrame({"recipe": recipe, "n": 10_000, "seed": 1} | methods | numbers).to_csv(path, index=False)
        tables.append(str(path))
    axis = np.linspace(-3, 3, 31)
    posteriors = {
        "methods": np.frombuffer(b"encoder's q\nNUTS", np.uint8),
        "images": np.zeros((3, 784), np.float32),
        "indices": np.int64([4, 7, 9]),
        "axes": np.stack([np.stack([axis, axis])] * 3),
        "log_density": np.stack([-(axis[:, None] ** 2 + axis**2) / 2] * 3),
        "draws": np.full((2, 3, 5, 2), 0.5, np.float32),
    }
    save_arrays(folder / "inference.safetensors", posteriors, PROVENANCE)
    return [*tables, str(folder / "inference.safetensors")]


LATENTS = pd.DataFrame(
    {
        "recipe": ["line", "reference", "strong", "tall"],
        "n": 1_000,
        "latent": [1, 2, 2, 20],
        "neg_elbo": [190.0, 170.0, 155.0, 140.0],
        "neg_log_px": [188.0, 167.0, 144.0, 136.0],
        "neg_log_px_estimate_error": [np.nan, np.nan, np.nan, 0.5],
        "amortization_gap": [1.0, 2.0, 2.5, 3.0],
        "kl": [4.0, 6.0, 7.0, 18.0],
        "active_units": [1.0, 2.0, 2.0, 15.0],
        "log_px": ["exact", "exact", "exact", "estimate"],
    }
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Each figure's files."""
    folder = tmp_path_factory.mktemp("sources")
    files = {"training_curves": [str(path) for path in histories(folder)]}
    files["inference_gap"], files["importance_weighted_bound"] = gap_tables(folder)
    for name, arrays in ARRAYS.items():
        save_arrays(folder / f"{name}.safetensors", arrays, PROVENANCE)
        files[name] = [str(folder / f"{name}.safetensors")]
    LADDER.to_csv(folder / "ladder.csv", index=False)
    files["parity_ladder"] = [str(folder / "ladder.csv")]
    files["timings"] = timing_tables(folder)
    LATENTS.to_csv(folder / "latents.csv", index=False)
    files["exactness"] = lattice_tables(folder)
    files["inference"] = inference_files(folder)
    files["latents"] = [str(folder / "latents.csv")]
    return files


def drawn(name, files):
    with study_style():
        return import_module(f"mnist_vae.figures.{name}").draw([str(file) for file in files])


@pytest.fixture
def draw(sources):
    """Draw a figure by name."""
    return lambda name: drawn(name, sources[name])


@pytest.fixture
def draw_arrays(tmp_path):
    """Draw a figure from other arrays than the usual ones."""

    def draw_them(name, arrays, **provenance):
        save_arrays(tmp_path / name, arrays, PROVENANCE | provenance)
        return drawn(name, [tmp_path / name])

    return draw_them


def shown(axes):
    (image,) = axes.get_images()
    return np.ma.filled(image.get_array().astype(float), np.nan)


def grid(figure, rows, columns):
    assert len(figure.axes) == rows * columns
    return np.array(figure.axes, dtype=object).reshape(rows, columns)


def words(figure):
    """All text of a figure's titles."""
    parts = [figure, *figure.subfigs]
    return " ".join([*(part.get_suptitle() for part in parts), *(axes.get_title() for axes in figure.axes)])


def assert_shows(axes, pixels):
    np.testing.assert_array_equal(shown(axes), pixels.reshape(28, 28))


@pytest.mark.parametrize("name", sorted(figures_table.STUDY_FIGURES))
def test_titles_say_data_set_size_and_seed(draw, name):
    said = words(draw(name))
    if name == "training_curves":
        assert "mnist" in said
        assert "n = 1,000, 2 seeds" in said
    elif name in ("inference_gap", "importance_weighted_bound"):
        assert "mnist" in said
        assert "reference, n = 10,000" in said
    else:
        assert "mnist, reference recipe, n = 1,000, seed 3" in said


def test_prior_samples(draw):
    means, samples = grid(draw("prior_samples"), 2, 4)
    for i in range(4):
        assert_shows(means[i], ARRAYS["prior_samples"]["means"][i])
        assert_shows(samples[i], ARRAYS["prior_samples"]["samples"][i])
    assert "means" in means[0].get_ylabel()
    assert "sample" in samples[0].get_ylabel()


def test_ink_is_dark_and_scaled_alike(draw):
    """Equal probabilities get the same grey, however dark the rest of a picture is."""
    for axes in draw("prior_samples").axes:
        (image,) = axes.get_images()
        assert image.get_clim() == (0, 1)
        assert image.cmap(1.0)[:3] == (0, 0, 0)
        assert image.cmap(0.0)[:3] == (1, 1, 1)


def test_latent_scatter(draw):
    figure = draw("latent_scatter")
    (axes,) = figure.axes
    (points,) = axes.collections
    mean, labels = ARRAYS["latent_scatter"]["mean"], ARRAYS["latent_scatter"]["labels"]
    drawn = {
        tuple(np.round(place, 9)): to_hex(colour)
        for place, colour in zip(points.get_offsets(), points.get_facecolors(), strict=True)
    }
    expected = {
        tuple(np.round(place, 9)): TEN_COLOURS[label].lower()
        for place, label in zip(mean, labels, strict=True)
    }
    assert drawn == expected
    assert axes.get_aspect() == 1
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    named = {
        text.get_text(): text.get_bbox_patch().get_facecolor() for text in axes.texts if text.get_visible()
    }
    legend = axes.get_legend()
    assert (legend is None) == (len(named) == len(np.unique(labels)))
    assert {name: to_hex(colour) for name, colour in named.items()} == {
        name: TEN_COLOURS[int(name)].lower() for name in named
    }


def test_a_legend_does_not_repeat_the_names_in_the_plane(draw_arrays):
    mean = np.repeat(np.array([[0, 0], [4, 0], [0, 4]], dtype=np.float32), 3, axis=0)
    arrays = {"mean": mean, "labels": np.repeat(np.arange(3, dtype=np.uint8), 3)}
    (axes,) = draw_arrays("latent_scatter", arrays, classes=["a", "b", "c"]).axes
    assert [text.get_text() for text in axes.texts if text.get_visible()] == ["a", "b", "c"]
    assert axes.get_legend() is None


def test_names_in_the_plane_can_be_read_on_their_colours(draw_arrays):
    for _, ground, ink in text_grounds(draw_arrays("latent_scatter", ARRAYS["latent_scatter"])):
        assert contrast(to_rgb(ground), to_rgb(ink)) >= 4.5


def text_grounds(figure):
    return [
        (text.get_text(), text.get_bbox_patch().get_facecolor(), text.get_color())
        for text in figure.axes[0].texts
    ]


def test_interpolation_runs_from_one_original_to_the_other(draw):
    """The second image and its reconstruction are at the left (share 0), the first at the right (share 1)."""
    arrays = ARRAYS["interpolation"]
    axes = grid(draw("interpolation"), 3, 15)
    titles = [title.get_title() for title in axes[0]]
    assert titles == ["original", "", *(f"{weight:.1f}" for weight in WEIGHTS_OF_FIRST), "", "original"]
    for row in range(3):
        left, _, *means, _, right = axes[row]
        for panel, mean in zip(means, arrays["means"][row], strict=True):
            assert_shows(panel, mean)
        for end, panel, side in ((0, right, "right"), (1, left, "left")):
            assert_shows(panel, arrays["originals"][row, end])
            assert panel.get_ylabel() == f"{arrays['labels'][row, end]}\n(image {arrays['images'][row, end]})"
            assert panel.yaxis.get_label_position() == side


def test_reconstructions(draw):
    arrays = ARRAYS["reconstructions"]
    rows = grid(draw("reconstructions"), 3, 4)
    for line, name in zip(rows, ("x", "means", "samples"), strict=True):
        for axes, pixels in zip(line, arrays[name], strict=True):
            assert_shows(axes, pixels)
    assert [axes.get_title() for axes in rows[0]] == [
        f"{digit}\n(image {index})" for digit, index in zip((0, 1, 5, 9), (3, 2, 8, 7), strict=True)
    ]


CLOTHES = [*"abcdefgh", "bag", "ankle boot"]
WITH_LABELS = sorted(name for name, arrays in ARRAYS.items() if "labels" in arrays)


def everything_said(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize("name", WITH_LABELS)
def test_classes_have_the_names_their_data_set_gives_them(name, draw_arrays):
    arrays = ARRAYS[name] | {"labels": np.full_like(ARRAYS[name]["labels"], 9)}
    assert "ankle boot" in everything_said(draw_arrays(name, arrays, classes=CLOTHES))


@pytest.mark.parametrize("name", WITH_LABELS)
def test_without_labels_nothing_is_said_of_classes(name, draw_arrays):
    arrays = {key: array for key, array in ARRAYS[name].items() if key != "labels"}
    figure = draw_arrays(name, arrays, classes=CLOTHES)
    assert "boot" not in everything_said(figure)
    assert not re.search(r"\([a-z\s]*image", everything_said(figure))
    if name == "latent_scatter":
        (points,) = figure.axes[0].collections
        assert len(np.unique(points.get_facecolors(), axis=0)) == 1
        assert figure.axes[0].get_legend() is None


@pytest.mark.parametrize("name", WITH_LABELS)
def test_names_of_classes_are_shown_as_they_are(name, draw_arrays):
    """Including names that matplotlib would read as mathematics or leave out of legends."""
    figure = draw_arrays(name, ARRAYS[name], classes=["$x^$", "_b", "$\\frac$", *"defghij"])
    with study_style():
        figure.draw_without_rendering()
    said = everything_said(figure)
    for label in np.unique(ARRAYS[name]["labels"]):
        assert ["$x^$", "_b", "$\\frac$", *"defghij"][label] in said


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_no_figure_needs_mathematics(name, draw):
    """`text.parse_math` is off, so matplotlib's own 10^{-3} would be shown literally."""
    with study_style():
        figure = draw(name)
        figure.draw_without_rendering()
    assert "$" not in everything_said(figure)


def test_classes_of_long_and_short_names_are_written_alike_in_the_plane(draw_arrays):
    names = [*"01234567", "10"]
    (axes,) = draw_arrays("latent_scatter", ARRAYS["latent_scatter"], classes=names).axes
    assert len({text.get_size() for text in axes.texts}) == 1


def test_a_name_that_would_hide_another_is_left_to_the_legend(draw_arrays):
    mean = np.repeat(np.array([[0, 0], [0.01, 0], [4, 0], [0, 4]], dtype=np.float32), 3, axis=0)
    arrays = {"mean": mean, "labels": np.repeat(np.arange(4, dtype=np.uint8), 3)}
    (axes,) = draw_arrays("latent_scatter", arrays, classes=["a", "b", "c", "d"]).axes
    assert [text.get_text() for text in axes.texts if text.get_visible()] == ["a", "c", "d"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b", "c", "d"]


def test_many_classes_fill_several_rows_of_reconstructions(draw_arrays):
    pictures = np.eye(26, 784, dtype=np.float32)
    arrays = dict.fromkeys(("x", "means", "samples"), pictures) | {"indices": np.arange(26)}
    figure = draw_arrays("reconstructions", arrays)
    shown_axes = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown_axes) == 3 * 26
    assert [axes.get_title() for axes in shown_axes if axes.get_title()] == [f"image {i}" for i in range(26)]


def test_latent_manifold_puts_each_picture_where_its_z_is(draw):
    (axes,) = draw("latent_manifold").axes
    (image,) = axes.get_images()
    left, right, bottom, top = image.get_extent()
    assert (left, right, bottom, top) == (-1.5, 1.5, -1.5, 1.5)
    mosaic = image.get_array()
    assert mosaic.shape == (3 * 28, 3 * 28)
    for i, first in enumerate((-1, 0, 1)):
        for j, second in enumerate((-1, 0, 1)):
            row, column = (1.5 - second) / 3 * 84, (first + 1.5) / 3 * 84
            block = mosaic[int(row) - 14 : int(row) + 14, int(column) - 14 : int(column) + 14]
            assert np.unique(block) == np.float32((3 * j + i) / 9)


def test_latent_manifold_keeps_digits_upright(draw_arrays):
    picture = np.zeros((28, 28), np.float32)
    picture[2, 5] = 1
    means = np.broadcast_to(picture.reshape(784), (2, 2, 784))
    (axes,) = draw_arrays("latent_manifold", {"axis": np.float32([-1, 1]), "means": means}).axes
    places = np.argwhere(axes.get_images()[0].get_array() == 1)
    assert places.tolist() == [[2, 5], [2, 33], [30, 5], [30, 33]]


def test_training_curves(draw):
    small, large = draw("training_curves").axes
    assert "n = 1,000" in small.get_title()
    assert "n = 10,000" in large.get_title()
    assert len(small.get_lines()) == 2 * (2 + 1)  # train and test: two seeds and their mean
    assert len(large.get_lines()) == 2 * (1 + 1)
    for line in small.get_lines():
        assert line.get_xdata().tolist() == [2, 4, 6]
    seed_1, seed_2, mean = (line.get_ydata().tolist() for line in small.get_lines()[3:])
    assert (seed_1, seed_2) == ([209, 207, 205], [210, 208, 206])
    assert mean == [209.5, 207.5, 205.5]
    notes = [text.get_text() for text in small.texts]
    assert notes[:2] == ["train 195.5", "test 205.5"]
    assert small.get_xlabel() == "epoch (logarithmic)"
    assert "nats" in small.get_ylabel()


def contours(axes):
    """(centre, radius) of each contour line, by colour."""
    found = {}
    for lines in axes.collections:
        if not len(lines.get_edgecolors()):  # filled regions
            continue
        for path in lines.get_paths():
            vertices = path.vertices
            if len(vertices):
                centre = (vertices.min(0) + vertices.max(0)) / 2
                radius = np.linalg.norm(vertices - centre, axis=1).mean()
                found.setdefault(to_hex(lines.get_edgecolors()[0]), []).append((centre, radius))
    return found


def test_contours_are_of_each_densitys_own_peak(draw):
    """A level L of a Gaussian's peak is a circle of radius std sqrt(-2 log L), for the joint and for q."""
    figure = draw("top_half_posterior")
    panels = [axes for axes in figure.axes if axes.collections]
    assert len(panels) == 4
    levels = np.array([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99])
    expected = STD * np.sqrt(-2 * np.log(levels))
    for axes in panels[:2]:
        found = contours(axes)
        for colour, centre in ((JOINT_COLOUR, (0, 0)), (Q_COLOUR, (1, 0))):
            circles = found[colour.lower()]
            np.testing.assert_allclose([circle[0] for circle in circles], [centre] * 9, atol=0.01)
            np.testing.assert_allclose([circle[1] for circle in circles], expected, rtol=0.02)


def test_posterior_panels_say_which_image_and_show_its_top_half(draw):
    figure = draw("top_half_posterior")
    given, _, lower = grid(figure, 3, 2)
    assert [axes.get_title() for axes in given] == ["7\n(test image 0)", "2\n(test image 11)"]
    for axes, x in zip(given, ARRAYS["completion"]["x"], strict=True):
        np.testing.assert_array_equal(shown(axes)[:14], x.reshape(28, 28)[:14])
        assert np.isnan(shown(axes)[14:]).all()
    assert ["0.12" in lower[0].get_title(), "4.50" in lower[1].get_title()] == [True, True]
    assert [[text.get_text() for text in axes.texts] for axes in lower] == [[], []]  # one mode each
    assert all(axes.get_xlabel() for axes in lower)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "exact, p(z | top half)",
        "fitted q(z)",
    ]


def two_modes(low):
    """The usual arrays, but with a second, narrower mode of the first image's joint, `low` times as high."""
    arrays = {name: array.copy() for name, array in ARRAYS["top_half_posterior"].items()}
    (first, second), joint = np.meshgrid(*arrays["axes"][0]), arrays["log_joint"][0]
    bump = low * np.exp(-((first - 1.5) ** 2 + (second - 1.5) ** 2) / (2 * 0.1**2))
    joint[:] = np.log(np.exp(joint + 300) + bump) - 300
    arrays["joint_levels"][0] = np.log([0.5, low / 2]) - 300
    return arrays


def test_a_second_mode_is_announced_and_its_share_said(draw_arrays):
    _, upper, lower = grid(draw_arrays("top_half_posterior", two_modes(0.1)), 3, 2)
    assert upper[0].get_title() == "1 more mode, too low: see below"
    assert upper[1].get_title() == ""
    assert upper[0].get_xlim()[1] > 1.5  # as far as q reaches
    shares = [text.get_text() for text in lower[0].texts]
    # A Gaussian holds its height times std^2, and 1 - s of that where it is above a share s of its peak.
    total = 0.5**2 + 0.1 * 0.1**2
    expected = [0.5**2 * (1 - 0.05), 0.1 * 0.1**2 * (1 - 0.5)]
    assert shares == [*(f"{part / total:.0%}" for part in expected), "2 modes"]


def test_contours_show_every_mode_that_is_high_enough(draw_arrays):
    _, upper, lower = grid(draw_arrays("top_half_posterior", two_modes(0.8)), 3, 2)
    assert upper[0].get_title() == ""
    assert lower[0].texts[-1].get_text() == "2 modes"
    (low, high), (bottom, top) = upper[0].get_xlim(), upper[0].get_ylim()
    assert low < 1.5 < high
    assert bottom < 1.5 < top


def test_fits_from_a_single_start_have_rows_of_their_own(draw_arrays):
    arrays = ARRAYS["top_half_posterior"]
    std = np.float32([0.5, 0.25])
    far = {"mean": np.float32([[8, -7], [0, 0]]), "log_std": np.log([std, std])}
    others = {
        f"{prefix}{name}": array
        for prefix, kl in (("single_start_", [19.17, 0.5]), ("assignment_", [60.0, 0.7]))
        for name, array in (far | {"kl": np.float64(kl)}).items()
    }
    *_, best, of_one, asked = grid(draw_arrays("top_half_posterior", arrays | others), 5, 2)
    assert ["0.12" in best[0].get_title(), "19.17" in of_one[0].get_title()] == [True, True]
    assert "60.00" in asked[0].get_title()
    assert best[0].get_ylabel().startswith("best of several starts")
    assert of_one[0].get_ylabel().startswith("one random start")
    assert asked[0].get_ylabel().startswith("as the assignment asks")
    found, _ = contours(best[0])[Q_COLOUR.lower()][-1]  # half of the mass; nine tenths end beyond the window
    np.testing.assert_allclose(found, (1, 0), atol=0.02)
    for axes in (of_one[0], asked[0]):
        half, most = axes.patches
        np.testing.assert_allclose([half.center, most.center], [(8, -7)] * 2)
        for ellipse, mass in ((half, 0.5), (most, 0.9)):
            # Of draws of the Gaussian, this share is inside.
            z = np.random.default_rng(0).normal((8, -7), std, (20_000, 2))
            inside = (((z - (8, -7)) / (ellipse.width / 2, ellipse.height / 2)) ** 2).sum(1) < 1
            assert inside.mean() == pytest.approx(mass, abs=0.01)
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        assert left <= -1 < 8 + 2.1 * std[0] <= right  # the posterior's two std and all of q
        assert bottom <= -7 - 2.1 * std[1] < 1 <= top


def test_images_say_their_split(draw_arrays):
    arrays = ARRAYS["top_half_posterior"] | {"training": np.array([True, False])}
    given = draw_arrays("top_half_posterior", arrays).axes[:2]
    assert [axes.get_title() for axes in given] == ["7\n(training image 0)", "2\n(test image 11)"]


def test_completion(draw):
    arrays = ARRAYS["completion"]
    axes = grid(draw("completion"), 2, 7)
    for row in range(2):
        original, given, *drawn, of_q, exact = axes[row]
        assert_shows(of_q, arrays["q_completion"][row])
        assert_shows(exact, arrays["exact_completion"][row])
        assert_shows(original, arrays["x"][row])
        np.testing.assert_array_equal(shown(given)[:14], arrays["x"][row].reshape(28, 28)[:14])
        assert np.isnan(shown(given)[14:]).all()
        for panel, picture in zip(drawn, arrays["completions"][row], strict=True):
            assert_shows(panel, picture)
    assert axes[1, 0].get_ylabel() == "2\n(test\nimage 11)"


def test_parity_ladder(draw):
    figure = draw("parity_ladder")
    assert "Julia 1.5.3, executable): 3 of 4 checks pass" in words(figure)
    float64, float32 = figure.axes
    assert [label.get_text() for label in float64.get_yticklabels()] == ["log_prior", "loss"]
    core, flux = (points.get_offsets() for points in float64.collections[1:])
    assert core.tolist() == [[1e-15, 0], [1e-3, 1]]
    assert flux.tolist() == [[1e-18, 1]]  # 0, at the left edge
    assert float32.collections[1].get_offsets().tolist() == [[1e-7, 0]]
    # Each check's tolerance is a line across its own row.
    assert [line.tolist() for line in float64.collections[0].get_segments()] == [
        [[1e-12, row - 0.5], [1e-12, row + 0.5]] for row in (0, 1, 1)
    ]
    passed, failed = float64.collections[1].get_facecolors()
    assert tuple(passed) == to_rgba(parity_ladder.CORE_COLOUR)
    assert tuple(failed) == to_rgba(parity_ladder.FAILED_COLOUR)


def test_timings(draw):
    figure = draw("timings")
    assert "a Z80, 2 cores, 1 thread(s) each" in words(figure)
    assert "torch 2.13.0" in words(figure)
    ratios, commands = figure.axes
    names = [label.get_text() for label in ratios.get_yticklabels()]
    assert names == ["this package", "another", "here", "side by side"]
    (points,) = (line for line in ratios.lines if line.get_marker() == "o")
    assert points.get_xdata().tolist() == [1, 0.5, 1, 1]
    reached = ratios.collections[0].get_segments()[1][:, 0]
    np.testing.assert_allclose(reached, [0.4, 0.7])
    notes = [text.get_text() for text in ratios.texts]
    assert notes == ["2 ms", "4 ms", "8 ms", "3 ms", "a step", "an image", "two trainings"]
    assert [bar.get_width() for bar in commands.patches] == [0.1, 2.0]
    assert [to_hex(bar.get_facecolor()) == WARNING_COLOUR.lower() for bar in commands.patches] == [
        False,
        True,
    ]
    assert "red: it imports torch" in commands.get_xlabel()


@pytest.mark.parametrize("slowest", [0.7, 0.4, 0.01, 1e-4])
def test_labels_of_ratios_stand_apart(tmp_path, slowest):
    files = timing_tables(tmp_path)
    ratios = pd.read_csv(files[0])
    ratios.loc[1, ["ratio", "lowest", "highest"]] = slowest
    ratios.to_csv(files[0], index=False)
    figure = drawn("timings", files)
    with study_style():
        figure.draw_without_rendering()
    axes = figure.axes[0]
    left, right = axes.get_xlim()
    labels = [label for label in axes.get_xticklabels() if left <= label.get_position()[0] <= right]
    boxes = [label.get_window_extent() for label in labels if label.get_text()]
    assert len(boxes) >= 1
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))


def test_masses_of_q_are_its_own(draw):
    """A Gaussian's smallest region of mass m is a circle of radius std sqrt(-2 log (1 - m))."""
    figure = draw("top_half_posterior")
    for axes in grid(figure, 3, 2)[2]:
        lines = next(lines for lines in axes.collections if len(lines.get_edgecolors()))
        radii = [np.linalg.norm(path.vertices - (1, 0), axis=1).mean() for path in lines.get_paths()]
        np.testing.assert_allclose(sorted(radii), STD * np.sqrt(-2 * np.log([0.5, 0.1])), rtol=0.02)


def test_inference_gap_shows_bound_and_exact_figure_of_both_splits(draw):
    figure = draw("inference_gap")
    *panels, bars = figure.axes
    assert [panel.get_title() for panel in panels] == ["reference, n = 1,000", "reference, n = 10,000"]
    for panel in panels:
        lines = [line.get_ydata().tolist() for line in panel.lines]
        assert lines == [[171, 161, 152], [170, 160, 151], [173, 163, 154], [170, 160, 151]]
    widths = [[bar.get_width() for bar in container] for container in bars.containers]
    assert widths == [[2.0] * 2, [0.75] * 2, [0.25] * 2]
    assert [text.get_text() for text in bars.texts] == [*["2.00"] * 2, *["0.75"] * 2, *["0.25"] * 2]
    assert [label.get_text() for label in bars.get_yticklabels()] == [
        f"reference\nn = {n}\n2 seeds\nKL 3.00" for n in ("1,000", "10,000")
    ]


def test_inference_gap_says_of_which_images_and_labels_the_last_epoch(draw):
    figure = draw("inference_gap")
    figure.draw_without_rendering()
    curves, bars = figure.subfigs
    assert "first 500 images of each split" in curves.get_suptitle()
    assert "first 1,000 test images" in bars.get_suptitle()
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["5", "10", "100"]


def test_importance_weighted_bounds_are_labelled(draw):
    figure = draw("importance_weighted_bound")
    assert [panel.get_title() for panel in figure.axes] == [
        "reference, n = 1,000, seed 1",
        "reference, n = 10,000, seed 1",
    ]
    figure.draw_without_rendering()
    for panel in figure.axes:
        assert [text.get_text() for text in panel.texts] == ["2.00", "0.20"] * 2
        assert [label.get_text() for label in panel.get_xticklabels()] == ["1", "10"]
    assert "first 100 test images" in words(figure)
    assert "standard error" in words(figure)


def test_curves_that_leave_their_panel_say_so(tmp_path):
    """The range of y is chosen without the first epochs; where these are cut off, a note says how high."""
    paths = histories(tmp_path)
    for path, value in ((paths[0], 543.2), (paths[2], 200.0)):
        history = pd.read_csv(path)
        history.loc[1, ["train_neg_elbo", "test_neg_elbo"]] = value
        history.to_csv(path, index=False)
    figure = drawn("training_curves", paths)
    cut, whole = figure.axes
    assert cut.get_ylim()[1] < 300
    assert "↑ first epochs: up to 543" in [text.get_text() for text in cut.texts]
    assert not any("up to" in text.get_text() for text in whole.texts)
    assert "first 1,000 training images and the first 800 test images" in words(figure)


def write_histories(folder, models):
    """A history.csv of each recipe and n, with as many epochs; the -ELBO falls as 100 / epoch."""
    for (recipe, n), epochs in models.items():
        epoch = np.arange(1, epochs + 1)
        history = pd.DataFrame({"epoch": epoch, "train_images": 10, "test_images": 10})
        history["train_neg_elbo"], history["test_neg_elbo"] = 100 + 100 / epoch, 99 + 100 / epoch
        path = folder / f"mnist/models/{recipe}/n{n}/seed1/history.csv"
        path.parent.mkdir(parents=True)
        history.to_csv(path, index=False)
        yield path


def test_few_epochs_stay_in_sight_beside_many(tmp_path):
    models = {("long", 100): 100, ("short", 100): 2, ("single", 100): 1}
    figure = drawn("training_curves", write_histories(tmp_path, models))
    long, *others = figure.axes
    assert long.get_ylim()[1] < long.lines[0].get_ydata()[0] + 10
    for axes in (long, *others):
        low, high = axes.get_ylim()
        assert low < axes.lines[0].get_ydata()[-1] < high
    of_single = next(axes for axes in others if axes.get_title().startswith("single"))
    assert "o" in [line.get_marker() for line in of_single.lines]


def test_the_higher_curve_has_the_higher_number(tmp_path):
    figure = drawn("training_curves", write_histories(tmp_path, {("reference", 100): 9}))
    train, test = figure.axes[0].texts[:2]
    assert train.xy[1] > test.xy[1]
    assert (train.get_va(), test.get_va()) == ("bottom", "top")


MANY = {(recipe, n): 3 for recipe in "abcde" for n in (100, 200)} | {("e", 300): 3}
del MANY["d", 100]


def test_many_recipes_fill_several_bands_of_panels(tmp_path):
    layout = layout_of_models(MANY)
    assert (layout.rows, layout.columns) == (5, 3)
    assert layout.places["c", 100] == (0, 2)
    assert layout.places["c", 200] == (1, 2)
    assert layout.places["e", 100] == (2, 1)
    assert layout.places["e", 300] == (4, 1)
    figure = drawn("training_curves", write_histories(tmp_path, MANY))
    figure.draw_without_rendering()
    visible = {axes.get_title(): axes for axes in figure.axes if axes.get_visible()}
    assert len(visible) == len(MANY)
    lone = visible["e, n = 300, 1 seed"]
    assert "nats" in lone.get_ylabel()
    assert any(label.get_text() and label.get_visible() for label in lone.get_yticklabels())


def test_a_single_snapshot_shows_log_px_too(sources, tmp_path):
    epochs, gaps = map(pd.read_csv, sources["inference_gap"])
    (tmp_path / "mnist/tables").mkdir(parents=True)
    paths = [tmp_path / "mnist/tables/epochs.csv", tmp_path / "mnist/tables/gaps.csv"]
    epochs[epochs.epoch == 5].to_csv(paths[0], index=False)
    gaps.assign(log_px=["exact", "estimate"] * 3).to_csv(paths[1], index=False)
    figure = drawn("inference_gap", paths)
    assert all(line.get_marker() == "o" for line in figure.axes[0].lines)
    labels = [text.get_text() for text in figure.subfigs[0].legends[0].get_texts()]
    assert labels == [f"{split}, {what}" for split in ("train", "test") for what in ("-ELBO", "-log p(x)")]
    labels = [
        text.get_text()
        for text in drawn("inference_gap", sources["inference_gap"]).subfigs[0].legends[0].get_texts()
    ]
    assert "test, exact -log p(x)" in labels


def test_training_curves_label_their_last_epoch(draw):
    figure = draw("training_curves")
    figure.draw_without_rendering()
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["1", "2", "6"]


def test_latents_shows_every_number_over_the_dimension(draw):
    figure = draw("latents")
    bounds, gap, kl, units = figure.axes
    best, other = LATENTS.drop(1), LATENTS.recipe[1]
    for line, name in zip(bounds.get_lines(), ("neg_elbo", "neg_log_px"), strict=False):
        assert list(line.get_ydata()) == list(best[name])
    for axes, name in ((gap, "amortization_gap"), (kl, "kl"), (units, "active_units")):
        assert list(axes.get_lines()[0].get_xdata()) == [1, 2, 20]
        assert list(axes.get_lines()[0].get_ydata()) == list(best[name])
        assert list(axes.get_lines()[1].get_ydata()) == [LATENTS[name][1]]
    assert other in {text.get_text() for text in bounds.texts}
    assert {"-log p(x), exact", "-log p(x), estimate"} <= {
        text.get_text() for text in bounds.get_legend().get_texts()
    }


def test_inference_has_a_line_for_each_method_that_tells_log_px(draw):
    figure = draw("inference")
    reference, strong, *posteriors = figure.axes
    assert [axes.get_title() for axes in (reference, strong)] == [
        f"{recipe}, n = 10,000, seed 1" for recipe in ("reference", "strong")
    ]
    assert [list(line.get_ydata()) for line in strong.lines] == [[3.0, 1.5]]
    assert len(posteriors) == 3 * 4
    assert [axes.get_title() for axes in posteriors[1:4]] == ["exact posterior", "encoder's q", "NUTS"]
    assert not posteriors[1].lines
    assert [len(axes.lines[0].get_xdata()) for axes in posteriors[2:4]] == [5, 5]


def test_exactness_has_a_line_for_each_model(draw):
    figure = draw("exactness")
    largest, mean = figure.axes
    for axes, values in ((largest, [5.0, 0.5, 0.03]), (mean, [0.2, 0.004, 0.0001])):
        assert list(axes.get_lines()[0].get_ydata()) == values
    assert {"reference, n = 1,000, seed 1", "strong, n = 10,000, seed 1"} <= {
        text.get_text() for text in figure.legends[0].get_texts()
    }
    assert "mnist, first 300 test images" in words(figure)
    markers = [axes.get_lines()[0].get_marker() for axes in (largest, mean)]
    assert markers == ["o", "o"]
    lines = [line for line in mean.get_lines() if line.get_marker() not in ("", "None")]
    assert len({line.get_marker() for line in lines}) == len(lines)
    labels = [largest.yaxis.get_major_formatter()(value) for value in (np.nextafter(1e-5, 0), 1e-4, 1)]
    assert labels == ["0.00001", "0.0001", "1"]


def test_table_lists_every_figure():
    """Each has a module, and each module an entry."""
    assert set(FIGURES) == set(figures_table.FIGURES)


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_figures_that_need_no_plane_are_drawn_of_other_latent_dimensions(name, draw_arrays):
    """What a model of 16 latent dimensions stores differs where z itself is stored."""
    if figures_table.FIGURES[name].needs_plane:
        pytest.skip("it shows the latent plane itself")
    arrays = dict(ARRAYS[name])
    if "z" in arrays:
        arrays["z"] = np.zeros((4, 16))
    assert draw_arrays(name, arrays)


DRAW_ALL = """
import sys
from mnist_vae.__main__ import main
folder, *jobs = sys.argv[1:]
for job in jobs:
    name, sources = job.split("=")
    assert main(["draw", name, f"{folder}/{name}.png", *sources.split(",")]) == 0
assert "torch" not in sys.modules
"""


def test_drawn_twice_the_same_bytes_and_without_torch(sources, tmp_path):
    """Drawn in a fresh Python that never loads torch, and in this one."""
    jobs = [f"{name}={','.join(files)}" for name, files in sources.items()]
    subprocess.run(
        [sys.executable, "-c", DRAW_ALL, str(tmp_path / "first"), *jobs],
        env={"PYTHONPATH": str(Path(mnist_vae.__file__).parents[1]), "PATH": "", "HOME": str(tmp_path)},
        check=True,
    )
    assert {path.stem for path in (tmp_path / "first").iterdir()} == set(FIGURES)
    for name, files in sources.items():
        assert run_command(f"draw {name} {tmp_path}/again/{name}.png {' '.join(files)}") == 0
        first, again = ((tmp_path / run / f"{name}.png").read_bytes() for run in ("first", "again"))
        assert first.startswith(b"\x89PNG")
        assert first == again, name
