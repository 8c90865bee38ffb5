"""Training: what each step sees, what it does, and that it can be repeated bit by bit."""

import itertools
from types import SimpleNamespace

import pytest
import safetensors.torch
import torch

from mnist_vae.errors import InputError
from mnist_vae.study import gradient, step
from mnist_vae.study.adam import Adam
from mnist_vae.study.evaluation import evaluate
from mnist_vae.study.networks import VAE
from mnist_vae.study.objective import bound
from mnist_vae.study.recipe import Recipe
from mnist_vae.study.training import train

N = 250


@pytest.fixture(scope="module")
def coded():
    """Images that state their own number, in binary, in their first 16 pixels."""
    numbers = torch.arange(N)
    x = torch.zeros(N, 784)
    x[:, :16] = (numbers[:, None] >> torch.arange(16)) & 1
    return x


def numbers(batch):
    return (batch[:, :16] @ 2.0 ** torch.arange(16)).int().tolist()


def run(x, seed=0, epochs=2, batch_size=100, learning_rate=1e-3):
    """Train a model from a seed; return it and its losses."""
    generator = torch.Generator().manual_seed(seed)
    vae = VAE(generator)
    recipe = Recipe(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    return vae, list(train(vae, x, recipe, generator))


@pytest.fixture
def watch(monkeypatch):
    """What each step sees: images and noise."""
    seen = SimpleNamespace(images=[], noise=[])

    def loss_with_gradient(parameters, x, noise, beta):
        seen.images.append(x.clone())
        seen.noise.append(noise)
        return gradient.loss_with_gradient(parameters, x, noise, beta)

    monkeypatch.setattr(step, "loss_with_gradient", loss_with_gradient)
    return seen


@pytest.fixture
def steps(monkeypatch):
    """Adam's steps, by parameter name: the value before, the gradient, the rate, and the value after."""
    seen, right = [], Adam.step

    def copies(tensors):
        return {name: tensor.detach().double().clone() for name, tensor in tensors.items()}

    def step(optimizer, gradient, rate_factor):
        rates = {name: rate * rate_factor for rate, names in optimizer.groups.items() for name in names}
        before = copies(optimizer.parameters)
        right(optimizer, gradient, rate_factor)
        after = copies(optimizer.parameters)
        seen.append(SimpleNamespace(before=before, gradient=copies(gradient), rates=rates, after=after))

    monkeypatch.setattr(Adam, "step", step)
    return seen


def test_every_image_once_an_epoch_and_a_last_partial_batch(coded, watch):
    run(coded)
    sizes = [len(x) for x in watch.images]
    assert sizes == [100, 100, 50] * 2
    seen = [number for x in watch.images for number in numbers(x)]
    assert sorted(seen[:N]) == sorted(seen[N:]) == list(range(N))


def test_batches_are_whole_images(coded, watch):
    run(coded, epochs=1)
    for x in watch.images:
        assert torch.equal(x, coded[numbers(x)])


def test_order_is_fresh_every_epoch(coded, watch):
    run(coded, epochs=3)
    seen = [number for x in watch.images for number in numbers(x)]
    orders = [seen[:N], seen[N : 2 * N], seen[2 * N :]]
    assert list(range(N)) not in orders
    assert len({tuple(order) for order in orders}) == 3


@pytest.mark.parametrize(("batch_size", "sizes"), [(1000, [250]), (250, [250]), (249, [249, 1])])
def test_batch_sizes_at_the_edges(coded, watch, batch_size, sizes):
    run(coded, epochs=1, batch_size=batch_size)
    assert [len(x) for x in watch.images] == sizes


def test_one_fresh_draw_per_image_and_epoch(coded, watch):
    run(coded)
    assert [noise.shape for noise in watch.noise] == [(len(x), 2) for x in watch.images]
    noise = torch.cat(watch.noise)
    assert len(noise) == 2 * N
    assert len(noise.unique(dim=0)) == 2 * N
    assert noise.mean(0).abs().max() < 4 / (2 * N) ** 0.5
    assert (noise.std(0) - 1).abs().max() < 4 / (4 * N) ** 0.5


@torch.inference_mode()
def test_epochs_yield_their_mean_loss_per_image(coded, watch):
    """At a negligible rate the model does not change, so its loss can be recomputed from what it saw."""
    vae, losses = run(coded, learning_rate=1e-30)
    per_image = [-bound(vae, x, noise).elbo for x, noise in zip(watch.images, watch.noise, strict=True)]
    per_image = torch.cat(per_image).double()
    assert losses == pytest.approx([per_image[:N].mean().item(), per_image[N:].mean().item()], rel=1e-6)


def test_a_seed_gives_the_same_bits(coded):
    torch.manual_seed(1)
    (first, first_losses), _ = run(coded), torch.manual_seed(2)
    again, again_losses = run(coded)
    assert first_losses == again_losses
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_another_seed_gives_another_model(coded):
    (first, first_losses), (other, other_losses) = run(coded), run(coded, seed=1)
    assert first_losses != other_losses
    for one, another in zip(first.parameters(), other.parameters(), strict=True):
        assert not torch.equal(one, another)


def test_steps_are_adams(coded, steps):
    """Three steps by hand: rate 1e-3, betas 0.9 and 0.999, eps 1e-8, no weight decay, every tensor."""
    rate, beta1, beta2, eps = 1e-3, 0.9, 0.999, 1e-8
    run(coded, epochs=1, learning_rate=rate)
    assert len(steps) == 3
    assert len(steps[0].after) == 8
    for name in steps[0].after:
        m = v = 0
        for t, taken in enumerate(steps, start=1):
            before, after, g = (named[name] for named in (taken.before, taken.after, taken.gradient))
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
            step = rate * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)
            torch.testing.assert_close(after, before - step, rtol=1e-6, atol=1e-7)


