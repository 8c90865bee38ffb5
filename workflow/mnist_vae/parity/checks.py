"""The rungs of the ladder: the quantities compared, their inputs and their tolerances.

Each quantity is computed here, by the functions that the study runs, and by the Julia reference
(reference_julia/parity.jl), under the same name and from the same arrays.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mnist_vae.errors import InputError
from mnist_vae.parity.bridge import Answer
from mnist_vae.study import densities, objective, svi
from mnist_vae.study.gradient import loss_with_gradient
from mnist_vae.study.images import PIXELS
from mnist_vae.study.networks import VAE
from mnist_vae.study.recipe import Recipe
from mnist_vae.study.training import shuffled_batches, train


def parameter_shapes(hidden: int = Recipe.hidden, latent: int = Recipe.latent) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter of networks of these sizes, by name."""
    return {
        "encoder.hidden.weight": (hidden, PIXELS),
        "encoder.hidden.bias": (hidden,),
        "encoder.output.weight": (2 * latent, hidden),
        "encoder.output.bias": (2 * latent,),
        "decoder.hidden.weight": (hidden, latent),
        "decoder.hidden.bias": (hidden,),
        "decoder.output.weight": (PIXELS, hidden),
        "decoder.output.bias": (PIXELS,),
    }


PARAMETERS = parameter_shapes()
LEARNING_RATE = 1e-3  # the reference's
SEEDS = {"adam_step": 1, "adam_trajectory": 2}
ENTRIES = 8  # number of entries of each tensor in which central differences are taken
SVI_IMAGES, SVI_DRAWS = 4, 5
DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Check:
    """One quantity of the ladder.

    Relative deviations are those of each element or, where cancellation makes elements nearly zero and no
    implementation has relative accuracy, that of the whole: the largest deviation over the largest magnitude.
    """

    rung: int
    quantity: str
    of_whole: bool
    tolerance: Mapping[str, float]
    tiers: tuple[str, ...] = ("core",)


def _checks() -> Iterator[Check]:
    # In units of its rounding error, each float32 tolerance is tighter than the float64 one.
    close = {"float64": 1e-12, "float32": 1e-4}
    networks = ("core", "flux")
    for quantity in ("gaussian_log_density", "bernoulli_log_density"):
        yield Check(1, quantity, False, close)
    for quantity in ("log_prior", "log_likelihood", "joint_log_density", "log_q", "top_half_joint"):
        yield Check(2, quantity, False, close)
    for quantity in ("encoder_mean", "encoder_log_std", "decoder_logits"):
        yield Check(3, quantity, True, close, networks)
    for quantity in ("elbo", "loss", "svi_objective"):
        yield Check(4, quantity, False, close, networks)
    for name in PARAMETERS:
        yield Check(5, f"gradient.{name}", True, {"float64": 1e-10, "float32": 1e-4}, networks)
    for name in PARAMETERS:
        yield Check(5, f"central_difference.{name}", True, {"float64": 1e-6})
    for run in SEEDS:
        for name in PARAMETERS:
            # Not in float32: where a gradient has cancelled to rounding noise, Adam divides by its size and
            # takes a whole step without a correct digit. The losses are not sensitive to that.
            yield Check(6, f"{run}.{name}", True, {"float64": 1e-9}, networks)
    yield Check(6, "adam_trajectory.losses", False, {"float64": 1e-9, "float32": 1e-4}, networks)


CHECKS = tuple(_checks())


# --- inputs ---------------------------------------------------------------------------------------------


