"""The commands: what each one stores, and that bad input gives a one-line error and no files."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import mnist_vae
from mnist_vae.__main__ import COMMANDS, main
from mnist_vae.data.digits import load_digits
from mnist_vae.files.storage import load_arrays, load_provenance, save_arrays
from mnist_vae.files.weights import load_snapshots, load_weights, save_snapshots, save_weights, weight_arrays
from mnist_vae.study.densities import top_half_joint
from mnist_vae.study.networks import VAE
from mnist_vae.study.svi import fit_top_half
from support.command_line import TEST, TRAIN, listing, run_command
from support.small_mnist import replace_published_files

DATASET = {"dataset": "mnist5k", "classes": [*"0123456789"], "threshold": 128}
PROVENANCE = DATASET | {"recipe": "reference", "n": TRAIN, "seed": 1}


# --- what is stored ---------------------------------------------------------------------------------------


def test_everything_says_where_it_comes_from(study):
    stored = sorted(study.folder.glob("*.safetensors"))
    assert len(stored) == 9
    for path in stored:
        assert load_provenance(path) == PROVENANCE
    assert load_provenance(study.digits) == DATASET


def test_obtain_and_binarize(tmp_path, monkeypatch):
    small = replace_published_files(monkeypatch)
    small.write(tmp_path / "mnist")
    grey, binary = tmp_path / "grey.safetensors", tmp_path / "binarized.safetensors"
    assert run_command(f"obtain mnist {grey} --mnist-dir {tmp_path}/mnist") == 0
    assert run_command(f"binarize {grey} {binary}") == 0
    for name, array in small.arrays.items():
        assert np.array_equal(load_arrays(grey)[name].ravel(), array.ravel())
        expected = array >= 128 if "images" in name else array
        assert np.array_equal(load_arrays(binary)[name].ravel(), expected.ravel())
    assert load_provenance(binary) == DATASET | {"dataset": "mnist"}


def test_history(study):
    history = pd.read_csv(study.history)
    assert list(history.columns[:4]) == ["epoch", "loss", "train_neg_elbo", "test_neg_elbo"]
    assert (history.train_images == TRAIN).all()
    assert (history.test_images == TEST).all()
    assert history.epoch.tolist() == [1, 2, 3]
    assert history.loss.is_monotonic_decreasing
    assert np.isfinite(history).all(axis=None)


def train_again(study, folder, options, grey="none", digits=None):
    """Train with the study's settings and these options; return the exit status."""
    words = f"train {digits or study.digits} {grey} {folder}/w {folder}/h {folder}/s --recipe reference"
    return run_command(
        f"{words} --n {TRAIN} --seed 1 --epochs 3 --batch-size 50 --learning-rate 0.002 {options}"
    )


def test_history_measures_the_first_and_the_last_epoch(study, tmp_path):
    assert train_again(study, tmp_path, "--n 20 --epochs 41") == 0
    measured = pd.read_csv(tmp_path / "h").dropna().epoch.tolist()
    assert measured[0] == 1
    assert measured[-1] == 41
    assert len(measured) >= 8


def test_options_of_stronger_recipes_reach_the_training(study, tmp_path):
    """Each option changes the weights, and augmentation is of the grey pictures."""
    weights = []
    options = ("--decay 0.5", "--latent-layer-rate 3", "--augmentation 1", "--initialization pytorch")
    for option in ("", *options):
        assert train_again(study, tmp_path, option, grey=study.grey) == 0
        weights.append((tmp_path / "w").read_bytes())
    assert len(set(weights)) == 5
    assert train_again(study, tmp_path, "--augmentation 1", grey="none") == 1


def test_train_again_gives_the_same_bytes(study, tmp_path):
    def trained(options):
        assert train_again(study, tmp_path, options) == 0
        return (tmp_path / "w").read_bytes(), (tmp_path / "h").read_bytes()

    first = study.weights.read_bytes(), study.history.read_bytes()
    assert trained("") == first
    other = trained("--seed 2")
    assert other[0] != first[0]
    assert other[1] != first[1]


def test_only_the_first_n_images_are_trained_on(study, tmp_path):
    digits = load_arrays(study.digits)
    for name in ("train_images", "train_labels"):
        digits[name] = digits[name][:100]
    save_arrays(tmp_path / "digits", digits, DATASET)
    assert train_again(study, tmp_path / "first", "--n 100") == 0
    assert train_again(study, tmp_path / "again", "--n 100", digits=tmp_path / "digits") == 0
    assert (tmp_path / "first/w").read_bytes() == (tmp_path / "again/w").read_bytes()
    assert (tmp_path / "first/w").read_bytes() != study.weights.read_bytes()