def test_gradients_are_of_one_batch_alone(coded, steps):
    """No gradient is left over from the last step: Adam sees that of the batch's loss."""
    x = coded[:100]
    first, generator = VAE(torch.Generator().manual_seed(0)), torch.Generator().manual_seed(0)
    list(train(first, x, Recipe(epochs=30, batch_size=100, learning_rate=1e-30), generator))
    # The model stands still, so these differ by their noise only; left over, they would add up.
    norms = torch.stack([taken.gradient["decoder.output.bias"].norm() for taken in steps])
    assert norms.max() < 2 * norms.min()


@pytest.mark.parametrize("rate", [1.0, 1e3, 1e6])
def test_divergence_is_an_error_that_says_when(images, rate):
    with pytest.raises(
        InputError, match=r"diverged: epoch \d+ ended with a loss of (nan|inf).*learning_rate"
    ):
        run(images[:200], epochs=20, learning_rate=rate)


def test_loss_falls_on_real_digits(images):
    _, losses = run(images[:500], epochs=8)
    assert losses[-1] < losses[0] - 100
    assert all(later < earlier + 5 for earlier, later in itertools.pairwise(losses))


def test_every_tensor_is_trained(coded):
    untrained, (trained, _) = VAE(torch.Generator().manual_seed(0)), run(coded, epochs=1)
    for name, tensor in untrained.state_dict().items():
        assert not torch.equal(tensor, trained.state_dict()[name])


def test_training_leaves_the_images_alone(coded):
    before = coded.clone()
    run(coded, epochs=1)
    assert torch.equal(coded, before)


# --- what may be trained on -------------------------------------------------------------------------------


def start(images, generator=None, variants=None, vae=None, **changes):
    """Begin a training run, which checks its input, and take no step."""
    recipe = Recipe(**{"epochs": 1, "batch_size": 100, "learning_rate": 1e-3} | changes)
    return train(vae or VAE(), images, recipe, generator or torch.Generator(), variants)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda x: x.to(torch.uint8), r"images are torch\.uint8, the model torch\.float32; .*images\.to"),
        (lambda x: x.double(), r"images are torch\.float64, the model torch\.float32"),
        (lambda x: x.bool(), r"images are torch\.bool"),
        (lambda x: 0.25 + x / 2, r"a pixel of 0\.[27]5; every pixel must be 0 or 1\. Binarize"),
        (lambda x: x * 255, r"a pixel of 255; every pixel must be 0 or 1"),
        (lambda x: x.where(x == 0, torch.nan), r"a pixel of nan"),
        (lambda x: x[:, :783], r"the shape \(250, 783\); .*\(n, 784\)"),
        (lambda x: x.view(N, 28, 28), r"the shape \(250, 28, 28\)"),
        (lambda x: x[0], r"the shape \(784,\)"),
        (lambda x: x[:0], r"the shape \(0, 784\); give one or more"),
        (lambda x: x.to("meta"), r"images are on meta, the model on cpu"),
    ],
)
def test_what_are_no_binary_images_is_refused(coded, change, reason):
    with pytest.raises(InputError, match=reason):
        start(change(coded))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"batch_size": 0}, "batch_size is 0; it must be a whole number, at least 1"),
        ({"epochs": 0}, "epochs is 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be a finite number, above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"latent_layer_rate": -1.0}, "latent_layer_rate is -1.0"),
    ],
)
def test_a_recipe_that_cannot_train_is_refused(coded, changes, reason):
    with pytest.raises(InputError, match=reason):
        start(coded, **changes)


def test_another_devices_generator_is_refused(coded):
    generator = SimpleNamespace(device=torch.device("cuda:0"))
    with pytest.raises(InputError, match="the generator is on cuda:0; give a CPU's"):
        start(coded, generator)


