"""Train one model, and keep the history of its bounds."""

from argparse import ArgumentParser, Namespace
from functools import partial

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from mnist_vae.augmentation import augment
from mnist_vae.data import load_digits
from mnist_vae.evaluation import evaluate
from mnist_vae.model import VAE
from mnist_vae.storage import load_provenance, whole_file
from mnist_vae.training import Recipe, train
from mnist_vae.weights import save_snapshots, save_weights, weight_arrays

HISTORY_POINTS = 12  # times a training's bounds are measured: often at first, when they change fast
HISTORY_NOISE_SEED = 0  # the same noise each time, so that a curve shows the model and not the draw


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("grey", help="what `obtain` stored; read if the recipe has augmentation")
    parser.add_argument("weights", help="where the weights go (.safetensors)")
    parser.add_argument("history", help="where the history goes (.csv)")
    parser.add_argument("snapshots", help="where weights along the way go (.safetensors)")
    parser.add_argument("--snapshot-epochs", type=int, nargs="*", default=[], help="and after the last one")
    parser.add_argument("--recipe", required=True, help="the recipe's name, for the record")
    parser.add_argument("--n", type=int, required=True, help="how many training images, the first ones")
    parser.add_argument("--seed", type=int, required=True, help="of initialization, order and noise")
    parser.add_argument("--epochs", type=int, required=True, help="passes through the images")
    parser.add_argument("--batch-size", type=int, required=True, help="images a step")
    parser.add_argument("--learning-rate", type=float, required=True, help="Adam's step size")
    parser.add_argument(
        "--decay", type=float, default=0, help="share of steps over which the rate falls to 0"
    )
    parser.add_argument(
        "--latent-layer-rate", type=float, default=1, help="factor for the decoder's first layer"
    )
    parser.add_argument(
        "--initialization", choices=["glorot", "pytorch"], default="glorot", help="of the weights"
    )
    parser.add_argument("--augmentation", type=float, default=0, help="strength of the images' deformations")


def run(options: Namespace) -> None:
    """Train and store."""
    images, _ = load_digits(options.digits, "train", options.n)
    test_images, _ = load_digits(options.digits, "test")
    images, test_images = torch.from_numpy(images), torch.from_numpy(test_images)

    generator = torch.Generator().manual_seed(options.seed)
    vae = VAE(generator, options.initialization)
    recipe = Recipe(
        options.epochs,
        options.batch_size,
        options.learning_rate,
        options.decay,
        options.latent_layer_rate,
    )
    variants = None
    if options.augmentation:
        grey = torch.from_numpy(load_digits(options.grey, "train", options.n)[0])
        variants = partial(augment, grey, options.augmentation, generator)
    measured = set(np.geomspace(1, recipe.epochs, HISTORY_POINTS).round().astype(int))
    kept = {*options.snapshot_epochs, recipe.epochs} if options.snapshot_epochs else set()
    history, snapshots = [], {}
    losses = train(vae, images, recipe, generator, variants)
    # On a terminal a bar; in a log, where tqdm disables itself, the lines below.
    progress = tqdm(losses, total=recipe.epochs, desc="training", unit="epoch", disable=None)
    for epoch, mean_loss in enumerate(progress, start=1):
        row = {"epoch": epoch, "loss": mean_loss}
        if epoch in measured:
            row["train_neg_elbo"] = _neg_elbo(vae, images[: len(test_images)])
            row["test_neg_elbo"] = _neg_elbo(vae, test_images)
            tqdm.write(
                f"epoch {epoch}/{recipe.epochs}: -ELBO in nats: "
                f"train {row['train_neg_elbo']:.2f}, test {row['test_neg_elbo']:.2f}"
            )
        history.append(row)
        if epoch in kept:
            snapshots[epoch] = weight_arrays(vae)

    provenance = load_provenance(options.digits) | {
        "recipe": options.recipe,
        "n": options.n,
        "seed": options.seed,
    }
    with whole_file(options.history) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
    save_snapshots(options.snapshots, snapshots, provenance)
    save_weights(options.weights, vae, provenance)


def _neg_elbo(vae: VAE, images: torch.Tensor) -> float:
    noise = torch.Generator().manual_seed(HISTORY_NOISE_SEED)
    return evaluate(vae, images, draws=1, generator=noise).neg_elbo.value