BY_DRAWS = {"train", "test", "test_first_100"}  # splits whose bounds are had by draws of z


def test_metrics(study):
    metrics = pd.read_csv(study.metrics)
    assert list(metrics.columns) == ["recipe", "n", "seed", "split", "metric", "value", "standard_error"]
    assert set(metrics.split) == {*BY_DRAWS, "test_subset", "train_subset"}  # it was trained on all there are
    assert (metrics[["recipe", "n", "seed"]] == ["reference", TRAIN, 1]).all(axis=None)
    by_draws = {"neg_elbo", "kl", "reconstruction", "neg_elbo_draw_spread"}
    for _, split in metrics[metrics.split.isin(BY_DRAWS) & metrics.metric.isin(by_draws)].groupby("split"):
        values = split.set_index("metric").value
        assert set(values.index) == by_draws
        assert values.neg_elbo == pytest.approx(values.kl + values.reconstruction)
        assert split.set_index("metric").standard_error.isna().to_dict() == {
            name: name == "neg_elbo_draw_spread" for name in values.index
        }


def test_unseen_training_images_are_measured_where_there_are_any(study, tmp_path):
    weights = tmp_path / "weights.safetensors"
    save_weights(weights, load_weights(study.weights), PROVENANCE | {"n": TRAIN - 4})
    words = (
        f"evaluate {study.digits} {weights} {tmp_path}/metrics.csv --draws 1 --first-100-draws 2 --images 10"
    )
    assert run_command(f"{words} --tolerance 0.001 --window 20") == 0
    metrics = pd.read_csv(tmp_path / "metrics.csv")
    unseen = metrics[metrics.split == "unseen_subset"].set_index("metric").value
    assert unseen["images"] == 4
    assert unseen["kl_to_posterior"] == pytest.approx(unseen["neg_elbo"] - unseen["neg_log_px"], abs=1e-4)


def test_latents(study, images):
    latents = load_arrays(study.latents)
    mean, log_std = load_weights(study.weights).requires_grad_(False).encoder(images[:TRAIN])
    np.testing.assert_allclose(latents["mean"], mean, atol=1e-5)
    np.testing.assert_allclose(latents["log_std"], log_std, atol=1e-5)
    assert np.array_equal(latents["labels"], load_digits(study.digits, "train")[1])


def test_prior_samples(study):
    arrays = load_arrays(study.prior_samples)
    decoder = load_weights(study.weights).requires_grad_(False).decoder
    np.testing.assert_allclose(arrays["means"], decoder(torch.from_numpy(arrays["z"])).sigmoid(), atol=1e-5)
    assert arrays["z"].shape == (5, 2)
    assert np.isin(arrays["samples"], [0, 1]).all()
    assert abs(arrays["samples"].mean() - arrays["means"].mean()) < 0.02  # drawn from these means


def test_interpolation_names_its_images_and_weights(study, images):
    arrays = load_arrays(study.interpolation)
    assert arrays["means"].shape == (3, 11, 784)
    assert arrays["weights_of_first"].tolist() == pytest.approx([0.1 * i for i in range(11)])
    assert arrays["images"].tolist() == [[14, 119], [119, 98], [14, 98]]
    labels = load_digits(study.digits, "train")[1]
    assert np.array_equal(arrays["labels"], labels[arrays["images"]])
    assert np.array_equal(arrays["originals"], images[arrays["images"]])


def test_reconstructions_are_of_the_first_image_of_each_class(study):
    arrays = load_arrays(study.reconstructions)
    images, labels = load_digits(study.digits, "test")
    assert arrays["labels"].tolist() == list(range(10))
    assert arrays["indices"].tolist() == [labels.tolist().index(digit) for digit in range(10)]
    assert np.array_equal(arrays["x"], images[arrays["indices"]])
    vae = load_weights(study.weights).requires_grad_(False)
    mean, _ = vae.encoder(torch.from_numpy(arrays["x"]))
    np.testing.assert_allclose(arrays["means"], vae.decoder(mean).sigmoid(), atol=1e-5)
    assert np.isin(arrays["samples"], [0, 1]).all()
    # Drawn from q near these means: as much ink, but other pixels.
    assert abs(arrays["samples"].mean() - arrays["means"].mean()) < 0.03
    assert not np.array_equal(arrays["samples"], arrays["means"].round())