def make_inputs(
    weights: Mapping[str, np.ndarray], images: np.ndarray, batch_size: int, epochs: int
) -> dict[str, np.ndarray]:
    """The inputs of both sides, by name.

    Weights are a model's, of any sizes; images (n, 784) are binary, n a multiple of the batch size. All else
    is drawn from fixed seeds, with hard cases added: logits of ±500, log_std of ±10, an all-zero and an
    all-one image. Adam takes one step, and then `epochs` passes through the images.
    """
    if len(images) % batch_size != 0 or len(images) < batch_size:
        raise InputError(f"parity: {len(images)} images do not make whole batches of {batch_size}")
    random = np.random.default_rng(0)
    latent = weights["decoder.hidden.weight"].shape[1]

    def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
        return scale * random.standard_normal(shape)

    x = images[:batch_size].astype(np.uint8)
    x[-2:] = [[0], [1]]
    logits = normal(batch_size, PIXELS, scale=5.0)
    logits[:, ::50] = 500.0
    logits[:, 25::50] = -500.0
    q_log_std = normal(batch_size, latent)
    q_log_std[:2] = [[10.0], [-10.0]]
    grid = np.meshgrid([-30.0, 0.0, 1.5], [-20.0, 0.0, 0.3], [-10.0, 0.0, 10.0])
    extreme_logits = [-500.0, -40.0, -1e-8, 0.0, 1e-8, 40.0, 500.0]
    inputs = {
        "gaussian_x": np.concatenate([grid[0].ravel(), normal(1_000)]),
        "gaussian_mean": np.concatenate([grid[1].ravel(), normal(1_000)]),
        "gaussian_log_std": np.concatenate([grid[2].ravel(), normal(1_000)]),
        "bernoulli_x": np.concatenate(
            [np.repeat([0.0, 1.0], len(extreme_logits)), random.integers(0, 2, 1_000)]
        ),
        "bernoulli_logits": np.concatenate([extreme_logits, extreme_logits, normal(1_000, scale=10.0)]),
        "x": x,
        "z": normal(batch_size, latent, scale=2.0),
        "q_mean": normal(batch_size, latent),
        "q_log_std": q_log_std,
        "logits": logits,
        "noise": normal(batch_size, latent),
        "svi_x": x[:SVI_IMAGES],
        "svi_mean": normal(SVI_IMAGES, latent),
        "svi_log_std": normal(SVI_IMAGES, latent),
        "svi_noise": normal(SVI_DRAWS, SVI_IMAGES, latent),
        "adam_images": images.astype(np.uint8),
    }
    for name in PARAMETERS:
        inputs[f"weights.{name}"] = weights[name].astype(np.float64)
        inputs[f"entries.{name}"] = random.integers(0, weights[name].size, ENTRIES)
    for run, count, passes in (("adam_step", batch_size, 1), ("adam_trajectory", len(images), epochs)):
        order, noise = draws_of_training(run, count, batch_size, passes, latent)
        inputs |= {f"{run}.order": order, f"{run}.noise": noise}
    return inputs


