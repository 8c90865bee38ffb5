"""A network of another width or latent dimension, from its training through the commands that serve it."""

import numpy as np
import pytest

from mnist_vae.files.storage import load_arrays
from mnist_vae.files.weights import load_snapshots, load_weights
from support.command_line import listing, run_command

HIDDEN, LATENT = 24, 3


@pytest.fixture(scope="module")
def folder(small_digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sizes")
    d, f = small_digits, folder
    for words in (
        f"train {d.binarized} {d.grey} {f}/weights {f}/history {f}/snapshots --snapshot-epochs 1 "
        "--recipe tall --n 150 --seed 3 --epochs 2 --batch-size 40 --learning-rate 0.002 "
        f"--hidden {HIDDEN} --latent {LATENT} --beta 0.5",
        f"encode {d.binarized} {f}/weights {f}/latents",
        f"sample_prior {f}/weights {f}/samples --draws 5",
        f"interpolate {d.binarized} {f}/weights {f}/interpolation --images 14 119 98",
        f"fit_top_half {d.binarized} {f}/weights {f}/fit --images 0 --starts 2 --draws 5 --steps 4 "
        "--learning-rate 0.05",
    ):
        assert run_command(words) == 0
    return folder


def test_the_sizes_asked_for_are_trained_and_kept(folder):
    for vae in (load_weights(folder / "weights"), *dict(load_snapshots(folder / "snapshots")).values()):
        assert (vae.hidden, vae.latent) == (HIDDEN, LATENT)


def test_commands_follow_the_latent_dimension(folder):
    latents, samples, fit = (load_arrays(folder / name) for name in ("latents", "samples", "fit"))
    assert latents["mean"].shape == latents["log_std"].shape == (150, LATENT)
    assert samples["z"].shape == (5, LATENT)
    assert fit["mean"].shape == (2, LATENT)
    means = load_arrays(folder / "interpolation")["means"]
    assert (means.shape[0], means.shape[-1]) == (3, 784)
    assert np.isfinite(means).all()


def test_a_latent_plane_needs_two_dimensions(folder, tmp_path, capsys):
    assert run_command(f"decode_manifold {folder}/weights {folder}/latents {tmp_path}/manifold --size 3") == 1
    assert "has 3 latent dimensions; a grid of the latent plane needs 2" in capsys.readouterr().err
    assert listing(tmp_path) == []
