"""The mistakes of docs/model.md in this pipeline: a test for each, and a proof that it can fail.

The last test puts each mistake of the table (mnist_vae.check.mistakes) into the library and requires the test
for it to fail.
"""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.special
import scipy.stats
import torch
from matplotlib.colors import to_hex

from mnist_vae.check.mistakes import MISTAKES
from mnist_vae.commands import complete_top_half, evaluate, interpolate, sample_prior
from mnist_vae.data import binarization, idx
from mnist_vae.data import digits as data
from mnist_vae.data.digits import load_digits
from mnist_vae.exact import completion
from mnist_vae.figures import style, top_half_posterior
from mnist_vae.files.storage import load_arrays, load_provenance, save_arrays
from mnist_vae.files.weights import load_weights, save_weights
from mnist_vae.study import densities, evaluation, objective, step, svi, training
from mnist_vae.study.densities import log_likelihood
from mnist_vae.study.networks import VAE
from mnist_vae.study.recipe import Recipe
from support.command_line import run_command
from support.small_mnist import replace_published_files


@pytest.fixture
def world(study, tmp_path, monkeypatch):
    """The small study, its model, digits, a folder for new files, and functions that introduce mistakes."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
    return SimpleNamespace(
        study=study,
        vae=load_weights(study.weights).requires_grad_(False),
        x=torch.from_numpy(load_digits(study.digits, "test", 20)[0]),
        tmp=tmp_path,
        monkeypatch=monkeypatch,
    )


def run(words):
    if run_command(words):
        raise RuntimeError(f"failed: {words}")  # no AssertionError: this is not how a mistake is caught


TOP, BOTTOM = slice(0, 14), slice(14, 28)


def inverted(x, rows):
    """Pictures with every pixel of the given rows inverted."""
    pictures = x.reshape(-1, 28, 28).clone()
    pictures[:, rows] = 1 - pictures[:, rows]
    return pictures.reshape(x.shape)


# --- the tests --------------------------------------------------------------------------------------------


def test_top_half_is_the_upper_rows(world):
    z = torch.zeros(2)
    before, other_top, other_bottom = (
        densities.top_half_joint(world.vae.decoder, x, z)
        for x in (world.x, inverted(world.x, TOP), inverted(world.x, BOTTOM))
    )
    assert torch.equal(before, other_bottom)
    assert (before != other_top).all()


def test_images_are_read_row_by_row(world):
    small = replace_published_files(world.monkeypatch)
    small.write(world.tmp / "mnist")
    run(f"obtain mnist {world.tmp}/grey --mnist-dir {world.tmp}/mnist")
    stored = load_arrays(world.tmp / "grey")["train_images"]
    for pixels, picture in zip(stored, small.arrays["train_images"], strict=True):
        assert pixels.tolist() == [grey for row in picture.tolist() for grey in row]


def test_loss_is_a_mean_over_images(world):
    noise = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    once, twice = (
        objective.loss(objective.bound(world.vae, world.x.repeat(times, 1), noise.repeat(times, 1)), 1.0)
        for times in (1, 2)
    )
    assert twice.item() == pytest.approx(once.item(), rel=1e-5)


def test_bounds_are_means_over_images_and_draws(world):
    """With four times the images or draws, a mean moves by its error; a sum would be four times as large."""
    some, more_draws, more_images = (
        evaluation.evaluate(world.vae, x, draws, torch.Generator().manual_seed(0)).neg_elbo.value
        for x, draws in ((world.x, 10), (world.x, 40), (world.x.repeat(4, 1), 10))
    )
    assert some == pytest.approx(more_draws, rel=0.1)
    assert some == pytest.approx(more_images, rel=0.1)


def test_svi_objective_is_a_mean_over_draws(world):
    mean = log_std = torch.zeros(20, 2)
    noise = torch.randn(5, 20, 2, generator=torch.Generator().manual_seed(0))
    once, twice = (
        svi.top_half_elbo(world.vae.decoder, world.x, mean, log_std, draws)
        for draws in (noise, torch.cat([noise, noise]))
    )
    torch.testing.assert_close(once, twice)


def test_contours_know_the_top_half_alone(world):
    world.monkeypatch.setattr(completion, "CONTOUR_POINTS", 31)  # as good here, and quick
    fit = load_arrays(world.study.fit)
    fit["x"] = inverted(torch.from_numpy(fit["x"]), BOTTOM).numpy()
    save_arrays(world.tmp / "fit", fit, load_provenance(world.study.fit))
    for fit_file, output in ((world.study.fit, "before"), (world.tmp / "fit", "after")):
        files = f"{world.study.weights} {fit_file} {world.tmp}/{output}"
        run(f"complete_top_half {files} --completions 1 --window 20 --tolerance 0.001")
    before, after = load_arrays(world.tmp / "before"), load_arrays(world.tmp / "after")
    assert not np.array_equal(before["x"], after["x"])
    assert np.array_equal(before["log_joint"], after["log_joint"])


def test_interpolation_is_of_latents(world):
    output = world.tmp / "interpolation"
    run(f"interpolate {world.study.digits} {world.study.weights} {output} --images 14 119 98")
    x = torch.from_numpy(load_digits(world.study.digits, "train")[0])
    z_14, z_119, z_98 = (world.vae.encoder(x[i])[0] for i in (14, 119, 98))
    means = load_arrays(output)["means"]
    for row, (first, second) in enumerate(((z_14, z_119), (z_119, z_98), (z_14, z_98))):
        for column in range(11):
            a = column / 10
            expected = world.vae.decoder(a * first + (1 - a) * second).sigmoid()
            assert np.allclose(means[row, column], expected, atol=1e-5)


def test_prior_samples_come_from_the_prior(world):
    """They are standard normal, whatever the encoder is."""
    other = VAE(torch.Generator().manual_seed(5))
    other.decoder.load_state_dict(world.vae.decoder.state_dict())
    save_weights(world.tmp / "other", other, load_provenance(world.study.weights))
    for weights, output in ((world.study.weights, "samples"), (world.tmp / "other", "others")):
        run(f"sample_prior {weights} {world.tmp}/{output} --draws 20")
    samples, others = load_arrays(world.tmp / "samples"), load_arrays(world.tmp / "others")
    for dimension in samples["z"].T:
        assert scipy.stats.kstest(dimension, "norm").pvalue > 1e-3
    assert all(np.array_equal(samples[name], others[name]) for name in samples)


def test_a_step_sees_one_batch(world):
    x = torch.from_numpy(load_digits(world.study.digits, "train")[0])
    vae, sizes = VAE(), []
    right = step.loss_with_gradient

    def loss_with_gradient(parameters, x, noise, beta):
        sizes.append(len(x))
        return right(parameters, x, noise, beta)

    world.monkeypatch.setattr(step, "loss_with_gradient", loss_with_gradient)
    recipe = Recipe(epochs=2, batch_size=75, learning_rate=1e-3)
    list(training.train(vae, x, recipe, torch.Generator().manual_seed(0)))
    assert sizes == [75, 75, 50] * 2


def test_pixels_are_binary(world):
    replace_published_files(world.monkeypatch).write(world.tmp / "mnist")
    run(f"obtain mnist {world.tmp}/grey --mnist-dir {world.tmp}/mnist")
    run(f"binarize {world.tmp}/grey {world.tmp}/digits")
    for split in ("train", "test"):
        assert np.unique(load_digits(world.tmp / "digits", split)[0]).tolist() == [0, 1]


def test_the_test_set_is_all_of_it(world):
    """With a q of no width the reconstruction is not random, so it can be computed by hand."""
    certain = VAE()
    certain.load_state_dict(world.vae.state_dict())
    with torch.no_grad():
        certain.encoder.output.weight[2:], certain.encoder.output.bias[2:] = 0, -30
    save_weights(world.tmp / "weights", certain, load_provenance(world.study.weights))
    run(
        f"evaluate {world.study.digits} {world.tmp}/weights {world.tmp}/metrics --draws 2 "
        "--first-100-draws 2 --window 20 --tolerance 0.001 --images 5"
    )
    metrics = pd.read_csv(world.tmp / "metrics").set_index(["metric", "split"]).value["reconstruction"]
    x = torch.from_numpy(load_digits(world.study.digits, "test")[0])
    with torch.no_grad():
        per_image = -log_likelihood(x, certain.decoder(certain.encoder(x)[0]))
    assert metrics["test"] == pytest.approx(per_image.mean().item(), rel=1e-5)
    assert metrics["test_first_100"] == pytest.approx(per_image[:100].mean().item(), rel=1e-5)


def test_contours_are_of_the_density(world):
    """Every contour of q lies where q itself, and not its logarithm, has that share of its peak."""
    figure = top_half_posterior.draw([str(world.study.top_half)])
    fit = load_arrays(world.study.fit)
    upper = [axes for axes in figure.axes if axes.collections][
        : len(fit["mean"])
    ]  # below them: shares of the mass
    for axes, mean, log_std in zip(upper, fit["mean"], fit["log_std"], strict=True):
        (q,) = (
            lines for lines in axes.collections if to_hex(lines.get_edgecolors()[0]) == style.Q_COLOUR.lower()
        )
        assert len(q.get_paths()) == 9
        for level, path in zip((0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99), q.get_paths(), strict=True):
            share = np.exp(-0.5 * (((path.vertices - mean) / np.exp(log_std)) ** 2).sum(1))
            assert share.size
            assert np.abs(share - level).max() < 0.02


# --- the mistakes -----------------------------------------------------------------------------------------


def instead(world, right, wrong):
    """Put a function in another's place wherever the library has it."""
    places = [
        (module, name)
        for module_name, module in list(sys.modules.items())
        if module_name.startswith("mnist_vae")
        for name, value in list(vars(module).items())
        if value is right
    ]
    assert places
    for module, name in places:
        world.monkeypatch.setattr(module, name, wrong)