def draws_of_training(
    run: str, count: int, batch_size: int, epochs: int, latent: int = Recipe.latent
) -> tuple[np.ndarray, np.ndarray]:
    """The batches and the noise that `training.train` will draw in this run of Adam.

    Indices (epochs, batches, batch size) and noise (epochs, batches, batch size, latent).
    """
    generator = torch.Generator().manual_seed(SEEDS[run])
    order, noise = [], []
    for _ in range(epochs):
        for batch in shuffled_batches(torch.arange(count), batch_size, generator):
            order.append(batch)
            noise.append(torch.randn(len(batch), latent, generator=generator))
    shape = (epochs, count // batch_size, batch_size)
    return torch.stack(order).reshape(shape).numpy(), torch.stack(noise).reshape(*shape, latent).numpy()


# --- this package's answers -----------------------------------------------------------------------------


def compute(inputs: Mapping[str, np.ndarray], dtype: str) -> dict[str, np.ndarray]:
    """Compute every quantity by this package's functions, in "float64" or "float32"."""
    torch_dtype = getattr(torch, dtype)

    def tensor(name: str) -> Tensor:
        return torch.from_numpy(inputs[name]).to(torch_dtype)

    def vae() -> VAE:
        hidden, latent = inputs["weights.decoder.hidden.weight"].shape
        fresh = VAE(hidden=hidden, latent=latent).to(torch_dtype)
        fresh.load_state_dict({name: tensor(f"weights.{name}") for name in PARAMETERS})
        return fresh

    found = _densities(tensor) | _networks(tensor, vae()) | _gradients(tensor, vae(), inputs)
    for run in SEEDS:
        found |= _training(run, tensor, vae(), inputs)
    return {name: value.detach().numpy() for name, value in found.items()}


def _densities(tensor: Callable[[str], Tensor]) -> dict[str, Tensor]:
    x, z, logits = tensor("x"), tensor("z"), tensor("logits")

    def given_logits(z: Tensor) -> Tensor:
        """A decoder of known logits: this rung does not test networks."""
        return logits

    return {
        "gaussian_log_density": densities.normal_log_density(
            tensor("gaussian_x"), tensor("gaussian_mean"), tensor("gaussian_log_std")
        ),
        "bernoulli_log_density": densities.bernoulli_log_density(
            tensor("bernoulli_x"), tensor("bernoulli_logits")
        ),
        "log_prior": densities.log_prior(z),
        "log_likelihood": densities.log_likelihood(x, logits),
        "joint_log_density": densities.joint_log_density(given_logits, x, z),
        "log_q": densities.log_q(tensor("q_mean"), tensor("q_log_std"), z),
        "top_half_joint": densities.top_half_joint(given_logits, x, z),
    }


def _networks(tensor: Callable[[str], Tensor], vae: VAE) -> dict[str, Tensor]:
    x, noise = tensor("x"), tensor("noise")
    mean, log_std = vae.encoder(x)
    terms = objective.bound(vae, x, noise)
    return {
        "encoder_mean": mean,
        "encoder_log_std": log_std,
        "decoder_logits": vae.decoder(tensor("z")),
        "elbo": terms.elbo.mean(),
        "loss": objective.loss(terms),
        "svi_objective": svi.top_half_elbo(
            vae.decoder, tensor("svi_x"), tensor("svi_mean"), tensor("svi_log_std"), tensor("svi_noise")
        ),
    }


def _gradients(
    tensor: Callable[[str], Tensor], vae: VAE, inputs: Mapping[str, np.ndarray]
) -> dict[str, Tensor]:
    found = {}
    for name, gradient in loss_with_gradient(dict(vae.named_parameters()), tensor("x"), tensor("noise"))[
        1
    ].items():
        found[f"gradient.{name}"] = gradient
        found[f"central_difference.{name}"] = gradient.flatten()[inputs[f"entries.{name}"]]
    return found


def _training(
    run: str, tensor: Callable[[str], Tensor], vae: VAE, inputs: Mapping[str, np.ndarray]
) -> dict[str, Tensor]:
    """Train as the study does; the reference gets the same draws as input."""
    epochs, batches, batch_size = inputs[f"{run}.order"].shape
    images = tensor("adam_images")[: batches * batch_size]
    recipe = Recipe(epochs=epochs, batch_size=batch_size, learning_rate=LEARNING_RATE)
    losses = list(train(vae, images, recipe, torch.Generator().manual_seed(SEEDS[run])))
    return {
        f"{run}.losses": torch.tensor(losses, dtype=torch.float64),
        **{f"{run}.{name}": parameter for name, parameter in vae.named_parameters()},
    }


# --- comparison -----------------------------------------------------------------------------------------


def deviations(ours: np.ndarray, theirs: np.ndarray, of_whole: bool) -> tuple[float, float]:
    """Largest absolute and relative deviation from the reference's array.

    Both are infinite where shapes differ or a value is not finite. A value that is 0 on both sides agrees.
    """
    if ours.shape != theirs.shape or not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return np.inf, np.inf
    absolute = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    scale = np.abs(theirs).max() if of_whole else np.abs(theirs)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(absolute == 0, 0.0, absolute / scale)
    return float(absolute.max()), float(relative.max())


def climb(inputs: Mapping[str, np.ndarray], answer: Answer) -> pd.DataFrame:
    """Compare every quantity, precision and tier: one row per check, in the ladder's order.

    A quantity that the core tier did not answer counts as failed; the Flux tier may be missing as a whole.
    """
    tiers = {"core"} | {tier for tier, _ in answer.outputs}
    rows = []
    for dtype in DTYPES:
        ours = compute(inputs, dtype)
        for check in CHECKS:
            if dtype not in check.tolerance:
                continue
            for tier in sorted(tiers.intersection(check.tiers)):
                theirs = answer.outputs.get((tier, dtype), {}).get(check.quantity, np.array(np.nan))
                max_abs, max_rel = deviations(ours[check.quantity], theirs, check.of_whole)
                rows.append(
                    {
                        "rung": check.rung,
                        "quantity": check.quantity,
                        "tier": tier,
                        "backend": answer.backend,
                        "julia_version": answer.julia_version,
                        "dtype": dtype,
                        "shapes": "x".join(map(str, ours[check.quantity].shape)) or "scalar",
                        "max_abs": max_abs,
                        "max_rel": max_rel,
                        "tolerance": check.tolerance[dtype],
                        "pass": max_rel <= check.tolerance[dtype],
                    }
                )
    return pd.DataFrame(rows).sort_values("rung", kind="stable", ignore_index=True)