def test_variants_are_checked_before_the_first_step(coded, watch):
    with pytest.raises(InputError, match="a pixel of 3"):
        list(start(coded, variants=lambda: 3 * torch.ones_like(coded)))
    assert watch.images == []


def test_what_is_refused_leaves_the_model_alone(coded):
    vae = VAE(torch.Generator().manual_seed(0))
    before = {name: tensor.clone() for name, tensor in vae.state_dict().items()}
    with pytest.raises(InputError):
        start(coded / 2, vae=vae)
    for name, tensor in vae.state_dict().items():
        assert torch.equal(tensor, before[name])


# --- any size of network ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("hidden", "latent"), [(64, 1), (32, 3), (20, 20)])
def test_a_network_of_any_size_learns(images, hidden, latent):
    generator = torch.Generator().manual_seed(0)
    vae = VAE(generator, hidden=hidden, latent=latent)
    losses = list(train(vae, images[:500], Recipe(epochs=5, batch_size=50, learning_rate=3e-3), generator))
    assert losses[-1] < losses[0] - 100


def test_weights_lie_as_pytorch_lays_them_before_during_and_after_training(coded):
    """So that safetensors and others can store them as they are, from between the epochs too."""
    generator = torch.Generator().manual_seed(0)
    vae = VAE(generator)
    for _ in train(vae, coded, Recipe(epochs=2, batch_size=100, learning_rate=1e-3), generator):
        assert all(tensor.is_contiguous() for tensor in vae.state_dict().values())
        safetensors.torch.save(vae.state_dict())


@torch.inference_mode()
def test_beta_weighs_the_kl_in_the_loss_that_is_trained(coded, watch):
    """At a negligible rate the loss can be recomputed on what the model saw."""
    recipe = Recipe(epochs=1, batch_size=100, learning_rate=1e-30, beta=4.0)
    vae = VAE(torch.Generator().manual_seed(0))
    (found,) = train(vae, coded, recipe, torch.Generator().manual_seed(0))
    terms = [bound(vae, x, noise) for x, noise in zip(watch.images, watch.noise, strict=True)]
    expected = torch.cat([4 * each.kl - each.log_likelihood for each in terms])
    assert found == pytest.approx(expected.mean().item(), rel=1e-6)


def test_a_greater_beta_ends_with_a_smaller_kl(images):
    def kl_after(beta):
        generator = torch.Generator().manual_seed(0)
        vae = VAE(generator)
        recipe = Recipe(epochs=8, batch_size=50, learning_rate=3e-3, beta=beta)
        list(train(vae, images[:500], recipe, generator))
        return evaluate(vae, images[:500], 3, torch.Generator().manual_seed(1)).kl.value

    assert kl_after(0.1) > kl_after(1.0) > kl_after(10.0)


# --- what stronger recipes add ----------------------------------------------------------------------------


def rates(coded, steps, **options):
    """The learning rates of every step: for the decoder's first layer, and for all other tensors."""
    recipe = Recipe(epochs=4, batch_size=100, learning_rate=1e-3, **options)
    list(train(VAE(torch.Generator().manual_seed(0)), coded, recipe, torch.Generator().manual_seed(0)))
    latent, others = [], []
    for taken in steps:
        by_layer = {True: set(), False: set()}
        for name, rate in taken.rates.items():
            by_layer[name.startswith("decoder.hidden.")].add(rate)
        for found, layer in ((latent, True), (others, False)):
            (rate,) = by_layer[layer]
            found.append(rate)
    return latent, others


def test_the_reference_keeps_one_rate(coded, steps):
    latent, others = rates(coded, steps)
    assert latent == others == [1e-3] * 12


def test_rate_falls_linearly_to_zero_over_the_last_share_of_steps(coded, steps):
    latent, others = rates(coded, steps, decay=0.5)
    assert latent == others
    assert others == pytest.approx([1e-3] * 7 + [1e-3 * left / 6 for left in (5, 4, 3, 2, 1)])


def test_latent_layer_rate_is_the_decoders_first_layers_alone(coded, steps):
    latent, others = rates(coded, steps, latent_layer_rate=3.0)
    assert latent == pytest.approx([3e-3] * 12)
    assert others == pytest.approx([1e-3] * 12)


def test_new_variants_are_made_each_epoch_and_seen_in_place_of_the_images(coded, watch):
    vae, made = VAE(torch.Generator().manual_seed(0)), []

    def variants():
        made.append(torch.full_like(coded, len(made) % 2))
        return made[-1]

    recipe = Recipe(epochs=3, batch_size=100, learning_rate=1e-3)
    list(train(vae, coded, recipe, torch.Generator().manual_seed(0), variants))
    assert len(made) == 3
    assert [batch.unique().tolist() for batch in watch.images] == [[0]] * 3 + [[1]] * 3 + [[0]] * 3
    assert [len(batch) for batch in watch.images] == [100, 100, 50] * 3