def left_half_for_the_top(world):
    def left_half(x):
        return x.reshape(*x.shape[:-1], 28, 28)[..., :14].reshape(*x.shape[:-1], 392)

    instead(world, densities.top_half, left_half)


def transposed_picture(world):
    right = idx.read_published

    def transposed(path, file):
        array = right(path, file)
        return array.transpose(0, 2, 1) if array.ndim == 3 else array

    instead(world, right, transposed)


def sum_over_the_batch(world):
    instead(world, objective.loss, lambda terms, beta: -terms.beta_elbo(beta).sum())


def batches_summed(world):
    right = evaluation.mean_over_images
    instead(world, right, lambda per_image: right(per_image)._replace(value=per_image.sum().item()))


def sum_over_the_draws(world):
    right = svi.top_half_elbo
    instead(world, right, lambda *arguments: right(*arguments) * len(arguments[-1]))


def full_image_for_the_top(world):
    world.monkeypatch.setattr(complete_top_half, "TopHalfDecoder", lambda decoder: decoder)
    world.monkeypatch.setattr(completion, "top_half_joint", densities.joint_log_density)


def interpolated_pixels(world):
    right = interpolate.run

    def pixels(options):
        right(options)
        arrays = load_arrays(options.output)
        x = load_digits(options.digits, "train")[0][arrays["images"]]
        a = arrays["weights_of_first"][:, None]
        arrays["means"] = (a * x[:, None, 0] + (1 - a) * x[:, None, 1]).astype(np.float32)
        save_arrays(options.output, arrays, load_provenance(options.output))

    instead(world, right, pixels)