def test_manifold(study):
    arrays = load_arrays(study.manifold)
    axis, means = arrays["axis"], arrays["means"]
    np.testing.assert_allclose(axis, [-2.5, -2.5 / 3, 2.5 / 3, 2.5], rtol=1e-6)
    decoder = load_weights(study.weights).requires_grad_(False).decoder
    for j, second in enumerate(axis):
        for i, first in enumerate(axis):
            expected = decoder(torch.tensor([first, second])).sigmoid()
            np.testing.assert_allclose(means[j, i], expected, atol=1e-5)


def test_manifold_reaches_as_far_as_the_codes(study, tmp_path):
    assert run_command(f"decode_manifold {study.weights} {study.latents} {tmp_path}/m --size 2") == 0
    furthest = np.abs(load_arrays(study.latents)["mean"]).max()
    low, high = load_arrays(tmp_path / "m")["axis"]
    assert low == -high
    assert furthest <= high < furthest + 0.5


def test_completions_have_the_true_top(study):
    arrays = load_arrays(study.top_half)
    test, train = (load_digits(study.digits, split) for split in ("test", "train"))
    originals = np.concatenate([test[0][[0, 3]], train[0][[14]]])
    assert np.array_equal(arrays["x"], originals)
    assert np.array_equal(arrays["labels"], [*test[1][[0, 3]], train[1][14]])
    assert arrays["indices"].tolist() == [0, 3, 14]
    assert arrays["training"].tolist() == [False, False, True]
    assert arrays["completions"].shape == (3, 3, 784)
    tops = arrays["completions"].reshape(3, 3, 28, 28)[:, :, :14]
    assert np.array_equal(tops, np.broadcast_to(originals.reshape(3, 1, 28, 28)[:, :, :14], tops.shape))
    bottoms = arrays["completions"][:, :, 392:]
    assert ((bottoms > 0) & (bottoms < 1)).all()  # means, not the true pixels
    assert (np.abs(bottoms[:, 0] - bottoms[:, 1]).max(1) > 1e-4).all()  # each from its own draw


def test_contours_are_of_the_top_half_joint(study):
    arrays = load_arrays(study.top_half)
    fit = load_arrays(study.fit)
    decoder = load_weights(study.weights).requires_grad_(False).decoder.double()
    for k in range(2):
        first, second = arrays["axes"][k]
        for i, j in ((0, 0), (10, 90), (60, 60), (120, 7)):  # axes are x and y, arrays rows and columns
            z = torch.tensor([first[j], second[i]])
            expected = top_half_joint(decoder, torch.from_numpy(arrays["x"][k]), z)
            assert arrays["log_joint"][k, i, j] == pytest.approx(expected.item(), rel=1e-4)
            std = np.exp(fit["log_std"][k])
            log_q = (
                -0.5 * ((z.numpy() - fit["mean"][k]) / std) ** 2 - np.log(std) - 0.5 * np.log(2 * np.pi)
            ).sum()
            assert arrays["log_q"][k, i, j] == pytest.approx(log_q, rel=1e-4, abs=1e-4)


def test_fits_from_one_start_stand_beside_the_best_of_several(study):
    fit, completed = load_arrays(study.fit), load_arrays(study.top_half)
    decoder = load_weights(study.weights).decoder
    for prefix, settings in (
        ("", {"starts": 3, "draws": 5, "steps": 20, "learning_rate": 0.05}),
        ("single_start_", {"starts": 1, "draws": 5, "steps": 20, "learning_rate": 0.05}),
        ("assignment_", {"starts": 1, "draws": 50, "steps": 100, "learning_rate": 0.01}),
    ):
        generator = torch.Generator().manual_seed(1)
        expected = fit_top_half(decoder, torch.from_numpy(fit["x"]), generator=generator, **settings)
        for name, tensor in expected._asdict().items():
            np.testing.assert_allclose(fit[f"{prefix}{name}"], tensor, rtol=1e-4, atol=1e-4)
        assert (completed[f"{prefix}kl"] > 0).all()
    for name in ("mean", "log_std"):
        assert np.array_equal(completed[f"single_start_{name}"], fit[f"single_start_{name}"])


def tabulate(study, epochs, folder):
    """Make every table in the folder; return the exit status."""
    words = f"tabulate {study.metrics} --epochs {epochs} --dataset mnist5k"
    for option in (
        "metrics",
        "elbo",
        "elbo-markdown",
        "gaps",
        "gaps-markdown",
        "differences",
        "differences-markdown",
        "all-epochs",
        "third-question",
    ):
        suffix = "md" if "markdown" in option else "csv"
        words += f" --{option} {folder}/{option.removesuffix('-markdown')}.{suffix}"
    return run_command(words)


def test_tabulate(study, tmp_path):
    assert tabulate(study, study.epochs, tmp_path) == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "metrics.csv"), pd.read_csv(study.metrics))
    assert pd.read_csv(tmp_path / "elbo.csv").seed.tolist() == ["1", "mean"]
    assert (tmp_path / "elbo.md").read_text().startswith("# -ELBO on mnist5k")
    assert "mnist5k" in (tmp_path / "gaps.md").read_text().splitlines()[0]
    assert len(pd.read_csv(tmp_path / "all-epochs.csv")) == len(pd.read_csv(study.epochs)) == 2 * 3


def test_a_study_of_one_snapshot_has_its_tables(study, tmp_path):
    """`snapshots: {epochs: []}` leaves only the last snapshot, so there is no change to report."""
    one = tmp_path / "one.safetensors"
    save_snapshots(one, {3: weight_arrays(load_weights(study.weights))}, PROVENANCE)
    words = f"measure_epochs {study.digits} {one} {tmp_path}/epochs.csv --images 10 --test-images 10"
    assert run_command(f"{words} --tolerance 0.001 --window 20") == 0
    assert tabulate(study, tmp_path / "epochs.csv", tmp_path) == 0
    assert len(pd.read_csv(tmp_path / "all-epochs.csv")) == 2
    assert pd.read_csv(tmp_path / "third-question.csv").empty
    assert "No stretch of training was measured here" in (tmp_path / "gaps.md").read_text()


def test_snapshots_are_of_the_asked_for_epochs_and_the_last(study):
    snapshots = dict(load_snapshots(study.snapshots))
    assert list(snapshots) == [1, 2, 3]
    last, final = snapshots[3].state_dict(), load_weights(study.weights).state_dict()
    assert all(torch.equal(last[name], final[name]) for name in final)
    assert not torch.equal(snapshots[1].encoder.hidden.weight, snapshots[2].encoder.hidden.weight)
    assert pd.read_csv(study.epochs).epoch.unique().tolist() == [1, 2, 3]


def test_gaps_add_up(study):
    """-ELBO = -log p(x) + KL, whose two parts are the gaps."""
    metrics = pd.read_csv(study.metrics).set_index(["split", "metric"]).value
    subset = metrics["test_subset"]
    assert subset.neg_elbo == pytest.approx(subset.neg_log_px + subset.kl_to_posterior)
    assert subset.kl_to_posterior == pytest.approx(subset.amortization_gap + subset.approximation_gap)
    assert 0 <= subset.largest_error < 0.003
    assert metrics["test", "neg_log_p_bottom"] > 0
    assert metrics["test", "neg_elbo"] > metrics["test", "neg_log_px"]


# --- what is refused --------------------------------------------------------------------------------------


def broken_weights(path, how):
    save_weights(path, VAE(torch.Generator().manual_seed(0)), PROVENANCE)
    if how == "truncated":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        arrays = load_arrays(path)
        arrays["decoder.output.bias"][0] = np.nan
        save_arrays(path, arrays, PROVENANCE)
    return path