def prior_samples_from_the_encoder(world):
    def from_encoder(options):
        vae = load_weights(options.weights).requires_grad_(False)
        x = torch.from_numpy(load_digits(world.study.digits, "train")[0])
        mean, log_std = vae.encoder(x.repeat(options.draws // len(x) + 1, 1)[: options.draws])
        z = objective.reparameterize(mean, log_std, torch.randn(mean.shape))
        means = vae.decoder(z).sigmoid()
        arrays = {"z": z.numpy(), "means": means.numpy(), "samples": torch.bernoulli(means).numpy()}
        save_arrays(options.output, arrays, load_provenance(options.weights))

    instead(world, sample_prior.run, from_encoder)


def whole_set_in_a_batch(world):
    def every_image(images, batch_size, generator):
        return (images for _ in range(0, len(images), batch_size))

    instead(world, training.shuffled_batches, every_image)


def grey_pixels(world):
    instead(world, binarization.binarize, lambda grey, threshold: grey)


def first_test_batch(world):
    right = data.load_digits

    def first_batch(path, split, count=None):
        return right(path, split, 100 if split == "test" else count)

    world.monkeypatch.setattr(evaluate, "load_digits", first_batch)


def contours_through_a_sigmoid(world):
    class Numpy:
        exp = staticmethod(scipy.special.expit)

        def __getattr__(self, name):
            return getattr(np, name)

    world.monkeypatch.setattr(top_half_posterior, "np", Numpy())


CAUGHT_BY = {
    left_half_for_the_top: test_top_half_is_the_upper_rows,
    transposed_picture: test_images_are_read_row_by_row,
    sum_over_the_batch: test_loss_is_a_mean_over_images,
    batches_summed: test_bounds_are_means_over_images_and_draws,
    sum_over_the_draws: test_svi_objective_is_a_mean_over_draws,
    full_image_for_the_top: test_contours_know_the_top_half_alone,
    interpolated_pixels: test_interpolation_is_of_latents,
    prior_samples_from_the_encoder: test_prior_samples_come_from_the_prior,
    whole_set_in_a_batch: test_a_step_sees_one_batch,
    grey_pixels: test_pixels_are_binary,
    first_test_batch: test_the_test_set_is_all_of_it,
    contours_through_a_sigmoid: test_contours_are_of_the_density,
}


def test_the_table_knows_each():
    assert {put_in.__name__ for put_in in CAUGHT_BY} <= MISTAKES.keys()


@pytest.mark.parametrize("put_in", CAUGHT_BY, ids=lambda put_in: put_in.__name__)
def test_the_mistake_is_caught(put_in, world):
    put_in(world)
    with pytest.raises(AssertionError):
        CAUGHT_BY[put_in](world)