TABULATE = (
    "tabulate {metrics} --epochs {epochs} --metrics {out} --elbo {out}2 --elbo-markdown {out}3 --gaps {out}4 "
    "--gaps-markdown {out}5 --all-epochs {out}6 --third-question {out}7 --differences {out}8 "
    "--differences-markdown {out}9 --dataset mnist"
)
TRAIN_WORDS = "--recipe reference --seed 1 --epochs 3 --batch-size 50"
EVALUATE_WORDS = "--draws 1 --first-100-draws 2 --images 2"
REFUSED = {
    "infer without a file": ("infer {tmp}/none {tmp}/none {out} {out}2", "{tmp}/none"),
    "tabulate_inference without a file": (
        "tabulate_inference {tmp}/none --table {out} --markdown {out}2 --dataset mnist",
        "{tmp}/none",
    ),
    "posteriors without a file": ("posteriors {tmp}/none {out} --digits {tmp}/none", "{tmp}/none"),
    "obtain without the files": ("obtain mnist {out} --mnist-dir {tmp}", "train-images-idx3-ubyte"),
    "obtain without a mirror": ("obtain mnist {out}", "No mirror has a right train-images"),
    "binarize without a file": ("binarize {tmp}/none {out}", "{tmp}/none is not a readable array file"),
    "train without a file": (
        f"train {{tmp}}/none {{grey}} {{out}} {{out}}2 {{out}}3 --n 10 {TRAIN_WORDS} --learning-rate 1",
        "{tmp}/none",
    ),
    "train on more than there is": (
        f"train {{digits}} {{grey}} {{out}} {{out}}2 {{out}}3 --n 201 {TRAIN_WORDS} --learning-rate 1",
        "has 200 train images, 201 were asked for",
    ),
    "train and diverge": (
        f"train {{digits}} {{grey}} {{out}} {{out}}2 {{out}}3 --n 200 {TRAIN_WORDS} --learning-rate 1000",
        "training diverged: epoch 1 ended with a loss of nan. Lower the learning_rate, now 1000.0",
    ),
    "evaluate truncated weights": (
        f"evaluate {{digits}} {{truncated}} {{out}} {EVALUATE_WORDS} --window 8 --tolerance 0.001",
        "truncated.safetensors is not a readable array file",
    ),
    "evaluate nan": (
        f"evaluate {{digits}} {{nan}} {{out}} {EVALUATE_WORDS} --window 8 --tolerance 0.001",
        "nan.safetensors: decoder.output.bias holds values that are not finite",
    ),
    "measure_epochs of truncated snapshots": (
        "measure_epochs {digits} {truncated} {out} --window 8 --tolerance 0.001 --images 2 --test-images 2",
        "truncated.safetensors is not a readable array file",
    ),
    "weigh_draws with nan": (
        "weigh_draws {digits} {nan} {out} --window 8 --tolerance 0.001 --images 2 --draws 1",
        "not finite",
    ),
    "build_explorer without latents": (
        "build_explorer {digits} {out} --weights {weights} --latents {tmp}/none",
        "{tmp}/none is not a readable array file",
    ),
    "obtain an unknown set": ("obtain cifar {out}", "datasets.cifar needs the folder of its files"),
    "check without a solution": ("check {tmp}/none.py", "there is no such file"),
    "quote without a text": ("quote {tmp} {tmp}/none.md", "No such file"),
    "encode with nan": ("encode {digits} {nan} {out}", "not finite"),
    "sample_prior with nan": ("sample_prior {nan} {out} --draws 2", "not finite"),
    "reconstruct with nan": ("reconstruct {digits} {nan} {out}", "not finite"),
    "interpolate beyond the data": (
        "interpolate {digits} {weights} {out} --images 14 119 998",
        "has 200 train images, 999 were asked for",
    ),
    "decode_manifold with digits for weights": (
        "decode_manifold {digits} {digits} {out} --window 1 --size 2",
        "not the tensors of this model (missing or unknown: decoder.hidden.bias",
    ),
    "fit_top_half beyond the data": (
        "fit_top_half {digits} {weights} {out} --images 150 --starts 1 --draws 2 --steps 2 "
        "--learning-rate 0.1",
        "has 150 test images, 151 were asked for",
    ),
    "fit_top_half beyond the training images": (
        "fit_top_half {digits} {weights} {out} --images 0 --training-images 200 --starts 1 --draws 2 "
        "--steps 2 --learning-rate 0.1",
        "has 200 train images, 201 were asked for",
    ),
    "complete_top_half without a fit": (
        "complete_top_half {weights} {tmp}/none {out} --completions 2 --window 8 --tolerance 0.001",
        "{tmp}/none",
    ),
    "measure_epochs without a snapshot": (
        "measure_epochs {digits} {no_snapshots} {out} --window 20 --tolerance 0.001 "
        "--images 5 --test-images 5",
        "{no_snapshots} holds no snapshot",
    ),
    "compare_lattices with nan": (
        "compare_lattices {digits} {nan} {out} --window 8 --tolerance 0.001 --images 2",
        "not finite",
    ),
    "compare_estimate with nan": (
        "compare_estimate {digits} {nan} {out} --window 8 --tolerance 0.001 --images 2",
        "not finite",
    ),
    "tabulate_top_half without completions": ("tabulate_top_half {tmp}/none {out}", "{tmp}/none"),
    "tabulate_latents without metrics": (
        "tabulate_latents {tmp}/none --table {out} --markdown {out}2 --dataset mnist",
        "No such file",
    ),
    "tabulate_estimates without comparisons": (
        "tabulate_estimates {tmp}/none --table {out} --markdown {out}2 --dataset mnist",
        "No such file",
    ),
    "tabulate_literature without its columns": (
        "tabulate_literature {history} --metrics {history} --weights {weights} --table {out} "
        "--markdown {out}2",
        "has no column 'model'",
    ),
    "tabulate without metrics": (
        TABULATE.format(metrics="{tmp}/none", epochs="{tmp}/none", out="{out}"),
        "{tmp}/none",
    ),
    "parity without digits": (
        "parity {tmp}/none {weights} {out} {out}2 --solutions {tmp}/none --reference {tmp} "
        "--backend executable",
        "{tmp}/none",
    ),
    "benchmark without digits": (
        "benchmark {tmp}/none {weights} {out} {out}2 --rounds 1 --images 100 --window 8 --tolerance 0.001 "
        "--reference {tmp}",
        "{tmp}/none",
    ),
    "benchmark_processes without digits": (
        "benchmark_processes {tmp}/none {out} {out}2 --rounds 1",
        "{tmp}/none",
    ),
    "benchmark_commands without arrays": (
        "benchmark_commands {out} {out}2 --rounds 1 --figure completion {tmp}/none",
        "mnist_vae draw completion failed: error: {tmp}/none is not a readable array file",
    ),
    "repeat_epochs on more than there is": (
        "repeat_epochs {digits} --n 201",
        "has 200 train images, 201 were asked for",
    ),
    "account without a record": ("account {tmp}/none results {out} {out}2", "{tmp}/none says nothing of"),
    "manifest of what is not there": ("manifest {out} {out}2 {tmp}/none --config {{}}", "{tmp}/none"),
    "verify without a manifest": ("verify {tmp}/none", "{tmp}/none is not a manifest"),
    "build_page without a text": ("build_page {tmp}/none {tmp}/out", "{tmp}/none"),
    "check_solutions without a solution": (
        "check_solutions {out} {tmp}/none.py",
        "{tmp}/none.py: there is no",
    ),
    "check_parity without a ladder": ("check_parity {tmp}/none", "{tmp}/none"),
    "draw without arrays": ("draw completion {out}.png {tmp}/none", "{tmp}/none"),
    "parity on more than there is": (
        "parity {digits} {weights} {out} {out}2 --solutions {tmp}/none --reference {tmp} "
        "--backend executable",
        "has 200 train images, 1000 were asked for",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_an_error_that_leaves_nothing(case, study, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MNIST_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    places = {
        "tmp": tmp_path,
        "out": tmp_path / "out/file",
        "digits": study.digits,
        "grey": study.grey,
        "weights": study.weights,
        "history": study.history,
        "truncated": broken_weights(tmp_path / "truncated.safetensors", "truncated"),
        "nan": broken_weights(tmp_path / "nan.safetensors", "nan"),
        "no_snapshots": tmp_path / "no_snapshots.safetensors",
    }
    save_snapshots(places["no_snapshots"], {}, PROVENANCE)
    words, said = (text.format(**places) for text in REFUSED[case])
    capsys.readouterr()
    assert run_command(words) == 1
    captured = capsys.readouterr()
    first, *more = captured.err.splitlines()
    assert first.startswith("error: ")
    assert said in first
    assert "Traceback" not in captured.err
    if case != "obtain without a mirror":  # whose further lines are the mirrors and the ways out
        assert more == []
    assert not [name for name in listing(tmp_path) if name.startswith("out/")]


def test_every_command_is_refused_something():
    assert {words.split()[0] for words, _ in REFUSED.values()} == set(COMMANDS)


def test_exit_status_of_the_process(tmp_path):
    """As seen by a shell, and so by Snakemake."""
    found = subprocess.run(
        [sys.executable, "-m", "mnist_vae", "binarize", str(tmp_path / "none"), str(tmp_path / "out")],
        env={"PYTHONPATH": str(Path(mnist_vae.__file__).parents[1]), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.count("\n") == 1
    assert found.stderr.startswith("error: ")


def test_a_failed_command_keeps_the_file_of_the_last_success(study, tmp_path):
    out = tmp_path / "w"
    out.write_text("of the last success")
    assert train_again(study, tmp_path, "--learning-rate 1000") == 1
    assert out.read_text() == "of the last success"
    assert listing(tmp_path) == ["w"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command, capsys):
    with pytest.raises(SystemExit) as caught:
        run_command(f"{command} --help")
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert f"usage: mnist-vae {command}" in said
    assert COMMANDS[command] in " ".join(said.split())


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert all(f"  {command} " in said for command in COMMANDS)


@pytest.mark.parametrize("words", ["", "paint", "train"])
def test_wrong_words_are_one_line(words, capsys):
    with pytest.raises(SystemExit) as caught:
        run_command(words)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(" --help`")


def test_threads_reach_the_numerical_libraries(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    main(["--threads", "3", "binarize", str(tmp_path / "none"), str(tmp_path / "out")])
    assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("3", "3")


def test_sizes_of_the_small_study(study):
    assert len(load_digits(study.digits, "train")[0]) == TRAIN
    assert len(load_digits(study.digits, "test")[0]) == TEST > 100


PAGE = "--table {out} --markdown {out}2"
READERS = {  # commands that read tables; {wrong} is not the one that is meant
    "tabulate": TABULATE.replace("{metrics}", "{wrong}"),
    "tabulate, epochs": TABULATE.replace("{epochs}", "{wrong}"),
    "tabulate_latents": f"tabulate_latents {{wrong}} {PAGE} --dataset mnist",
    "tabulate_estimates": f"tabulate_estimates {{wrong}} {PAGE} --dataset mnist",
    "tabulate_literature": "tabulate_literature {wrong} --metrics {metrics} --weights {weights} " + PAGE,
    "build_page": "build_page {text} {out} --third-question {wrong}",
    "check_parity": "check_parity {wrong}",
    **{
        f"draw {figure}": f"draw {figure} {{out}}.png {{wrong}} {{wrong}}"
        for figure in (
            *("training_curves", "inference_gap", "importance_weighted_bound"),
            *("latents", "parity_ladder", "timings", "exactness"),
        )
    },
}


@pytest.mark.parametrize("kind", ["a picture", "nothing", "uneven rows", "another table"])
@pytest.mark.parametrize("reader", READERS)
def test_a_table_of_another_kind_is_one_line(study, tmp_path, capsys, reader, kind):
    content = {
        "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        "nothing": b"",
        "uneven rows": b"a,b\n1,2\n1,2,3\n",
        "another table": b"a,b\n1,2\n",
    }[kind]
    wrong = tmp_path / "mnist/models/reference/n10/seed1/wrong.csv"
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(content)
    text = tmp_path / "text.md"
    text.write_text("# A text\n", encoding="utf-8")
    files = {name: str(path) for name, path in vars(study).items()}
    words = READERS[reader].format(**files | {"wrong": wrong, "text": text, "out": tmp_path / "out"})
    before = listing(tmp_path)
    assert run_command(words) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {wrong} ")
    assert said.count("\n") == 1
    assert ("has no column" if kind == "another table" else "is not a table") in said
    assert listing(tmp_path) == before


@pytest.mark.parametrize("words", ["tabulate_estimates {metrics}", "tabulate_latents {comparison}"])
def test_metrics_of_another_kind_are_one_line(study, tmp_path, capsys, words):
    """Their columns are the same."""
    comparison = tmp_path / "estimate.csv"
    row = {"recipe": "reference", "n": 10, "seed": 1, "split": "test_subset", "metric": "difference"}
    pd.DataFrame([row | {"value": 0.1, "standard_error": 0.1}]).to_csv(comparison, index=False)
    words = f"{words} {PAGE} --dataset mnist"
    assert run_command(words.format(metrics=study.metrics, comparison=comparison, out=tmp_path / "out")) == 1
    assert ": not the table asked for" in capsys.readouterr().err
    assert listing(tmp_path) == ["estimate.csv"]


@pytest.mark.parametrize("words", ["build_page {picture} {out}", "quote {tmp} {picture}"])
def test_a_text_that_is_none_is_one_line(tmp_path, capsys, words):
    picture = tmp_path / "picture.md"
    picture.write_bytes(b"\x89PNG\r\n")
    assert run_command(words.format(picture=picture, tmp=tmp_path, out=tmp_path / "out")) == 1
    assert capsys.readouterr().err.startswith(f"error: {picture} is not text: ")
    assert listing(tmp_path) == ["picture.md"]
